"""The two info files of a stanza: each is kept twice, and either copy will do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from hook.catalogs.object_store import ObjectStore
from hook.catalogs.pgbackrest_cipher import reveal_info
from hook.errors import BackupUnknown

T_co = TypeVar("T_co", covariant=True)

# That of ten thousand backups is half as long. Reading one of this length takes three
# times the room, and a hook pod has little.
INFO_LIMIT = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Reading(Generic[T_co]):
    """What an info file says, the storage's clock, and what was wrong with its first copy."""

    info: T_co
    clock: datetime | None
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class InfoFile(Generic[T_co]):
    """Where an info file of *stanza* lies below *folder*, and how it is read.

    Attributes:
        passphrase: Of the repository, none for one that is not encrypted.
    """

    folder: str
    stanza: str
    parse: Callable[[bytes], T_co]
    passphrase: str | None

    def read(self, store: ObjectStore) -> Reading[T_co] | None:
        """Read it or, as pgBackRest itself does, its second copy; none when neither is there.

        Raises:
            BackupUnknown: No copy can be read.
        """
        problems: list[str] = []
        errors: list[BackupUnknown] = []
        for name in (f"{self.folder}.info", f"{self.folder}.info.copy"):
            stored = store.read(f"{self.folder}/{self.stanza}/{name}", INFO_LIMIT)
            if stored is None:
                problems.append(f"{name} is missing")
                continue
            try:
                info = self.parse(reveal_info(stored.data, self.passphrase))
            except BackupUnknown as error:
                problems.append(f"{name}: {error.message}")
                errors.append(error)
            else:
                return Reading(info, stored.clock, tuple(problems))
        if not errors:
            return None
        told = "; ".join(problems)
        if [error.message for error in errors] == [errors[0].message] * 2:
            told = f"{self.folder}.info and {self.folder}.info.copy: {errors[0].message}"
        # The place comes last: it may be long, and a verdict is cut at the end.
        message = f"stanza {self.stanza}: {told}; in {store.describe()}"
        raise BackupUnknown(message, errors[0].hint)
