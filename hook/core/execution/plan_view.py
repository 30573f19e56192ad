"""What the plan tells of a pending script."""

from __future__ import annotations

from collections.abc import Iterable

from hook.core.execution.callback_book import PreparedCallback
from hook.core.execution.prepared import PreparedScript
from hook.core.outcome import Finding, passed
from hook.core.scripts.events import EACH_EVENTS
from hook.core.scripts.script import Migration
from hook.core.sql.locks import LockRequest
from hook.core.text import counted


def describe_script(script: PreparedScript, undo: Migration | None = None) -> Finding:
    """Return what a run would do with *script*, its locks included.

    Args:
        script: Pending.
        undo: The script that would undo it, which no run does.
    """
    how = "in one transaction" if script.in_transaction else f"without transaction: {script.reason}"
    how = how if script.is_run else "recorded, not run"
    statements = counted(script.statement_count, "statement")
    return passed(
        "pending",
        f"{script.migration.script}: {statements} {how}"
        + (f"; {undo.script} would undo it" if undo else ""),
        script=script.migration.script,
        version=script.migration.version.text if script.migration.version else None,
        description=script.migration.description,
        transactional=script.in_transaction,
        statements=script.statement_count,
        executed=script.is_run,
        locks=_locks(script.requests),
        unforeseen=list(script.unforeseen),
        undo=None if undo is None else undo.script,
    )


def describe_callback(prepared: PreparedCallback) -> Finding:
    """Return what a run would do with a callback, its locks included."""
    callback = prepared.callback
    if callback.event in EACH_EVENTS:
        how = "with each migration"
    elif prepared.in_transaction:
        how = f"at {callback.event}, in a transaction of its own"
    else:
        how = f"at {callback.event}, without transaction: {prepared.reason}"
    statements = counted(len(prepared.body), "statement")
    return passed(
        "callback",
        f"callback {callback.script}: {statements} {how}",
        script=callback.script,
        callback=callback.event,
        description=callback.description,
        transactional=prepared.in_transaction,
        statements=len(prepared.body),
        locks=_locks(prepared.requests),
        unforeseen=list(prepared.unforeseen),
    )


def _locks(requests: Iterable[LockRequest]) -> list[dict[str, str]]:
    return [
        {"relation": item.relation, "mode": item.mode.value, "target": item.target.value}
        for item in requests
    ]
