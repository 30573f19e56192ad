"""One attempt at one migration: how it ended, and what follows from that."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hook.core.history import History
from hook.core.script import Migration
from hook.core.server import ServerFacts
from hook.core.sqlstate import ServerMessage, is_transient, retry_limit
from hook.errors import (
    BudgetExceeded,
    DatabaseUnreachable,
    HookError,
    LockContention,
    MigrationFailed,
    MigrationPartial,
)

QUERY_CANCELED = "57014"
COMMIT_LINE = 0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one attempt may cost.

    Attributes:
        lock_timeout_ms: For each lock, see ``lock_timeout`` in the manual.
        statement_timeout_ms: For each statement.
        seconds: For the whole script.
    """

    lock_timeout_ms: int
    statement_timeout_ms: int
    seconds: float


@dataclass(frozen=True, slots=True)
class ApplyTask:
    """One migration to be applied once, and the rank of its row in *history*."""

    migration: Migration
    history: History
    rank: int
    server: ServerFacts
    limits: Limits


class AttemptEnd(Enum):
    """How an attempt ended; a lost one is known not to have been committed."""

    APPLIED = "applied"
    FAILED = "failed"
    LOST = "connection lost"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class Attempt:
    """The end of one attempt.

    Attributes:
        failure: The server's error when it reported one.
        line: 1-based line of the script that failed, `COMMIT_LINE` for the COMMIT.
        statement: Head of the statement that failed, one line.
        left_behind: What a script without transaction left in the database, one
            item per thing ("statements up to line 4", "invalid index public.i").
        duration_ms: Wall time of the attempt.
    """

    end: AttemptEnd
    duration_ms: int
    failure: ServerMessage | None = None
    line: int = COMMIT_LINE
    statement: str = ""
    left_behind: tuple[str, ...] = ()


class NextStep(Enum):
    """What the runner does after an attempt."""

    DONE = "done"
    RETRY = "retry"
    GIVE_UP = "give up"


def judge_attempt(attempt: Attempt, number: int, *, is_last: bool) -> NextStep:
    """Decide what follows from the attempt with the 1-based *number*.

    Only a rolled-back attempt that lost against other sessions, or with its own
    session, is repeated; what a script without transaction has left behind is never
    run over again.
    """
    if attempt.end is AttemptEnd.APPLIED:
        return NextStep.DONE
    if attempt.end is AttemptEnd.INTERRUPTED or attempt.left_behind or is_last:
        return NextStep.GIVE_UP
    if attempt.end is AttemptEnd.LOST:
        return NextStep.RETRY
    limit = None if attempt.failure is None else retry_limit(attempt.failure)
    return NextStep.RETRY if limit is None or number < limit else NextStep.GIVE_UP


def failure_of(migration: Migration, attempt: Attempt, attempts: int) -> HookError:
    """Return the error that a given-up *attempt* means, the script and line named."""
    failure = attempt.failure
    if attempt.end is AttemptEnd.LOST or failure is None:
        return DatabaseUnreachable(
            f"{migration.script}: connection lost in {attempts} attempts",
            "Find what cuts the connection; the last attempt left nothing behind.",
        )
    place = f"{migration.script}:{attempt.line}" if attempt.line else f"{migration.script} (COMMIT)"
    message = f"{place} {failure.sqlstate} {failure.message}"
    if attempt.left_behind:
        return MigrationPartial(
            f"{message}; left behind: {', '.join(attempt.left_behind)}",
            "Bring the named objects to the state before or after the script by hand, then"
            " correct the row of this version in the schema history.",
        )
    if failure.sqlstate == QUERY_CANCELED:
        return BudgetExceeded(
            message, "Raise PRESYNC_STATEMENT_TIMEOUT, or split the migration into smaller ones."
        )
    if is_transient(failure):
        return LockContention(
            f"{message} ({attempts} attempts)",
            "Try again when the sessions that hold the locks have ended.",
        )
    return MigrationFailed(message, failure.hint or _next_step(attempt))


def interrupted_in(migration: Migration, attempt: Attempt) -> str:
    """Return what an interrupted *attempt* was at, and what it left behind."""
    line = f":{attempt.line}" if attempt.line else ""
    left = f"; left behind: {', '.join(attempt.left_behind)}" if attempt.left_behind else ""
    return f"in {migration.script}{line}{left}"


def _next_step(attempt: Attempt) -> str:
    if attempt.statement:
        return f"Correct the statement: {attempt.statement}"
    return "Correct the data or constraint that the COMMIT checked."
