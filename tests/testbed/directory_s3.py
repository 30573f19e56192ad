"""A directory as a bucket that answers whatever it is asked, until a test breaks it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from tests.testbed.canned_http import Answer

_NOT_THERE = b"<Error><Code>NoSuchKey</Code><Message>no</Message></Error>"


def is_listing(path: str) -> bool:
    """Tell whether *path* asks for a listing."""
    return "list-type" in path


class DirectoryS3:
    """The files below *root*, as the objects of any bucket. Nobody is asked who he is.

    Its clock is *ahead*, and always was: the times of its objects are by that clock, too.
    """

    def __init__(self, root: Path, ahead: timedelta = timedelta(0)) -> None:
        self._root = root
        self._ahead = ahead

    def __call__(self, path: str) -> Answer:
        """Return the answer to *path*, behind which the range that is asked for stands."""
        told = urlsplit(path)
        date = {"Date": format_datetime(datetime.now(UTC) + self._ahead, usegmt=True)}
        if is_listing(path):
            query = parse_qs(told.query, keep_blank_values=True)
            (prefix,) = query["prefix"]
            found = self._level(prefix) if "delimiter" in query else self._below(prefix)
            return Answer(200, _listing(found).encode(), date)
        _, _, key = unquote(told.path).removeprefix("/").partition("/")
        file = self._root / key
        if not file.is_file():
            return Answer(404, _NOT_THERE, date)
        asked = re.fullmatch(r"bytes=(\d+)-(\d+)", told.fragment)
        if asked is None:
            return Answer(200, file.read_bytes(), date)
        first, size = int(asked[1]), file.stat().st_size
        part = file.read_bytes()[first : int(asked[2]) + 1]
        ranged = {"Content-Range": f"bytes {first}-{first + len(part) - 1}/{size}"}
        return Answer(206, part, {**date, **ranged})

    def _level(self, prefix: str) -> list[str]:
        folder, slash, start = prefix.rpartition("/")
        home = self._root / folder
        found = home.iterdir() if home.is_dir() else ()
        return [self._entry(folder + slash, item) for item in found if item.name.startswith(start)]

    def _below(self, prefix: str) -> list[str]:
        files = (item for item in self._root.rglob("*") if item.is_file())
        keys = {item.relative_to(self._root).as_posix(): item for item in files}
        found = {key: item for key, item in keys.items() if key.startswith(prefix)}
        return [self._entry(key.removesuffix(item.name), item) for key, item in found.items()]

    def _entry(self, folder: str, item: Path) -> str:
        if item.is_dir():
            return f"<CommonPrefixes><Prefix>{folder}{item.name}/</Prefix></CommonPrefixes>"
        status = item.stat()
        moment = datetime.fromtimestamp(status.st_mtime, UTC) + self._ahead
        modified_at = f"{moment:%Y-%m-%dT%H:%M:%S.000Z}"
        return (
            f"<Contents><Key>{folder}{item.name}</Key><LastModified>{modified_at}</LastModified>"
            f"<Size>{status.st_size}</Size><StorageClass>STANDARD</StorageClass></Contents>"
        )


def _listing(entries: list[str]) -> str:
    return (
        "<ListBucketResult><IsTruncated>false</IsTruncated>"
        f"<Name>b</Name>{''.join(sorted(entries))}</ListBucketResult>"
    )
