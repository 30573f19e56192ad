"""Buckets that hold far too much, and services that lie about how much they hold."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable
from datetime import timedelta

import pytest

from hook.catalogs.opening import Access, open_store
from hook.catalogs.s3 import PAGE_LIMIT
from hook.errors import BackupUnknown
from hook.settings.backup_source import S3Location, S3Settings
from tests.contract.conftest import Place
from tests.testbed.backup_gate import judge_source
from tests.testbed.canned_http import Answer, CannedServer, answering
from tests.testbed.crowded_bucket import CROWDS, PAGE, PREFIX, contents, crowded_bucket, page
from tests.testbed.pgbackrest_repository import SYSTEM_IDENTIFIER

# Ten pages show how requests and memory grow as well as a hundred would, in a tenth of the time.
OBJECTS = 10_000
# Two hundred thousand objects are listed at most; that is what the memory of a pod leaves.
BYTES_OF_AN_ENTRY = 300
# Watching every allocation takes time.
FEW = 2 * PAGE


@pytest.mark.parametrize("name", CROWDS)
def test_full_place_costs_its_pages_and_a_bounded_look(
    unreachable: Callable[[str], Place], name: str
) -> None:
    """However many backups are listed, only so many of them are looked into."""
    crowd = CROWDS[name]
    with answering(crowded_bucket(crowd, OBJECTS)) as server:
        place = unreachable(server.endpoint)
        access = Access(place.settings, "app")
        source = f"{crowd.system}:{place.url}"
        *_, finding = judge_source(
            source, access, SYSTEM_IDENTIFIER, timedelta(minutes=4), database="shop"
        )
    assert finding.code is crowd.code, finding
    assert len(server.paths) - OBJECTS // PAGE in range(crowd.looks + 1)


def _list(server: CannedServer, settings: S3Settings) -> list[str]:
    store = open_store(S3Location("shop"), settings._replace(endpoint=server.endpoint))
    return [entry.key for entry in store.list_level("")]


def test_long_listing_takes_little_memory(s3_place: Place) -> None:
    """Nothing is kept of a page but names, sizes and times."""
    with answering(crowded_bucket(CROWDS["dump"], FEW)) as server:
        location = S3Location("shop", PREFIX.rstrip("/"))
        store = open_store(location, s3_place.settings._replace(endpoint=server.endpoint))
        store.list_level("folder")  # loads what listing needs
        tracemalloc.start()
        try:
            entries = store.list_level("")
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(entries) == FEW
    assert kept < FEW * BYTES_OF_AN_ENTRY


def _pages(*pages: Answer) -> Callable[[str], Answer]:
    """Return a service that tells one page after the other, and the last one for ever."""
    told = itertools.chain(pages, itertools.repeat(pages[-1]))
    return lambda _: next(told)


def test_token_without_truncation_is_followed(s3_place: Place) -> None:
    """A flag that is missing or wrong hides nothing: who has a token has more."""
    pages = (
        page(contents("a"), truncated="false", token="1"),
        page(contents("b"), token="2"),
        page(contents("c"), truncated="false"),
    )
    with answering(_pages(*pages)) as server:
        assert _list(server, s3_place.settings) == ["a", "b", "c"]


def test_last_page_may_repeat_the_token_that_led_to_it(s3_place: Place) -> None:
    """It says itself that nothing follows."""
    pages = (
        page(contents("a"), truncated="true", token="1"),
        page(contents("b"), truncated="false", token="1"),
    )
    with answering(_pages(*pages)) as server:
        assert _list(server, s3_place.settings) == ["a", "b"]


LIES = {
    "truncated without a token": (
        [page(contents("a"), truncated="true")],
        "breaks off without a way to go on",
        1,
    ),
    "the same token for ever": (
        [page(contents("a"), truncated="true", token="1")],
        "breaks off without a way to go on",
        2,
    ),
    "two tokens in turn": (
        [page(contents("a"), truncated="true", token=str(n % 2)) for n in range(PAGE_LIMIT)],
        f"is longer than {PAGE_LIMIT} pages",
        PAGE_LIMIT,
    ),
}


@pytest.mark.parametrize("name", LIES)
def test_listing_without_an_end_is_told(s3_place: Place, name: str) -> None:
    """What was listed until then is no evidence of what there is not."""
    pages, message, requests = LIES[name]
    with answering(_pages(*pages)) as server:
        with pytest.raises(BackupUnknown, match=message) as caught:
            _list(server, s3_place.settings)
        assert "PRESYNC" in caught.value.hint
    assert len(server.paths) == requests
