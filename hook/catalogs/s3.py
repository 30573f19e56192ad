"""Objects in a bucket of AWS S3 or a compatible service."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from functools import cached_property, partial
from typing import Any, Protocol, TypeVar

from hook.catalogs.aws import Service, open_client
from hook.catalogs.object_store import Entry, StoredObject, too_long
from hook.catalogs.tally import Tally
from hook.errors import BackupUnknown
from hook.settings.backup_source import S3Location, S3Settings

T = TypeVar("T")

PAGE_LIMIT = 200
_CHUNK = 2**20
_FALLBACK_REGION = "us-east-1"
# What an answer has that is a listing at all, also an empty one.
_OF_A_LISTING = frozenset(
    {"IsTruncated", "Name", "Prefix", "KeyCount", "MaxKeys", "Contents", "CommonPrefixes"}
)
_ARCHIVE_CLASSES = frozenset({"GLACIER", "DEEP_ARCHIVE"})


class _Client(Protocol):
    """What is used of boto3's S3 client, which brings no types."""

    def get_object(self, **parameters: str) -> dict[str, Any]: ...

    def list_objects_v2(self, **parameters: str) -> dict[str, Any]: ...


class S3Store:
    """An `ObjectStore` over the keys below one prefix of a bucket."""

    def __init__(
        self, location: S3Location, settings: S3Settings, tally: Tally | None = None
    ) -> None:
        """Note where to look, and who counts the answers; nothing is contacted yet."""
        self._bucket = location.bucket
        self._prefix = f"{location.prefix}/" if location.prefix else ""
        self._settings = settings
        self._tally = tally or Tally()
        self._building = threading.Lock()

    def describe(self, key: str = "") -> str:
        """Return the URL of *key*."""
        return f"s3://{self._bucket}/{self._prefix}{key}".rstrip("/")

    def read(self, key: str, limit: int) -> StoredObject | None:
        """Return the object at *key* and the server's time, none when there is none."""
        return self._read(key, lambda: self._download(key, limit))

    def read_part(self, key: str, start: int, length: int) -> StoredObject | None:
        """Return *length* bytes of the object at *key* from *start* on, none when there is none."""
        return self._read(key, lambda: self._download_part(key, start, length))

    def list_level(self, prefix: str) -> tuple[Entry, ...]:
        """Return the objects and folders whose key begins with *prefix*."""
        entries: list[Entry] = []
        for page in self._pages(prefix, Delimiter="/"):
            entries.extend(self._objects(page))
            entries.extend(
                Entry(item["Prefix"].removeprefix(self._prefix))
                for item in page.get("CommonPrefixes", ())
            )
        return tuple(sorted(entries, key=lambda entry: entry.key))

    def list_below(self, prefix: str) -> Iterator[Entry]:
        """Yield the objects whose key begins with *prefix*, page after page."""
        for page in self._pages(prefix):
            yield from self._objects(page)

    def _objects(self, page: Mapping[str, Any]) -> Iterator[Entry]:
        for item in page.get("Contents", ()):
            yield Entry(
                item["Key"].removeprefix(self._prefix),
                _is_archived(item),
                item.get("Size"),
                item.get("LastModified"),
            )

    def _read(self, key: str, request: Callable[[], StoredObject]) -> StoredObject | None:
        stored = self._ask(key, request)
        self._tally.count()
        return stored

    def _download(self, key: str, limit: int) -> StoredObject:
        from hook.catalogs.s3_errors import parse_date  # noqa: PLC0415 - loads botocore

        response = self._client.get_object(Bucket=self._bucket, Key=self._prefix + key)
        data = bytearray()
        # Not the body's own context manager: that hands out the stream beneath, which does
        # not notice when the connection ends early.
        with closing(response["Body"]) as body:
            if response.get("ContentLength", 0) > limit:
                raise too_long(self.describe(key), limit)
            while chunk := body.read(_CHUNK):
                data += chunk
                if len(data) > limit:
                    raise too_long(self.describe(key), limit)
        return StoredObject(bytes(data), parse_date(response))

    def _download_part(self, key: str, start: int, length: int) -> StoredObject:
        from hook.catalogs.s3_errors import parse_date  # noqa: PLC0415 - loads botocore

        response = self._client.get_object(
            Bucket=self._bucket,
            Key=self._prefix + key,
            Range=f"bytes={start}-{start + length - 1}",
        )
        with closing(response["Body"]) as body:
            # Who ignores the range answers with the whole object.
            is_part = str(response.get("ContentRange", "")).startswith(f"bytes {start}-")
            if not is_part or response.get("ContentLength", length + 1) > length:
                raise BackupUnknown(
                    f"{self._settings.endpoint or 'S3'} does not send parts of objects",
                    "Point PRESYNC_S3_ENDPOINT at the storage itself, past any gateway or cache.",
                )
            return StoredObject(body.read(), parse_date(response))

    def _pages(self, prefix: str, **options: str) -> Iterator[Mapping[str, Any]]:
        """Yield the pages of a listing with *options*.

        Only the truncation flag and the token are trusted: some services count keys
        wrongly, say that there is more and not how to get it, or how to get more and not
        that there is.
        """
        token: dict[str, str] = {}
        for _ in range(PAGE_LIMIT):
            page = self._ask(prefix, partial(self._list, prefix, {**options, **token})) or {}
            self._tally.count(len(page.get("Contents", ())) + len(page.get("CommonPrefixes", ())))
            yield page
            following = page.get("NextContinuationToken")
            if following and following != token.get("ContinuationToken"):
                token = {"ContinuationToken": following}
            elif page.get("IsTruncated"):
                raise BackupUnknown(
                    f"the listing of {self.describe(prefix)} breaks off without a way to go on",
                    "Point PRESYNC_S3_ENDPOINT at the storage itself, past any gateway or cache.",
                )
            else:
                return
        raise BackupUnknown(
            f"the listing of {self.describe(prefix)} is longer than {PAGE_LIMIT} pages",
            "Correct the prefix in PRESYNC_BACKUP_SOURCE to the repository's own.",
        )

    def _list(self, prefix: str, options: Mapping[str, str]) -> Mapping[str, Any]:
        wanted = self._prefix + prefix
        page = self._client.list_objects_v2(Bucket=self._bucket, Prefix=wanted, **options)
        if _OF_A_LISTING.isdisjoint(page):
            raise ValueError("there is no listing in its answer")
        names = [item.get("Key") for item in page.get("Contents", ())]
        names += [item.get("Prefix") for item in page.get("CommonPrefixes", ())]
        # Else what was not asked for would stand for what was.
        if not all(isinstance(name, str) and name.startswith(wanted) for name in names):
            raise ValueError("its listing has something else than what it was asked for")
        return page

    def _ask(self, key: str, request: Callable[[], T]) -> T | None:
        """Return what *request* returns, none when there is no such object."""
        from hook.catalogs.s3_errors import (  # noqa: PLC0415 - loads botocore
            S3_ERRORS,
            Fault,
            classify,
            explain,
        )

        try:
            return request()
        except S3_ERRORS as error:
            fault = classify(error, datetime.now(UTC))
            if fault is Fault.NO_OBJECT:
                return None
            raise explain(
                error, fault, self.describe(key), self._settings.endpoint or "S3"
            ) from error

    @property
    def _client(self) -> _Client:
        # Several threads may ask first, and each client costs a third of a second.
        with self._building:
            return self._only_client

    @cached_property
    def _only_client(self) -> _Client:
        client: _Client = open_client(
            Service("s3", self.describe(), _FALLBACK_REGION), self._settings
        )
        return client


def _is_archived(item: Mapping[str, Any]) -> bool:
    return item.get("StorageClass") in _ARCHIVE_CLASSES
