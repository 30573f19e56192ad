"""The schema history and the states of migrations, in Flyway's words."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from hook.core.scripts.script import Migration
from hook.core.scripts.version import Version

DESCRIPTION_LENGTH = 200
_SCRIPT_LENGTH = 1000
_CUT = "..."
SCHEMA, BASELINE, DELETE = "SCHEMA", "BASELINE", "DELETE"
SYNTHETIC_TYPES = frozenset({SCHEMA, BASELINE, DELETE})
BASELINE_TYPES = frozenset({BASELINE, "SQL_BASELINE", "JDBC_BASELINE", "SCRIPT_BASELINE"})
UNDO_TYPES = frozenset({"UNDO_SQL", "UNDO_JDBC", "UNDO_SCRIPT", "UNDO_CUSTOM"})
_PLAIN_TYPES = frozenset({"SQL", "JDBC", "SCRIPT", "CUSTOM"})
KNOWN_TYPES = SYNTHETIC_TYPES | BASELINE_TYPES | UNDO_TYPES | _PLAIN_TYPES
# Written by older Flyway versions.
_RENAMED_TYPES = {
    "SPRING_JDBC": "JDBC",
    "SQL_STATE_SCRIPT": "SQL_BASELINE",
    "JDBC_STATE_SCRIPT": "JDBC_BASELINE",
}


class HistoryRow(NamedTuple):
    """A row of the history table.

    Attributes:
        version: As stored; none for repeatables and schema markers.
        checksum: None for markers, and where somebody cleared it.
        installed_on: ``yyyy-MM-dd HH:mm:ss`` on the wall clock of whoever wrote it:
            the column has no time zone.
        execution_time: Whole milliseconds.
    """

    installed_rank: int
    version: str | None
    description: str
    type: str
    script: str
    checksum: int | None
    installed_by: str
    installed_on: str
    execution_time: int
    success: bool


class History(NamedTuple):
    """The schema history as read.

    Attributes:
        exists: The table is there; without it there are no rows.
        rows: By rank.
        missing_schemas: Configured schemas that do not exist.
        existing_objects: Some objects of the configured schemas, looked for only
            when the table is absent, for example ``table public.orders``.
        lacks_rights: The role may not create what is missing, or not insert into the whole
            table; rights on its columns may still be enough.
    """

    schema: str
    table: str
    exists: bool
    rows: tuple[HistoryRow, ...] = ()
    missing_schemas: tuple[str, ...] = ()
    existing_objects: tuple[str, ...] = ()
    lacks_rights: bool = False

    @property
    def next_rank(self) -> int:
        """Return the rank of the next row; gaps below the last one stay."""
        return self.rows[-1].installed_rank + 1 if self.rows else 1


class MigrationState(StrEnum):
    """The state of a migration, by the word that Flyway shows."""

    PENDING = "Pending"
    ABOVE_TARGET = "Above Target"
    BELOW_BASELINE = "Below Baseline"
    BASELINE_IGNORED = "Ignored (Baseline)"
    IGNORED = "Ignored"
    BASELINE = "Baseline"
    SUCCESS = "Success"
    OUT_OF_ORDER = "Out of Order"
    OUTDATED = "Outdated"
    SUPERSEDED = "Superseded"
    DELETED = "Deleted"
    UNDONE = "Undone"
    FAILED = "Failed"
    MISSING = "Missing"
    MISSING_FAILED = "Failed (Missing)"
    FUTURE = "Future"
    FUTURE_FAILED = "Failed (Future)"

    @property
    def is_failed(self) -> bool:
        """Tell whether it was recorded as failed."""
        return self in _FAILED


_FAILED = frozenset(
    {MigrationState.FAILED, MigrationState.MISSING_FAILED, MigrationState.FUTURE_FAILED}
)


class MigrationInfo(NamedTuple):
    """One line of the table of states: a row, a file, or both.

    Attributes:
        type: The row's type, old names translated; else the file's.
    """

    state: MigrationState
    row: HistoryRow | None
    migration: Migration | None
    version: Version | None
    type: str

    @property
    def description(self) -> str:
        """Return the description, as stored when it is."""
        if self.row is not None:
            return self.row.description
        return self.migration.description if self.migration is not None else ""


def abbreviate_description(description: str) -> str:
    """Return *description* as it fits into the history."""
    if _fits(description, DESCRIPTION_LENGTH):
        return description
    return _from_units(_units(description)[: 2 * (DESCRIPTION_LENGTH - len(_CUT))]) + _CUT


def abbreviate_script(script: str) -> str:
    """Return *script* as it fits into the history: the end of a path tells more."""
    if _fits(script, _SCRIPT_LENGTH):
        return script
    return _CUT + _from_units(_units(script)[2 * (len(_CUT) - _SCRIPT_LENGTH) :])


def _fits(text: str, length: int) -> bool:
    """Tell whether *text* has at most *length* of what Java counts, UTF-16 code units."""
    return 2 * len(text) <= length or len(_units(text)) <= 2 * length


def _units(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def _from_units(units: bytes) -> str:
    # Half of a character is a question mark by the time it gets from Java to the server.
    return units.decode("utf-16-le", "surrogatepass").encode(errors="replace").decode()


def canonical_type(row_type: str) -> str:
    """Return *row_type* under its present name."""
    return _RENAMED_TYPES.get(row_type, row_type)
