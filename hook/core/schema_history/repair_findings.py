"""Says what a repair changes, row by row and whole, and why it would rather not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from hook.core.outcome import Finding, failed, passed, warned
from hook.core.schema_history.applied import RowProblem, read_rows
from hook.core.schema_history.history import History, HistoryRow
from hook.core.schema_history.repair import Edit, Repair, repaired
from hook.core.scripts.version import Version
from hook.core.text import counted
from hook.errors import ExitCode

_ALIGNED = ("description", "type", "checksum")


def judge_repair(history: History, repair: Repair, only: Version | None) -> tuple[Finding, ...]:
    """Return what *repair* of *history* changes, or why it cannot be made.

    The findings hold the rows whole: what is removed stays in log and report.

    Args:
        history: As it was read.
        repair: What is to be changed.
        only: The one version that was asked for, none for all.
    """
    place = f"{history.schema}.{history.table}"
    entries, problems = read_rows(history.rows)
    if problems:
        return tuple(_unreadable(place, problem) for problem in problems)
    if only is not None and repair.is_empty:
        is_known = any(entry.version == only for entry in entries)
        return (_refuse_version(place, only) if is_known else _unknown_version(place, only),)
    dangers = tuple(_dangers(place, history, repair))
    return dangers or tuple(_tell(place, history, repair, only))


def summarize_repair(repair: Repair) -> str:
    """Return the changes of *repair* in a few words, empty without any."""
    counts = (
        (len(repair.removed), "removed"),
        (len(repair.marked), "marked as deleted"),
        (len(repair.aligned), "aligned"),
    )
    told = [f"{counted(number, 'row')} {what}" for number, what in counts if number]
    return ", ".join(told)


def _tell(place: str, history: History, repair: Repair, only: Version | None) -> Iterator[Finding]:
    if not history.exists:
        yield passed("repair", f"there is no {place}: nothing to repair")
        return
    if not repair.removed:
        limit = "" if only is None else f" of version {only}"
        yield passed("repair", f"{place} has no failed row{limit}: nothing has to be removed")
    for row in repair.removed:
        message = f"remove row {row.installed_rank}: {_named(row)}, failed at {row.installed_on}"
        yield warned("repair-remove", message, row=row._asdict())
    for edit in repair.marked:
        message = (
            f"mark {_named(edit.row)} of row {edit.row.installed_rank} as deleted:"
            f" add row {edit.result.installed_rank}"
        )
        added = {**edit.result._asdict(), "installed_by": None, "installed_on": None}
        yield warned("repair-mark", message, row=edit.row._asdict(), added=added)
    for edit in repair.aligned:
        message = f"align row {edit.row.installed_rank}, {_named(edit.row)}: {_changes(edit)}"
        changed = {name: getattr(edit.result, name) for name in _ALIGNED}
        yield warned("repair-align", message, row=edit.row._asdict(), changed=changed)


def _changes(edit: Edit) -> str:
    pairs = ((name, getattr(edit.row, name), getattr(edit.result, name)) for name in _ALIGNED)
    return ", ".join(f"{name} {old!r} → {new!r}" for name, old, new in pairs if old != new)


def _named(row: HistoryRow) -> str:
    name = f"repeatable {row.description!r}" if row.version is None else f"version {row.version}"
    return f"{name} ({row.script})"


def _unreadable(place: str, problem: RowProblem) -> Finding:
    hint = "Find who wrote the row: a repair changes no history that it cannot read as a whole."
    return failed(problem.code, "history-row", f"{place}: {problem.text}", hint)


def _damaging(place: str, problem: RowProblem) -> Finding:
    hint = "Put the files that are missing back into the release, then repair."
    message = f"{place} would be unreadable after the repair: {problem.text}"
    return failed(problem.code, "repair-damage", message, hint)


def _dangers(place: str, history: History, repair: Repair) -> Iterator[Finding]:
    entries, damage = read_rows(repaired(history, repair).rows)
    if damage:
        yield from (_damaging(place, problem) for problem in damage)
        return
    deleted = {entry.row for entry in entries if entry.is_deleted}
    yield from (_misses(place, edit.row) for edit in repair.marked if edit.row not in deleted)
    ranks = Counter(row.installed_rank for row in history.rows)
    for rank in sorted({edit.row.installed_rank for edit in repair.aligned}):
        if ranks[rank] > 1:
            yield _ambiguous(place, rank)


def _misses(place: str, row: HistoryRow) -> Finding:
    hint = (
        f"Put {row.script} back into the release, or let its row be, with *:missing or *:future in"
        " FLYWAY_IGNORE_MIGRATION_PATTERNS."
    )
    message = (
        f"{place}: marking {_named(row)} of row {row.installed_rank} as deleted would take back a"
        " later row of that version, whose script would run again"
    )
    return failed(ExitCode.DRIFT, "repair-damage", message, hint)


def _ambiguous(place: str, rank: int) -> Finding:
    hint = "Give each row a rank of its own, then the table back the primary key that it has lost."
    message = f"{place} has several rows of rank {rank}: a repair would change all of them"
    return failed(ExitCode.DRIFT, "repair-damage", message, hint)


def _refuse_version(place: str, only: Version) -> Finding:
    return failed(
        ExitCode.CONFIG,
        "repair-version",
        f"--version {only}: its row in {place} is successful, and nothing of it is to be repaired",
        "Name the version of a failed row, see presync info; a successful row is never removed.",
    )


def _unknown_version(place: str, only: Version) -> Finding:
    return failed(
        ExitCode.CONFIG,
        "repair-version",
        f"--version {only}: {place} has no row of that version",
        "Name the version of a row, see presync info.",
    )
