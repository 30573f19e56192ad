"""Which command of presync tells more about a refusal."""

from __future__ import annotations

from hook.core.outcome import Finding
from hook.errors import ExitCode

_COMMANDS = {
    ExitCode.CONFIG: ("presync config",),
    ExitCode.BAD_SET: ("presync lint", "presync plan"),
    ExitCode.DRIFT: ("presync validate", "presync info"),
    ExitCode.AHEAD: ("presync info",),
    ExitCode.FAILED_BEFORE: ("presync info", "presync repair"),
    ExitCode.AUTH: ("presync config",),
    ExitCode.NO_WAY_BACK: ("presync check",),
    ExitCode.SQL_FAILED: ("presync plan", "presync info"),
    ExitCode.PARTIAL: ("presync info", "presync validate"),
    ExitCode.VERIFY_FAILED: ("presync info", "presync validate"),
    ExitCode.BUDGET: ("presync plan",),
    ExitCode.NOT_YET: ("presync plan", "presync run"),
    ExitCode.UNREACHABLE: ("presync config",),
    ExitCode.LOCKED: ("presync info",),
    ExitCode.CONTENTION: ("presync check",),
    # The plan has the locks that each script wants.
    ExitCode.BLOCKED: ("presync check", "presync plan"),
    ExitCode.UNKNOWN_BACKUP: ("presync check",),
    ExitCode.INTERRUPTED: ("presync info",),
}
# What the ledger remembers has left no row in the schema history.
_OF_THE_LEDGER = ("presync info --runs",)
# What only the server's parser finds, or the history makes a fault.
_OF_THE_DATABASE = ("presync plan",)
_COMMANDS_OF_RULES = {
    "failure-remembered": _OF_THE_LEDGER,
    "cut-off": _OF_THE_LEDGER,
    "syntax": _OF_THE_DATABASE,
    "script-empty": _OF_THE_DATABASE,
}


def next_steps(deciding: Finding, command: str) -> tuple[str, ...]:
    """Return the commands to type after *command* ended so, the most telling one first.

    *command* itself has told what it knows.
    """
    steps = _COMMANDS_OF_RULES.get(deciding.rule) or _COMMANDS.get(deciding.code, ())
    return tuple(step for step in steps if step != f"presync {command}")
