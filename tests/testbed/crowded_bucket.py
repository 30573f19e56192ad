"""A bucket with more in it than anybody keeps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from hook.core.backups.wal import Segment
from hook.errors import ExitCode
from tests.testbed.canned_http import Answer

PAGE = 1000
PREFIX = "repo/"
_NOT_THERE = Answer(404, b"<Error><Code>NoSuchKey</Code><Message>no</Message></Error>")


def page(entries: str, *, truncated: str = "", token: str = "") -> Answer:
    """Return a page of a listing; an empty *truncated* or *token* is left out."""
    flag = f"<IsTruncated>{truncated}</IsTruncated>" if truncated else ""
    more = f"<NextContinuationToken>{token}</NextContinuationToken>" if token else ""
    body = f"<?xml version='1.0'?><ListBucketResult>{flag}{more}{entries}</ListBucketResult>"
    return Answer(200, body.encode(), {"Date": format_datetime(datetime.now(UTC), usegmt=True)})


def contents(key: str) -> str:
    """Return how a listing shows the object *key*."""
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
        contents,
        ExitCode.UNKNOWN_BACKUP,
        300,
    ),
    "barman": Crowd("barman", "app/base/", _barman_id, _folder, ExitCode.NO_WAY_BACK, 103),
    "dump": Crowd("dump", "", lambda n: f"app-{n:06d}.dump", contents, ExitCode.NO_WAY_BACK, 60),
}


class CrowdedWal(NamedTuple):
    """A WAL archive with more in it than anybody keeps, without a hole.

    Attributes:
        folder: That holds the logs, or the segments themselves.
        has_folders: Whether each log has a folder of its own.
        suffix: Behind the name of a segment.
    """

    folder: str
    has_folders: bool
    suffix: str


SEGMENT_SIZE = 2**24
SEGMENTS_OF_A_LOG = 256
CROWDED_WAL = {
    "pgbackrest": CrowdedWal("archive/app/15-1/", has_folders=True, suffix="-" + 40 * "a" + ".gz"),
    "barman": CrowdedWal("app/wals/", has_folders=True, suffix=".gz"),
    "walg": CrowdedWal("wal_005/", has_folders=False, suffix=".lz4"),
}


def crowded_wal(wal: CrowdedWal, logs: int) -> Callable[[str], Answer]:
    """Return a service whose bucket holds *logs* of 256 segments of timeline 1."""
    numbers = range(logs * SEGMENTS_OF_A_LOG)
    names = [Segment(1, number).name(SEGMENT_SIZE) for number in numbers]
    home = f"{PREFIX}{wal.folder}"
    keys = [home + (f"{name[:16]}/" if wal.has_folders else "") + name for name in names]

    def answer(path: str) -> Answer:
        asked = parse_qs(urlsplit(path).query)
        if "list-type" not in asked:
            return _NOT_THERE
        (prefix,) = asked["prefix"]
        if wal.has_folders and prefix == home:
            folders = dict.fromkeys(key[: len(home) + 16] for key in keys)
            return page("".join(map(_folder, folders)), truncated="false")
        found = [key for key in keys if key.startswith(prefix)]
        start = int(asked.get("continuation-token", ["0"])[0])
        shown = "".join(contents(key + wal.suffix) for key in found[start : start + PAGE])
        if start + PAGE >= len(found):
            return page(shown, truncated="false")
        return page(shown, truncated="true", token=str(start + PAGE))

    return answer


def crowded_bucket(crowd: Crowd, count: int) -> Callable[[str], Answer]:
    """Return a service whose bucket holds *count* of *crowd*, a thousand objects to a page."""
    folder = f"{PREFIX}{crowd.folder}"

    def answer(path: str) -> Answer:
        asked = parse_qs(urlsplit(path).query)
        if "list-type" not in asked:
            return _NOT_THERE
        if asked["prefix"] != [folder]:
            return page("", truncated="false")
        start = int(asked.get("continuation-token", ["0"])[0])
        numbers = range(start, min(start + PAGE, count))
        entries = "".join(crowd.show(folder + crowd.name(number)) for number in numbers)
        if numbers.stop >= count:
            return page(entries, truncated="false")
        return page(entries, truncated="true", token=str(numbers.stop))

    return answer
