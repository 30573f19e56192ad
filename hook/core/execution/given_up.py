"""What a migration that was given up means for the run."""

from __future__ import annotations

from dataclasses import dataclass, field

from hook.core.execution.attempt import ApplyTask, Attempt, AttemptEnd, Place
from hook.core.execution.contended import Tries, given_up_for_others, lost_to_others
from hook.core.execution.failure_advice import advise
from hook.core.execution.locked_out import OTHER_MIGRATOR
from hook.core.execution.mending import with_doubt
from hook.core.execution.outside import Outside
from hook.core.execution.script_message import Moment
from hook.core.execution.sqlstate import (
    ServerMessage,
    is_cancel,
    is_transient,
    needs_new_session,
)
from hook.core.text import counted
from hook.errors import (
    BudgetExceeded,
    DatabaseUnreachable,
    Effect,
    HookError,
    Interrupted,
    MigrationFailed,
    MigrationLocked,
    MigrationPartial,
)

_DIVISION_BY_ZERO = "22012"
_UNIQUE_VIOLATION = "23505"
_SMALLER = "split the migration into smaller ones"
_GOES_ON = "Run again: it goes on behind what the ledger says is done."
_MAY_GO_ON = "Run again: unless the ledger says that the lost session had something, it goes on."


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The last attempt at a migration, and how many there were.

    Attributes:
        is_recorded: The schema history has a failed row for it.
        others: How many more migrations were in the same transaction.
        outside: What may have ended it.
    """

    task: ApplyTask
    attempt: Attempt
    tries: Tries
    is_recorded: bool = False
    others: int = 0
    outside: Outside = field(default_factory=Outside)

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
            given_up.outside.after_deadline(_SMALLER, attempt.toll),
        )
    elif attempt.end is AttemptEnd.WITHDRAWN and attempt.toll is not None:
        advice = "Split the migration into smaller ones"
        tries = given_up.tries
        error = given_up_for_others(_what(given_up), tries, attempt.toll, "migrates", advice)
    else:
        error = _refused(given_up)
    error.facts = _facts(given_up)
    return with_doubt(error, attempt)


def interruption_of(given_up: GivenUp) -> Interrupted:
    """Return the error of a migration that a stop request ended."""
    attempt, signal_name = given_up.attempt, given_up.outside.signal_name
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
    whose index the next run looks for, nor what the ledger has noted, which it goes on behind;
    so *reason* is all there is to say.
    """
    script = given_up.task.migration.script
    place = given_up.attempt.place.describe(script)
    if given_up.attempt.goes_on:
        reason.message = f"{place}: connection lost; then {reason.message}"
        return reason
    is_mended = given_up.attempt.in_doubt and not given_up.attempt.leftovers
    if is_mended and reason.exit_code.effect in {Effect.RETRY, Effect.ROLLED_BACK}:
        return reason
    if isinstance(reason, Interrupted) and not given_up.attempt.leftovers:
        return Interrupted(reason.signal_name, f"before it was known what became of {script}")
    what = f"{place}: connection lost, and whether it was committed is unknown: {reason.message}"
    left = f"; {_left(given_up)}" if given_up.attempt.leftovers else ""
    hint = f"Look for {given_up.row} and the work of {script} before running again."
    if given_up.attempt.is_noted:
        hint = _going_on(given_up.attempt)
    return MigrationPartial(what + left, hint)


def without_session(error: HookError, given_up: GivenUp) -> HookError:
    """Return *error*, which came behind the last attempt, and what that ended with.

    Where the server took no writes any more, nothing else tells of the statement that met it.
    """
    attempt = given_up.attempt
    if attempt.end is AttemptEnd.FAILED and attempt.wants_new_session:
        error.message = f"{_what(given_up)}; then {error.message}"
        error.facts = {**_facts(given_up), **error.facts}
    return with_doubt(error, attempt)


