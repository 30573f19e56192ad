"""What the plan tells of a pending script."""

from __future__ import annotations

from hook.core.outcome import Finding, passed
from hook.core.prepared import PreparedScript
from hook.core.text import counted


def describe_script(script: PreparedScript) -> Finding:
    """Return what a run would do with *script*, its locks included."""
    how = "in one transaction" if script.in_transaction else f"without transaction: {script.reason}"
    how = how if script.is_run else "recorded, not run"
    statements = counted(script.statement_count, "statement")
    locks = [{"relation": item.relation, "mode": item.mode.value} for item in script.requests]
    return passed(
        "pending",
        f"{script.migration.script}: {statements} {how}",
        script=script.migration.script,
        version=script.migration.version.text if script.migration.version else None,
        description=script.migration.description,
        transactional=script.in_transaction,
        statements=script.statement_count,
        executed=script.is_run,
        locks=locks,
    )
