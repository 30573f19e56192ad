"""What the stages need from a migration engine, whichever it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from hook.core.history import History
from hook.core.migration_set import MigrationSet
from hook.core.outcome import Finding
from hook.core.plan import Plan
from hook.core.server import ServerFacts


class Reader(Protocol):
    """A session that answers queries."""

    def fetch(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of *query*."""


class Engine(Protocol):
    """Reads a release and a schema history, and says what is to be done."""

    def resolve(self, server: ServerFacts | None) -> MigrationSet:
        """Return the migrations of the release.

        Args:
            server: None when there is no database at hand. Checksums of scripts that
                name the user or the schema are then of no use.

        Raises:
            BadMigrationSet: The files are no migration set; every problem is named.
            Unsupported: They use a feature that is not there.
        """

    def read_history(self, session: Reader, server: ServerFacts) -> History:
        """Return the schema history, read without any lock."""

    def plan(
        self, migration_set: MigrationSet, history: History
    ) -> tuple[Plan, tuple[Finding, ...]]:
        """Return what is to be done, and what speaks against doing it."""
