"""What a migration that was given up means for the run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from hook.core.execution.attempt import ApplyTask, Attempt, AttemptEnd
from hook.core.execution.contended import given_up_for_others, lost_to_others
from hook.core.execution.failure_advice import TRIED_AGAIN, advise
from hook.core.execution.mending import with_doubt
from hook.core.execution.script_message import Moment
from hook.core.execution.sqlstate import (
    is_cancel,
    is_transient,
    needs_new_session,
)
from hook.core.outcome import Finding
from hook.core.sessions.census import Toll
from hook.core.span import describe_span
from hook.core.text import counted
from hook.errors import (
    BudgetExceeded,
    DatabaseUnreachable,
    Effect,
    HookError,
    Interrupted,
    LockContention,
    MigrationFailed,
    MigrationPartial,
)

_DIVISION_BY_ZERO = "22012"
_NAMED = 2


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The last attempt at a migration, and how many there were.

    Attributes:
        is_recorded: The schema history has a failed row for it.
        others: How many more migrations were in the same transaction.
        withheld: How many more attempts would have been made if nobody had been in the way.
        in_the_way: Who was in the end, as the gate of the blockers tells it.
    """

    task: ApplyTask
    attempt: Attempt
    attempts: int
    is_recorded: bool = False
    others: int = 0
    withheld: int = 0
    in_the_way: tuple[Finding, ...] = ()

    @property
    def row(self) -> str:
        """Return the name of the row in the schema history."""
        history = self.task.history
        return f"row {self.task.rank} of {history.schema}.{history.table}"


def failure_of(given_up: GivenUp) -> HookError:
    """Return the error that ends the run; script, line and leftovers are named."""
    attempt = given_up.attempt
    if attempt.leftovers:
        error: HookError = MigrationPartial(
            f"{_what(given_up)}; {_left(given_up)}", _hint_for_leftovers(given_up)
        )
    elif attempt.end is AttemptEnd.LOST:
        error = _lost(given_up)
    elif attempt.end is AttemptEnd.OUT_OF_TIME:
        error = BudgetExceeded(
            _what(given_up),
            f"Raise PRESYNC_DEADLINE, or split the migration into smaller ones. {TRIED_AGAIN}",
        )
    elif attempt.end is AttemptEnd.WITHDRAWN and attempt.toll is not None:
        error = _withdrawn(given_up, attempt.toll)
    else:
        error = _refused(given_up)
    error.facts = _facts(given_up)
    return with_doubt(error, attempt)


def _withdrawn(given_up: GivenUp, toll: Toll) -> HookError:
    what = f"{_what(given_up)}{_tries(given_up)}"
    if toll.was_waiting and not toll.is_blind and given_up.withheld and given_up.in_the_way:
        return _still_blocked(what, given_up)
    return given_up_for_others(what, toll, "migrates", "Split the migration into smaller ones")


def interruption_of(given_up: GivenUp, signal_name: str) -> Interrupted:
    """Return the error of a migration that *signal_name* ended."""
    attempt = given_up.attempt
    script = given_up.task.migration.script
    situation = f"in {attempt.place.describe(script)}"
    if attempt.leftovers:
        error = Interrupted(
            signal_name, f"{situation}; {_left(given_up)}", _hint_for_leftovers(given_up)
        )
    else:
        is_unsent = attempt.place.moment is Moment.UNSENT
        error = Interrupted(signal_name, f"before {script} began" if is_unsent else situation)
    error.facts = _facts(given_up)
    return with_doubt(error, attempt)


def unknown_of(given_up: GivenUp, reason: HookError) -> HookError:
    """Return the error of an attempt of which *reason* kept us from finding out the end.

    A script in a transaction is no harm to the next run, which sees the history row or
    not; so after a stop request the run ends as interrupted. No harm is a build either,
    whose index the next run looks for; so *reason* is all there is to say.
    """
    script = given_up.task.migration.script
    is_mended = given_up.attempt.in_doubt and not given_up.attempt.leftovers
    if is_mended and reason.exit_code.effect in {Effect.RETRY, Effect.ROLLED_BACK}:
        return reason
    if isinstance(reason, Interrupted) and not given_up.attempt.leftovers:
        return Interrupted(reason.signal_name, f"before it was known what became of {script}")
    place = given_up.attempt.place.describe(script)
    what = f"{place}: connection lost, and whether it was committed is unknown: {reason.message}"
    left = f"; {_left(given_up)}" if given_up.attempt.leftovers else ""
    hint = f"Look for {given_up.row} and the work of {script} before running again."
    return MigrationPartial(what + left, hint)


def _refused(given_up: GivenUp) -> HookError:
    """Return what the server's answer to the last attempt means; it was rolled back."""
    failure = given_up.attempt.failure
    what = _what(given_up)
    if failure is None:
        return MigrationFailed(what, "Run again.")
    if is_cancel(failure):
        limit = timedelta(milliseconds=given_up.task.limits.statement_timeout_ms)
        hint = (
            f"Raise PRESYNC_STATEMENT_TIMEOUT, which is {describe_span(limit)}, or split the"
            " migration into smaller ones; if it was cancelled by somebody, ask why."
            f" {TRIED_AGAIN}"
        )
        wait = "" if given_up.attempt.toll is None else given_up.attempt.toll.describe_wait()
        return BudgetExceeded(f"{what}{wait}", hint)
    what_often = f"{what}{_tries(given_up)}"
    if needs_new_session(failure):
        return DatabaseUnreachable(what_often, "Find out which server is the primary now.")
    if is_transient(failure):
        return _lost_to_others(what_often, given_up)
    place = given_up.attempt.place
    return MigrationFailed(what, advise(failure, place, given_up.task, given_up.row))


