"""What a callback that failed means for the run, and for the callbacks behind it."""

from __future__ import annotations

from dataclasses import replace

from hook.core.execution.attempt import Attempt, AttemptEnd, Place
from hook.core.execution.contended import Tries, given_up_for_others, lost_to_others
from hook.core.execution.failure_advice import (
    correct_statement,
    way_out_of_transaction,
    with_remarks,
)
from hook.core.execution.outside import Outside
from hook.core.execution.progress import Progress
from hook.core.execution.script_message import Moment
from hook.core.execution.sqlstate import (
    ends_session,
    is_cancel,
    is_transient,
    needs_new_session,
    retry_limit,
)
from hook.core.execution.transaction_fate import Fate
from hook.core.scripts.callback import Callback
from hook.core.scripts.events import Event
from hook.errors import (
    BudgetExceeded,
    CallbackFailed,
    ConnectionLost,
    DatabaseUnreachable,
    HookError,
    Interrupted,
    MigrationPartial,
)


def is_worth_retrying(attempt: Attempt, number: int, *, is_last: bool) -> bool:
    """Tell whether the callback may be run again after the attempt with 1-based *number*.

    It may where it lost against other sessions, or was given up for them, or lost its session,
    and left nothing behind. A lost one of which nobody knows that ends it.
    """
    failure = attempt.failure
    if is_last or attempt.leftovers:
        return False
    if failure is None:
        return attempt.end is AttemptEnd.UNDONE
    if attempt.end is not AttemptEnd.FAILED:
        return attempt.end is AttemptEnd.WITHDRAWN
    if needs_new_session(failure) and not ends_session(failure):
        return False
    limit = retry_limit(failure)
    return limit is None or number < limit


def with_last_words(attempt: Attempt) -> Attempt:
    """Return *attempt* in one transaction, as failed if the server said so before it hung up.

    Whatever ends a backend takes back its transaction, unless that is amid its COMMIT.
    """
    failure = attempt.failure
    is_known = failure is not None and ends_session(failure)
    if attempt.end is not AttemptEnd.LOST or attempt.place.moment is Moment.COMMIT or not is_known:
        return attempt
    return replace(attempt, end=AttemptEnd.FAILED)


def after_fate(attempt: Attempt, fate: Fate) -> Attempt:
    """Return *attempt*, which was lost, as what became of its transaction makes it."""
    if fate is Fate.UNKNOWN:
        return attempt
    end = AttemptEnd.APPLIED if fate is Fate.COMMITTED else AttemptEnd.UNDONE
    return replace(attempt, end=end, failure=None)


def before_it_began(attempt: Attempt) -> Attempt:
    """Return *attempt*, which ended in front of the callback, as undone if it was lost."""
    if attempt.end is not AttemptEnd.LOST:
        return attempt
    return replace(attempt, end=AttemptEnd.UNDONE, place=Place(Moment.UNSENT), failure=None)


def progress_after_callback(attempt: Attempt, before: Progress) -> Progress:
    """Return how far the run has changed the database after *attempt* at a callback."""
    if attempt.end is AttemptEnd.APPLIED:
        return Progress.COMMITTED
    if attempt.place.moment is Moment.UNSENT:
        return before
    if attempt.leftovers or attempt.end is AttemptEnd.LOST:
        return Progress.UNKNOWN
    return Progress.ROLLED_BACK if before is Progress.UNTOUCHED else before


def failure_of_callback(
    callback: Callback, attempt: Attempt, tries: Tries, outside: Outside
) -> HookError:
    """Return the error for *callback* that was given up; event, line and SQLSTATE are told.

    Args:
        callback: What was run.
        attempt: The last one.
        tries: How many there were.
        outside: What may have ended it.
    """
    error = _failure(callback, attempt, tries, outside)
    failure = attempt.failure
    facts: dict[str, object] = {
        "callback": callback.event,
        "script": callback.script,
        "line": attempt.place.line,
        "statement": attempt.place.statement,
        **tries.facts(),
        "sqlstate": failure.sqlstate if failure else "",
        "detail": failure.detail if failure else "",
        "left_behind": list(attempt.leftovers),
    }
    if attempt.toll is not None and failure and (is_transient(failure) or is_cancel(failure)):
        facts |= attempt.toll.facts()
    error.facts = {name: value for name, value in facts.items() if value}
    return error


