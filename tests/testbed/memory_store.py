"""Objects in memory, with a note of what was asked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from hook.catalogs.object_store import Entry, StoredObject


@dataclass(slots=True)
class MemoryStore:
    """A `TreeStore` that remembers what it was asked.

    Attributes:
        archived: Keys of objects in an archive storage class.
    """

    objects: dict[str, bytes]
    clock: datetime | None = None
    archived: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)

    def describe(self, key: str = "") -> str:
        """Name *key*."""
        return f"memory/{key}"

    def read(self, key: str, limit: int) -> StoredObject | None:
        """Return what is there; no test reads more than *limit*."""
        self.asked.append(key)
        data = self.objects.get(key)
        assert data is None or len(data) <= limit
        return None if data is None else StoredObject(data, self.clock)

    def read_part(self, key: str, start: int, length: int) -> StoredObject | None:
        """Return what is there of that part."""
        self.asked.append(f"{key} from {start}")
        data = self.objects.get(key)
        return None if data is None else StoredObject(data[start : start + length], self.clock)

    def list_level(self, prefix: str) -> tuple[Entry, ...]:
        """Return objects that begin with *prefix*; no test needs folders."""
        return tuple(self.list_below(prefix))

    def list_below(self, prefix: str) -> Iterator[Entry]:
        """Yield objects that begin with *prefix*."""
        self.asked.append(prefix)
        for key in sorted(self.objects):
            if key.startswith(prefix):
                yield Entry(key, key in self.archived, len(self.objects[key]))
