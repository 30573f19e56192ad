"""Buckets that hold far too much, and services that lie about how much they hold."""

from __future__ import annotations

import itertools
import threading
import tracemalloc
from collections.abc import Callable, Mapping
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from hook.catalogs.barman_archive import BarmanArchive
from hook.catalogs.object_store import PartStore
from hook.catalogs.opening import Access, open_store
from hook.catalogs.pgbackrest_archive import Archive
from hook.catalogs.s3 import PAGE_LIMIT
from hook.catalogs.wal_archive import WalArchive, look_for_wal
from hook.catalogs.walg_archive import WalFolder
from hook.core.backups.archive import ArchiveEvidence
from hook.core.backups.pgbackrest_info import ArchiveInfo
from hook.core.backups.wal import Recovery, Segment
from hook.core.outcome import Status
from hook.errors import BackupUnknown, ExitCode
from hook.settings.backup_source import S3Location, S3Settings
from tests.contract.conftest import Place
from tests.testbed.backup_gate import judge_source
from tests.testbed.canned_http import Answer, CannedServer, answering
from tests.testbed.crowded_bucket import (
    CROWDED_WAL,
    CROWDS,
    PAGE,
    PREFIX,
    SEGMENT_SIZE,
    SEGMENTS_OF_A_LOG,
    contents,
    crowded_bucket,
    crowded_wal,
    page,
)
from tests.testbed.pgbackrest_repository import SYSTEM_IDENTIFIER

# Ten pages show how requests and memory grow as well as a hundred would, in a tenth of the time.
OBJECTS = 10_000
# Two hundred thousand objects are listed at most; that is what the memory of a pod leaves.
BYTES_OF_AN_ENTRY = 300
LOGS = 64
TOGETHER = 4
# Of the parameters, those of a first page: what follows has a token as well.
FIRST_PAGE = 4
ARCHIVES: Mapping[str, Callable[[PartStore], WalArchive]] = {
    "pgbackrest": lambda store: Archive(store, "archive/app/15-1/", ArchiveInfo("15-1", "1")),
    "barman": lambda store: BarmanArchive(store, "app/wals/"),
    "walg": WalFolder,
}
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


def test_listing_that_takes_too_long_is_told_as_long(
    unreachable: Callable[[str], Place],
) -> None:
    """It answered all the time: what helps is time, or less to list."""
    crowd, reached, released = CROWDS["dump"], threading.Event(), threading.Event()
    tell = crowded_bucket(crowd, OBJECTS)

    def answer(path: str) -> Answer:
        if "continuation-token=3000" in path:
            reached.set()
            released.wait()
        return tell(path)

    with answering(answer) as server:
        place = unreachable(server.endpoint)
        settings = place.settings._replace(read_timeout=timedelta(minutes=1))
        source = f"{crowd.system}:{place.url}"
        (finding,) = judge_source(
            source,
            Access(settings, "app"),
            SYSTEM_IDENTIFIER,
            timedelta(seconds=1),
            meanwhile=reached.wait,
        )
        released.set()
    assert (finding.status, finding.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)
    told = "was not read to its end within 1s: 3 answers came, with 3000 objects listed, the last"
    assert told in finding.message
    assert finding.hint.startswith("Set PRESYNC_BACKUP_TIMEOUT longer, or keep less")


@pytest.mark.parametrize("name", CROWDED_WAL)
def test_full_wal_archive_is_listed_side_by_side(
    unreachable: Callable[[str], Place], name: str
) -> None:
    """Several pages at a time, some hundred segments with each, and none asked for by itself."""
    wal, begun = CROWDED_WAL[name], itertools.count()
    tell = crowded_wal(wal, LOGS)
    together = threading.Barrier(TOGETHER, timeout=60)

    def answer(path: str) -> Answer:
        asked = parse_qs(urlsplit(path).query)
        is_first_page = asked["prefix"] != [PREFIX + wal.folder] and len(asked) == FIRST_PAGE
        if is_first_page and next(begun) < TOGETHER:
            together.wait()
        return tell(path)

    with answering(answer) as server:
        place = unreachable(server.endpoint)
        settings = place.settings._replace(read_timeout=timedelta(minutes=2))
        archive = ARCHIVES[name](open_store(S3Location("shop", PREFIX.rstrip("/")), settings))
        last = Segment(1, LOGS * SEGMENTS_OF_A_LOG - 1)
        recovery = Recovery(Segment(1, 0), 0, last, SEGMENT_SIZE)
        found = look_for_wal(archive, ArchiveEvidence("it", recovery, None))
    (covered,) = found.covered
    assert covered.present == ((0, last.number),)
    assert len(server.paths) <= 1 + LOGS


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


def _listing(content: str) -> bytes:
    return (
        f"<ListBucketResult><IsTruncated>false</IsTruncated>{content}</ListBucketResult>".encode()
    )


def _written_at(moment: str) -> bytes:
    key = f"<Key>{PREFIX}x</Key>"
    return _listing(f"<Contents>{key}<LastModified>{moment}</LastModified></Contents>")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>sign in</html>",
        _listing("<Contents><Size>1</Size></Contents>"),
        _listing("<CommonPrefixes></CommonPrefixes>"),
        _listing("<Contents><Key>of/somebody/else</Key></Contents>"),
        _written_at("9" * 20),
        _written_at("0001-01-01T00:00:00+14:00"),
    ],
    ids=["nothing", "page", "no key", "no prefix", "other key", "no time", "first day"],
)
@pytest.mark.usefixtures("credentials")
def test_answer_that_is_not_the_listing_is_told(body: bytes) -> None:
    """It is neither an empty place nor a bug of presync."""
    with answering(lambda _: Answer(200, body, {"Content-Type": "application/xml"})) as server:
        settings = S3Settings(endpoint=server.endpoint)
        store = open_store(S3Location("shop", PREFIX), settings)
        with pytest.raises(BackupUnknown, match="does not answer like S3 on s3://shop/repo: "):
            store.list_level("")
