"""Which migrations of a release are meant, when only some of them are.

Source: Flyway's documentation, "Cherry Pick", and its ``MigrationPattern``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hook.core.scripts.script import Migration
from hook.core.scripts.version import Version

_VERSION = re.compile(r"-?[0-9]+(?:\.[0-9]+)*")


class Pick(NamedTuple):
    """An item of the list: a version, or a description in which ``_`` stands for a space."""

    text: str

    def names(self, version: Version | None, description: str) -> bool:
        """Tell whether this is the migration that is meant."""
        number = self.text.replace("_", ".")
        if version is not None and _VERSION.fullmatch(number):
            return Version.parse(number) == version
        return self.text.replace("_", " ") == description


class CherryPick(NamedTuple):
    """The list; an empty one picks everything, in the order of versions."""

    picks: tuple[Pick, ...] = ()

    def includes(self, version: Version | None, description: str) -> bool:
        """Tell whether a migration is picked."""
        return not self.picks or any(pick.names(version, description) for pick in self.picks)

    def ordered(self, migrations: Iterable[Migration]) -> Sequence[Migration]:
        """Return *migrations* in the order of the list."""
        return sorted(migrations, key=self._place) if self.picks else tuple(migrations)

    def _place(self, migration: Migration) -> int:
        places = (
            place
            for place, pick in enumerate(self.picks)
            if pick.names(migration.version, migration.description)
        )
        return next(places, len(self.picks))
