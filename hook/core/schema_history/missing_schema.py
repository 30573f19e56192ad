"""The schema of the history is not there, and nobody may create it but its owner."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.core.outcome import Finding, failed
from hook.errors import ExitCode

if TYPE_CHECKING:
    from hook.core.schema_history.history import History

_RULE = "schema-missing"


def judge_missing_schema(history: History, *, creates_schemas: bool) -> tuple[Finding, ...]:
    """Return a failed finding if *history* has no schema to be in, and gets none."""
    if creates_schemas or history.schema not in history.missing_schemas:
        return ()
    message = f"schema {history.schema} does not exist"
    hint = "Create it, or let presync do so with FLYWAY_CREATE_SCHEMAS=true."
    return (failed(ExitCode.CONFIG, _RULE, message, hint),)


def is_complete(history: History, *, creates_schemas: bool) -> bool:
    """Tell whether a run has nothing to create before its migrations."""
    return history.exists and not (creates_schemas and history.missing_schemas)


def is_missing_schema(finding: Finding) -> bool:
    """Tell whether *finding* is of `judge_missing_schema`."""
    return finding.rule == _RULE