def _failure(callback: Callback, attempt: Attempt, tries: Tries, outside: Outside) -> HookError:
    place = f"callback {attempt.place.describe(callback.script)}"
    failure = attempt.failure
    what = f"{place} {failure.sqlstate} {failure.message}" if failure else place
    withdrawn = attempt.toll if attempt.end is AttemptEnd.WITHDRAWN else None
    if withdrawn is not None:
        what = f"{place} {withdrawn.given_up_for}"
    if attempt.leftovers:
        left = ", ".join(attempt.leftovers)
        hint = f"Undo by hand {left} before the next run, which runs the callback again."
        return MigrationPartial(f"{what}; left behind: {left}", hint)
    if attempt.end is AttemptEnd.INTERRUPTED:
        return Interrupted(outside.signal_name, f"in {place}")
    if attempt.end in {AttemptEnd.LOST, AttemptEnd.UNDONE}:
        return _lost(callback, attempt, tries)
    if attempt.end is AttemptEnd.OUT_OF_TIME or failure is None:
        hint = outside.after_deadline("do less in the callback", attempt.toll)
        wait = attempt.toll.describe_wait() if attempt.toll is not None else ""
        return BudgetExceeded(f"{place} {outside.deadline} is used up{wait}", hint)
    return _refused(what, callback, tries, attempt, outside)


def _refused(
    what: str, callback: Callback, tries: Tries, attempt: Attempt, outside: Outside
) -> HookError:
    """Return what the server's answer means; the callback was rolled back."""
    failure = attempt.failure
    assert failure is not None  # noqa: S101 - who has none is told of otherwise
    if attempt.end is AttemptEnd.WITHDRAWN and attempt.toll is not None:
        return given_up_for_others(
            what, tries, attempt.toll, "runs callbacks", "Do less in the callback"
        )
    if is_cancel(failure):
        wait = attempt.toll.describe_wait() if attempt.toll is not None else ""
        hint = outside.after_cancel("do less in the callback", attempt.toll, attempt.duration_ms)
        return BudgetExceeded(f"{what}{wait}", hint)
    if needs_new_session(failure):
        what = f"{what} {tries.describe()}"
        hint = "Find out which server is the primary now."
        if ends_session(failure):
            hint = "Find out who or what ended the session on the server, then run again."
        return DatabaseUnreachable(what, hint)
    if is_transient(failure):
        return lost_to_others(what, tries, attempt.toll)
    way_out = way_out_of_transaction(failure, attempt.place, callback)
    correction = correct_statement(attempt.place.statement, failure)
    return CallbackFailed(what, way_out or with_remarks(correction, failure))


def _lost(callback: Callback, attempt: Attempt, tries: Tries) -> HookError:
    if attempt.end is AttemptEnd.UNDONE:
        message = f"callback {callback.script}: connection lost {tries.describe()}"
        return DatabaseUnreachable(message, "Find what cuts the connection.")
    if attempt.place.moment is Moment.UNSENT:
        message = f"callback {callback.script}: connection lost before it began"
        return DatabaseUnreachable(message, "Find what cuts the connection.")
    return MigrationPartial(
        f"callback {callback.script}: connection lost, and whether it was committed is unknown",
        f"Look for the work of {callback.script} before running again.",
    )


def events_after_failure(place: Place | None) -> tuple[Event, ...]:
    """Return the events at which callbacks follow the failure of a migration, in order.

    As in Flyway a statement's own error comes first, and a callback around a whole
    migration is no part of it. But in Flyway the first two are within the failed
    transaction, where the server refuses whatever a callback does; here they come after
    its rollback.

    Args:
        place: Where the migration's last attempt ended; none when no migration failed.
    """
    last = (Event.AFTER_MIGRATE_ERROR,)
    if place is None or place.moment is not Moment.SCRIPT:
        return last
    if place.callback is None:
        first = (Event.AFTER_EACH_MIGRATE_STATEMENT_ERROR, Event.AFTER_EACH_MIGRATE_ERROR)
        return (*first, *last)
    is_around_statement = place.callback.event in {
        Event.BEFORE_EACH_MIGRATE_STATEMENT,
        Event.AFTER_EACH_MIGRATE_STATEMENT,
    }
    return (Event.AFTER_EACH_MIGRATE_ERROR, *last) if is_around_statement else last


def settings_gone() -> ConnectionLost:
    """Return why a callback is not run on another connection than those in front of it."""
    lost = "the connection of the callbacks was lost, and with it what earlier ones have SET there"
    return ConnectionLost(lost, "Run again: callbacks also run with nothing pending.")
