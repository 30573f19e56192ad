"""What a catalog asks of the place that holds its objects: a directory or a bucket."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from hook.errors import BackupUnknown


@dataclass(frozen=True, slots=True)
class StoredObject:
    """The bytes of an object, and the storage's own time when it sent them."""

    data: bytes
    clock: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An object, or a folder whose *key* ends in a slash, as a listing shows it.

    Attributes:
        is_archived: Whether the object cannot be read before somebody thaws it.
        size: In bytes, none for a folder or when the storage does not say.
        modified_at: When the object was written, likewise. A copy of the bucket, a
            replication or a change of storage class renews it.
    """

    key: str
    is_archived: bool = False
    size: int | None = field(default=None, compare=False)
    modified_at: datetime | None = field(default=None, compare=False)

    @property
    def is_folder(self) -> bool:
        """Tell whether there are objects below."""
        return self.key.endswith("/")

    @property
    def name(self) -> str:
        """Return the last part of the key, without the slash of a folder."""
        return self.key.rstrip("/").rpartition("/")[2]

    @property
    def flaw(self) -> str:
        """Return why no restore can read the object, empty when nothing is known against it."""
        if self.is_archived:
            return "in an archive storage class"
        return "without content" if self.size == 0 else ""


class ObjectStore(Protocol):
    """Read access to objects below one place. Keys are relative and use slashes.

    Every method raises `BackupSourceMissing` when the place itself does not exist, and
    `BackupUnknown` when it could not be asked; neither message holds a secret.
    """

    def describe(self, key: str = "") -> str:
        """Return the full name of *key*, or of the place."""

    def read(self, key: str, limit: int) -> StoredObject | None:
        """Return the object at *key*, none when there is none.

        Raises:
            BackupUnknown: Also when it is longer than *limit* bytes.
        """

    def list_level(self, prefix: str) -> tuple[Entry, ...]:
        """Return what stands directly at *prefix*, in order, without what lies deeper.

        A prefix that ends in a slash lists a folder; any other, what begins like it.
        """


class PartStore(ObjectStore, Protocol):
    """An `ObjectStore` that also reads parts of objects too long to be read as a whole."""

    def read_part(self, key: str, start: int, length: int) -> StoredObject | None:
        """Return *length* bytes of the object at *key*, fewer at its end, none without it."""


class TreeStore(PartStore, Protocol):
    """A `PartStore` that also lists what lies anywhere below a folder."""

    def list_below(self, prefix: str) -> Iterator[Entry]:
        """Yield the objects whose key begins with *prefix*, however deep, and no folders."""


def too_long(name: str, limit: int) -> BackupUnknown:
    """Return the error for an object that is longer than *limit* bytes."""
    return BackupUnknown(
        f"{name} is longer than {limit // 2**20} MiB",
        "See what that object is; no backup metadata is of that size.",
    )
