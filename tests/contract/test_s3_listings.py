"""Buckets that hold far too much, and services that lie about how much they hold."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import pytest

from hook.catalogs.opening import Access, open_store
from hook.catalogs.s3 import PAGE_LIMIT
from hook.errors import BackupUnknown, ExitCode
from hook.settings.backup_source import S3Location, S3Settings
from tests.contract.conftest import Place
from tests.testbed.backup_gate import judge_source
from tests.testbed.canned_http import Answer, CannedServer, answering
from tests.testbed.pgbackrest_repository import SYSTEM_IDENTIFIER

PAGE = 1000
# Ten pages show how requests and memory grow as well as a hundred would, in a tenth of the time.
OBJECTS = 10_000
# Two hundred thousand objects are listed at most; that is what the memory of a pod leaves.
BYTES_OF_AN_ENTRY = 300
PREFIX = "repo/"
_NOT_THERE = Answer(404, b"<Error><Code>NoSuchKey</Code><Message>no</Message></Error>")


def _page(entries: str, *, truncated: str = "", token: str = "") -> Answer:
    """Return a page of a listing; an empty *truncated* or *token* is left out."""
    flag = f"<IsTruncated>{truncated}</IsTruncated>" if truncated else ""
    more = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    body = f"<?xml version='1.0'?><ListBucketResult>{flag}{more}{entries}</ListBucketResult>"
    return Answer(200, body.encode(), {"Date": format_datetime(datetime.now(UTC), usegmt=True)})


def _contents(key: str) -> str:
    return (
        f"<Contents><Key>{key}</Key><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
        "<Size>1</Size><StorageClass>STANDARD</StorageClass></Contents>"
    )


def _folder(key: str) -> str:
    return f"<CommonPrefixes><Prefix>{key}/</Prefix></CommonPrefixes>"


class Crowd(NamedTuple):
    """A place full of what a catalog lists, with nothing in it.

    Attributes:
        system: Of ``PRESYNC_BACKUP_SOURCE``.
        folder: That holds them all.
        name: Of the one with a number.
        show: How a listing shows it.
        looks: Requests beside the pages, at most.
    """

    system: str
    folder: str
    name: Callable[[int], str]
    show: Callable[[str], str]
    code: ExitCode
    looks: int


def _barman_id(number: int) -> str:
    return f"{datetime(2000, 1, 1, tzinfo=UTC) + timedelta(minutes=number):%Y%m%dT%H%M%S}"


CROWDS = {
    "pgbackrest": Crowd(
        "pgbackrest", "backup/", lambda n: f"s{n:06d}", _folder, ExitCode.NO_WAY_BACK, 3
    ),
    "walg": Crowd(
        "walg",
        "basebackups_005/",
        lambda n: f"base_{n:024X}_backup_stop_sentinel.json",
        _contents,
        ExitCode.UNKNOWN_BACKUP,
        300,
    ),
    "barman": Crowd("barman", "app/base/", _barman_id, _folder, ExitCode.NO_WAY_BACK, 103),
    "dump": Crowd("dump", "", lambda n: f"app-{n:06d}.dump", _contents, ExitCode.NO_WAY_BACK, 60),
}


def _bucket(crowd: Crowd) -> Callable[[str], Answer]:
    """Return a service whose bucket holds *crowd*, a thousand objects to a page."""
    folder = f"{PREFIX}{crowd.folder}"

    def answer(path: str) -> Answer:
        asked = parse_qs(urlsplit(path).query)
        if "list-type" not in asked:
            return _NOT_THERE
        if asked["prefix"] != [folder]:
            return _page("", truncated="false")
        start = int(asked.get("continuation-token", ["0"])[0])
        numbers = range(start, min(start + PAGE, OBJECTS))
        entries = "".join(crowd.show(folder + crowd.name(number)) for number in numbers)
        if numbers.stop >= OBJECTS:
            return _page(entries, truncated="false")
        return _page(entries, truncated="true", token=str(numbers.stop))

    return answer


@pytest.mark.parametrize("name", CROWDS)
def test_full_place_costs_its_pages_and_a_bounded_look(
    unreachable: Callable[[str], Place], name: str
) -> None:
    """However many backups are listed, only so many of them are looked into."""
    crowd = CROWDS[name]
    with answering(_bucket(crowd)) as server:
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
    with answering(_bucket(CROWDS["dump"])) as server:
        location = S3Location("shop", PREFIX.rstrip("/"))
        store = open_store(location, s3_place.settings._replace(endpoint=server.endpoint))
        store.list_level("folder")  # loads what listing needs
        tracemalloc.start()
        try:
            entries = store.list_level("")
            kept, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert len(entries) == OBJECTS
    assert kept < OBJECTS * BYTES_OF_AN_ENTRY


def _pages(*pages: Answer) -> Callable[[str], Answer]:
    """Return a service that tells one page after the other, and the last one for ever."""
    told = itertools.chain(pages, itertools.repeat(pages[-1]))
    return lambda _: next(told)


def test_token_without_truncation_is_followed(s3_place: Place) -> None:
    """A flag that is missing or wrong hides nothing: who has a token has more."""
    pages = (
        _page(_contents("a"), truncated="false", token="1"),
        _page(_contents("b"), token="2"),
        _page(_contents("c"), truncated="false"),
    )
    with answering(_pages(*pages)) as server:
        assert _list(server, s3_place.settings) == ["a", "b", "c"]


def test_last_page_may_repeat_the_token_that_led_to_it(s3_place: Place) -> None:
    """It says itself that nothing follows."""
    pages = (
        _page(_contents("a"), truncated="true", token="1"),
        _page(_contents("b"), truncated="false", token="1"),
    )
    with answering(_pages(*pages)) as server:
        assert _list(server, s3_place.settings) == ["a", "b"]


LIES = {
    "truncated without a token": (
        [_page(_contents("a"), truncated="true")],
        "breaks off without a way to go on",
        1,
    ),
    "the same token for ever": (
        [_page(_contents("a"), truncated="true", token="1")],
        "breaks off without a way to go on",
        2,
    ),
    "two tokens in turn": (
        [_page(_contents("a"), truncated="true", token=str(n % 2)) for n in range(PAGE_LIMIT)],
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
