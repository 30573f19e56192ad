"""Migrations that are recorded as applied and not run, as Flyway's skipExecutingMigrations does.

Somebody has done their work by hand, or says so: nothing here can tell.
"""

from __future__ import annotations

from collections.abc import Sequence

from hook.core.execution.prepared import PreparedScript
from hook.core.outcome import Finding, Status, warned
from hook.core.text import counted

SWITCH = "FLYWAY_SKIP_EXECUTING_MIGRATIONS=true"
_HINT = "See that their work is in the database, and unset the variable again after this run."


def recorded_only(script: PreparedScript) -> PreparedScript:
    """Return *script* as one of which nothing but the history row is written."""
    return script._replace(is_run=False, in_transaction=True, reason="", requests=(), unforeseen=())


def judge_recorded(scripts: Sequence[PreparedScript]) -> tuple[Finding, ...]:
    """Name every script that is recorded and not run; nothing when all are run."""
    names = [script.migration.script for script in scripts if not script.is_run]
    if not names:
        return ()
    count = counted(len(names), "script")
    message = f"{SWITCH}: {count} to be recorded and not run: {', '.join(names)}"
    return (warned("recorded-not-run", message, _HINT, scripts=names),)


def needs_no_gate(scripts: Sequence[PreparedScript]) -> bool:
    """Tell whether a run changes nothing but the schema history."""
    return bool(scripts) and not any(script.is_run for script in scripts)


def gate_not_needed(gate: str) -> tuple[Finding, ...]:
    """Return what *gate* says of a run that changes nothing but the schema history.

    No script can lose data or wait for a lock, so there is nothing to go back from and
    nobody in the way.
    """
    message = f"{SWITCH}: no script is run, so gate {gate} has nothing to guard"
    return (Finding(Status.SKIPPED, f"{gate}-not-needed", message),)