def _refused(given_up: GivenUp) -> HookError:
    """Return what the server's answer to the last attempt means; it was rolled back."""
    failure = given_up.attempt.failure
    what = _what(given_up)
    if failure is None:
        return MigrationFailed(what, "Run again.")
    if is_cancel(failure):
        toll = given_up.attempt.toll
        hint = given_up.outside.after_cancel(_SMALLER, toll, given_up.attempt.duration_ms)
        wait = "" if toll is None else toll.describe_wait()
        return BudgetExceeded(f"{what}{wait}", hint)
    if needs_new_session(failure):
        what = f"{what} {given_up.tries.describe()}"
        return DatabaseUnreachable(what, "Find out which server is the primary now.")
    if is_transient(failure):
        return lost_to_others(what, given_up.tries, given_up.attempt.toll)
    return _refused_for_good(given_up, failure)


def _refused_for_good(given_up: GivenUp, failure: ServerMessage) -> HookError:
    """Return the error of what fails again, unless it is another migrator who is in the way."""
    task, place = given_up.task, given_up.attempt.place
    if _is_row_taken(place, failure, task.history.table):
        return MigrationLocked(
            f"{task.migration.script}: row {task.rank} of the schema history was written by"
            " somebody else meanwhile, without the lock",
            OTHER_MIGRATOR,
        )
    return MigrationFailed(_what(given_up), advise(failure, place, task, given_up.row))


def _is_row_taken(place: Place, failure: ServerMessage, table: str) -> bool:
    """Tell whether the row that was to be written has the rank of one that is there by now."""
    is_taken = (failure.sqlstate, failure.constraint) == (_UNIQUE_VIOLATION, f"{table}_pk")
    return is_taken and place.moment is Moment.RECORDING


def _lost(given_up: GivenUp) -> HookError:
    attempt = given_up.attempt
    last_words = (
        f": {attempt.failure.sqlstate} {attempt.failure.message}" if attempt.failure else ""
    )
    rest = "no attempt has left anything behind"
    if attempt.in_doubt:
        rest = "the next run goes on there"
    return DatabaseUnreachable(
        f"{given_up.task.migration.script}: connection lost in"
        f" {counted(given_up.tries.made, 'attempt')}{last_words}",
        f"Find what cuts the connection; {rest}.",
    )


def _what(given_up: GivenUp) -> str:
    failure, toll = given_up.attempt.failure, given_up.attempt.toll
    if given_up.attempt.end is AttemptEnd.OUT_OF_TIME:
        # The server only says that somebody has cancelled it.
        wait = "" if toll is None else toll.describe_wait()
        return f"{_place(given_up)} {given_up.outside.deadline} is used up{wait}"
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


def _place(given_up: GivenUp) -> str:
    return given_up.attempt.place.describe(given_up.task.migration.script)


def _left(given_up: GivenUp) -> str:
    unrecorded = () if given_up.is_recorded else ("no row in the schema history",)
    return f"left behind: {', '.join((*given_up.attempt.leftovers, *unrecorded))}"


def _hint_for_leftovers(given_up: GivenUp) -> str:
    named = ", ".join(given_up.attempt.leftovers)
    if not given_up.is_recorded and given_up.attempt.is_noted:
        return _going_on(given_up.attempt)
    if not given_up.is_recorded:
        return (
            f"Undo by hand {named} before the next run, which would repeat it; or finish it and add"
            f" {given_up.row}."
        )
    return (
        f"Undo by hand {named} and remove {given_up.row} with `presync repair`; or finish it by"
        " hand and set success of that row to true."
    )


def _going_on(attempt: Attempt) -> str:
    return _MAY_GO_ON if attempt.may_hold else _GOES_ON


def _facts(given_up: GivenUp) -> dict[str, object]:
    attempt, failure = given_up.attempt, given_up.attempt.failure
    facts: dict[str, object] = {
        "script": given_up.task.migration.script,
        "line": attempt.place.line,
        "statement": attempt.place.statement,
        **given_up.tries.facts(),
        "left_behind": list(attempt.leftovers),
        "for_next_run": list(attempt.for_next_run),
        "out_of_reach": list(attempt.out_of_reach),
        "goes_on_behind": attempt.goes_on,
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