def _lost_to_others(what: str, given_up: GivenUp) -> HookError:
    toll = given_up.attempt.toll
    is_known = toll is not None and bool(toll.describe_blockers())
    # What the last attempt met is old by the time that further ones are withheld.
    if given_up.in_the_way and (given_up.withheld or not is_known):
        return _still_blocked(what, given_up)
    return lost_to_others(what, toll)


def _still_blocked(what: str, given_up: GivenUp) -> HookError:
    who = "; ".join(item.message for item in given_up.in_the_way[:_NAMED])
    return LockContention(f"{what}; still in the way: {who}", given_up.in_the_way[0].hint)


def _lost(given_up: GivenUp) -> HookError:
    attempt = given_up.attempt
    last_words = (
        f": {attempt.failure.sqlstate} {attempt.failure.message}" if attempt.failure else ""
    )
    rest = "no attempt has left anything behind"
    if attempt.in_doubt:
        rest = "the next run looks for what it has left"
    return DatabaseUnreachable(
        f"{given_up.task.migration.script}: connection lost in"
        f" {counted(given_up.attempts, 'attempt')}{last_words}",
        f"Find what cuts the connection; {rest}.",
    )


def _what(given_up: GivenUp) -> str:
    failure, toll = given_up.attempt.failure, given_up.attempt.toll
    if given_up.attempt.end is AttemptEnd.OUT_OF_TIME:
        # The server only says that somebody has cancelled it.
        wait = "" if toll is None else toll.describe_wait()
        return f"{_place(given_up)} PRESYNC_DEADLINE is used up{wait}"
    if given_up.attempt.end is AttemptEnd.WITHDRAWN and toll is not None:
        return f"{_place(given_up)} {toll.given_up_for}{_group(given_up)}"
    if failure is None:
        return f"{_place(given_up)} {given_up.attempt.end.value}"
    if is_row_missing(given_up.attempt):
        return f"{_place(given_up)} is not as it was written{_group(given_up)}"
    return f"{_place(given_up)} {failure.sqlstate} {failure.message}{_group(given_up)}"


def is_row_missing(attempt: Attempt) -> bool:
    """Tell whether the history row was written without an error and then was not there.

    The statement that reads it back divides by the number of rows it finds.
    """
    sqlstate = "" if attempt.failure is None else attempt.failure.sqlstate
    return attempt.place.moment is Moment.CONFIRMING and sqlstate == _DIVISION_BY_ZERO


def _group(given_up: GivenUp) -> str:
    if not given_up.others:
        return ""
    return f", and with it {counted(given_up.others, 'other migration')} of its group"


def _tries(given_up: GivenUp) -> str:
    withheld = f", {given_up.withheld} more withheld" if given_up.withheld else ""
    return f" ({counted(given_up.attempts, 'attempt')}{withheld})"


def _place(given_up: GivenUp) -> str:
    return given_up.attempt.place.describe(given_up.task.migration.script)


def _left(given_up: GivenUp) -> str:
    unrecorded = () if given_up.is_recorded else ("no row in the schema history",)
    return f"left behind: {', '.join((*given_up.attempt.leftovers, *unrecorded))}"


def _hint_for_leftovers(given_up: GivenUp) -> str:
    if not given_up.is_recorded:
        return (
            "Undo the named work by hand before the next run, which would repeat it; or finish it"
            f" and add {given_up.row}."
        )
    return (
        f"Undo the named work by hand and remove {given_up.row} with `presync repair`; or finish"
        " it by hand and set success of that row to true."
    )


def _facts(given_up: GivenUp) -> dict[str, object]:
    attempt, failure = given_up.attempt, given_up.attempt.failure
    facts: dict[str, object] = {
        "script": given_up.task.migration.script,
        "line": attempt.place.line,
        "statement": attempt.place.statement,
        "attempts": given_up.attempts,
        "withheld": given_up.withheld,
        "still_in_the_way": [dict(item.facts) for item in given_up.in_the_way],
        "left_behind": list(attempt.leftovers),
        "for_next_run": list(attempt.for_next_run),
        "out_of_reach": list(attempt.out_of_reach),
    }
    if failure is not None and not is_row_missing(attempt):
        facts |= {
            "sqlstate": failure.sqlstate,
            "detail": failure.detail,
            "context": failure.context,
            "schema": failure.schema,
            "table": failure.table,
            "constraint": failure.constraint,
        }
    if attempt.toll is not None and (
        failure is None or is_transient(failure) or is_cancel(failure)
    ):
        facts |= attempt.toll.facts()
    known = {name: value for name, value in facts.items() if value}
    # The checksum of an empty script is zero.
    return {**known, "checksum": given_up.task.migration.checksum, "rank": given_up.task.rank}
