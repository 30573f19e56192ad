"""A script without transaction of which a run has done a part, as its row in the ledger says.

No row of the schema history tells of it: where nobody goes on with it, somebody has to look.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hook.core.execution.prepared import PreparedScript
from hook.core.outcome import Finding, failed, warned
from hook.core.reporting.past_run import BegunScript, PastRun
from hook.core.schema_history.history import HistoryRow
from hook.core.sql.sql_text import qualified_name, quote_identifier
from hook.errors import DatabaseRejected, ExitCode, HookError, QueryFailed

_RULE = "cut-off"
_UNCHANGED = "Find out who has changed the table, and undo that"


class NotedPart(NamedTuple):
    """What *run* has begun of *script*, and does not know to be applied."""

    run: PastRun
    script: BegunScript


def find_noted_part(runs: Iterable[PastRun], rows: Iterable[HistoryRow]) -> NotedPart | None:
    """Return what the last of *runs* that migrated has begun, and nobody has ended since.

    To repair the history, or to begin one, undoes nothing of it. How far the script came a run
    that was killed need not know; one that has an end has told what it left.

    Args:
        runs: Of the ledger, the newest first; they are over, because we have the lock.
        rows: Of the schema history.
    """
    last = last_migration(runs)
    begun = None if last is None else last.cut_off
    if last is None or begun is None or (begun.done is None and last.finished_at is not None):
        return None
    is_over = begun.is_untouched or any(_tells_of(row, begun) for row in rows)
    return None if is_over else NotedPart(last, begun)


def last_migration(runs: Iterable[PastRun]) -> PastRun | None:
    """Return the newest of *runs*, which come in that order, that was no edit of the history."""
    return next((run for run in runs if run.command == "run"), None)


def judge_out_of_turn(part: NotedPart, first: str) -> Finding:
    """Return why nothing can be applied: not *part*'s script but *first* would be next."""
    name, is_known = part.script.script, part.script.done is not None
    has = "has done" if is_known else "may have done"
    go_on = f"Let the release begin with {name} as it was, which goes on by itself; or bring its"
    return failed(
        ExitCode.FAILED_BEFORE,
        _RULE,
        f"run {part.run.run_id} {has} a part of {name}, and {first} would be applied before it",
        f"{go_on if is_known else 'Bring its'} objects to the state before it, then run once more"
        " with --retry-failed.",
        script=name,
        first_run=part.run.run_id,
    )


class LedgerTable(NamedTuple):
    """The table, and the role that is to read it and to write into it."""

    schema: str
    name: str
    role: str

    @property
    def grant(self) -> str:
        """Return the statement that gives the role all that it needs."""
        table = qualified_name(self.schema, self.name)
        return f"GRANT SELECT, INSERT, UPDATE ON {table} TO {quote_identifier(self.role)};"


def judge_unread(
    error: HookError, table: LedgerTable, pending: Iterable[PreparedScript]
) -> Finding:
    """Judge what *error* means, for which *table* could not be read and which will not pass.

    A part of any of the *pending* scripts without transaction may be noted there, of those in
    the middle as well: what is run in front of them they are run behind.
    """
    shown = f"{table.schema}.{table.name}"
    once = next((item.migration.script for item in pending if item.is_run and item.runs_once), "")
    if not once:
        message = f"{shown} could not be read: {error.message}"
        hint = "Whether this very release has failed before is not known."
        return warned("failure-memory", message, hint)
    remedy = table.grant if isinstance(error, DatabaseRejected) else f"{_UNCHANGED}."
    return failed(
        _code_of(error),
        _RULE,
        f"{shown} could not be read: {error.message}; so whether a part of {once} has run is not"
        " known",
        f"{remedy} Or, once it is certain that no run has begun {once}, run once with"
        " --retry-failed.",
        script=once,
    )


def judge_unwritten(error: HookError, shown: str, part: BegunScript) -> Finding:
    """Return why nobody goes on with *part*: *error* keeps from noting how far that comes then.

    The row of the run before would stay the last one, and be gone on with once more.
    """
    remedy = f"{_UNCHANGED}."
    if isinstance(error, DatabaseRejected):
        remedy = f"Grant INSERT, UPDATE and SELECT on {shown} to the role that migrates."
    elif not isinstance(error, QueryFailed):
        remedy = error.hint
    return failed(
        _code_of(error),
        _RULE,
        f"{shown} could not be written: {error.message}; {part.script} is done in part, and is"
        " not gone on with unless it is noted how far it comes",
        remedy,
        script=part.script,
    )


def _code_of(error: HookError) -> ExitCode:
    """Return what a run ends with that *error* keeps from its ledger; no bug of ours is there."""
    is_changed = isinstance(error, QueryFailed)
    return ExitCode.FAILED_BEFORE if is_changed else error.exit_code


def _tells_of(row: HistoryRow, begun: BegunScript) -> bool:
    """Tell whether *row* says that *begun* is applied; a repeatable is so with each text."""
    is_it = row.success and row.script == begun.script
    return is_it and (row.version is not None or row.checksum == begun.checksum)
