"""Understands the rows of a schema history: which of them still stand.

Some rows only take back another one: ``DELETE`` (written by repair) and the undo types.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hook.core.outcome import Finding, failed
from hook.core.schema_history.history import (
    DELETE,
    KNOWN_TYPES,
    SYNTHETIC_TYPES,
    UNDO_TYPES,
    History,
    HistoryRow,
    canonical_type,
)
from hook.core.scripts.version import EMPTY, InvalidVersion, Version
from hook.errors import ExitCode

# The rule of rows that cannot be understood: no state beside them is certain.
ROWS = "history-row"
_TAKING_BACK = UNDO_TYPES | {DELETE}


class RowProblem(NamedTuple):
    """A row that cannot be understood. *text* names it by its rank."""

    code: ExitCode
    text: str


def judge_rows(history: History, problems: Iterable[RowProblem]) -> tuple[Finding, ...]:
    """Judge the rows of *history* that cannot be understood."""
    hint = "Find who wrote the row; correct it in the schema history once that is understood."
    place = f"{history.schema}.{history.table}"
    return tuple(
        failed(problem.code, ROWS, f"{place}: {problem.text}", hint) for problem in problems
    )


class Applied:
    """A row and what later rows did to it. *type* is under its present name."""

    __slots__ = ("is_deleted", "is_out_of_order", "is_undone", "row", "type", "version")

    def __init__(self, row: HistoryRow, row_type: str, version: Version | None) -> None:
        self.row = row
        self.type = row_type
        self.version = version
        self.is_deleted = False
        self.is_undone = False
        self.is_out_of_order = False

    @property
    def counts(self) -> bool:
        """Tell whether the row still stands for an applied migration."""
        return not (self.is_deleted or self.is_undone or self.type in _TAKING_BACK)


def read_rows(rows: Iterable[HistoryRow]) -> tuple[list[Applied], tuple[RowProblem, ...]]:
    """Return *rows* (by rank) understood, and what is wrong with those that cannot be.

    The deletion of a version is not among them: nothing is left of it to show.
    """
    entries: list[Applied] = []
    problems: list[RowProblem] = []
    latest: dict[Version | str, Applied] = {}
    for row in rows:
        entry = _read_row(row, problems)
        if entry is None:
            continue
        key = row.description if entry.version is None else entry.version
        if row.success and entry.type in _TAKING_BACK:
            _take_back(latest.get(key), entry, problems)
            if entry.type == DELETE and entry.version is not None:
                continue
        elif entry.type not in SYNTHETIC_TYPES:
            latest[key] = entry
        entries.append(entry)
    _mark_out_of_order(entries)
    return entries, tuple(problems)


def _read_row(row: HistoryRow, problems: list[RowProblem]) -> Applied | None:
    row_type = canonical_type(row.type)
    if row_type not in KNOWN_TYPES:
        text = f"row {row.installed_rank} has the unknown type {row.type!r}"
        problems.append(RowProblem(ExitCode.UNSUPPORTED, text))
        return None
    try:
        version = None if row.version is None else Version.parse(row.version)
    except InvalidVersion:
        text = f"row {row.installed_rank}: {row.version!r} is not a version"
        problems.append(RowProblem(ExitCode.DRIFT, text))
        return None
    return Applied(row, row_type, version)


def _take_back(earlier: Applied | None, entry: Applied, problems: list[RowProblem]) -> None:
    if earlier is None:
        return
    if entry.type != DELETE:
        earlier.is_undone = True
    elif earlier.is_deleted and entry.version is not None:
        text = f"row {entry.row.installed_rank} deletes {entry.row.version} a second time"
        problems.append(RowProblem(ExitCode.DRIFT, text))
    else:
        earlier.is_deleted = True


def _mark_out_of_order(entries: Iterable[Applied]) -> None:
    newest = EMPTY.parts
    for entry in entries:
        if entry.version is None:
            continue
        if entry.version.parts <= newest:
            entry.is_out_of_order = True
        elif entry.counts:
            newest = entry.version.parts
