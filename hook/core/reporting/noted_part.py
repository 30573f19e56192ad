"""A script without transaction of which a run has done a part, as its row in the ledger says.

No row of the schema history tells of it: where nobody goes on with it, somebody has to look.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hook.core.outcome import Finding, failed
from hook.core.reporting.past_run import BegunScript, PastRun
from hook.core.schema_history.history import HistoryRow
from hook.errors import ExitCode


class NotedPart(NamedTuple):
    """What *run* has begun of *script*, and does not know to be applied."""

    run: PastRun
    script: BegunScript


def find_noted_part(runs: Iterable[PastRun], rows: Iterable[HistoryRow]) -> NotedPart | None:
    """Return what the last of *runs* that migrated has begun, and nobody has ended since.

    To repair the history, or to begin one, undoes nothing of it.

    Args:
        runs: Of the ledger, the newest first; they are over, because we have the lock.
        rows: Of the schema history.
    """
    last = next((run for run in runs if run.command == "run"), None)
    begun = None if last is None else last.cut_off
    if last is None or begun is None or begun.done is None:
        return None
    is_applied = any(_tells_of(row, begun) for row in rows)
    return None if is_applied else NotedPart(last, begun)


def judge_out_of_turn(part: NotedPart, first: str) -> Finding:
    """Return why nothing can be applied: not *part*'s script but *first* would be next."""
    name = part.script.script
    return failed(
        ExitCode.FAILED_BEFORE,
        "cut-off",
        f"run {part.run.run_id} has done a part of {name}, and {first} would be applied before it",
        f"Let the release begin with {name} as it was, which goes on by itself; or bring its"
        " objects to the state before it, then run once more with --retry-failed.",
        script=name,
        first_run=part.run.run_id,
    )


def _tells_of(row: HistoryRow, begun: BegunScript) -> bool:
    """Tell whether *row* says that *begun* is applied; a repeatable is so with each text."""
    is_it = row.success and row.script == begun.script
    return is_it and (row.version is not None or row.checksum == begun.checksum)
