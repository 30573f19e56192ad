"""What a callback that failed means."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hook.core.execution.attempt import Attempt, AttemptEnd, Place
from hook.core.execution.callback_failure import (
    events_after_failure,
    failure_of_callback,
    is_worth_retrying,
    progress_after_callback,
    with_last_words,
)
from hook.core.execution.contended import Tries
from hook.core.execution.failure_advice import TRIED_AGAIN
from hook.core.execution.outside import Outside
from hook.core.execution.progress import Progress, merged
from hook.core.execution.script_message import Moment
from hook.core.execution.sqlstate import ServerMessage
from hook.core.outcome import failed
from hook.core.scripts.callback import Callback
from hook.core.scripts.events import Event
from hook.core.sessions.census import Census, Party, Stand, Toll
from hook.core.sessions.damage import Damage, Reason, Withdrawal
from hook.core.sessions.damage_budget import DamageBudget
from hook.errors import ExitCode
from tests.testbed.activity_samples import SELECTING

CALLBACK = Callback("afterMigrate", "x", "sub/afterMigrate__x.sql", "")
PLACE = Place(Moment.SCRIPT, 3, "SELECT 1")


def attempt(
    sqlstate: str = "", end: AttemptEnd = AttemptEnd.FAILED, *, left: tuple[str, ...] = ()
) -> Attempt:
    """Return an attempt that ended in line 3."""
    failure = ServerMessage("ERROR", sqlstate, "it is so", hint="Perhaps.") if sqlstate else None
    return Attempt(end, 1, PLACE, failure, left_behind=left)


ENDED = replace(
    attempt(end=AttemptEnd.LOST),
    failure=ServerMessage("FATAL", "57P01", "it is so", function="ProcessInterrupts"),
)


@pytest.mark.parametrize(
    ("last", "code", "message"),
    [
        (
            attempt("42883"), ExitCode.SQL_FAILED,
            "callback sub/afterMigrate__x.sql:3 42883 it is so",
        ),
        (
            attempt("55P03"), ExitCode.CONTENTION,
            "callback sub/afterMigrate__x.sql:3 55P03 it is so (2 attempts)",
        ),
        (attempt("57014"), ExitCode.BUDGET, "callback sub/afterMigrate__x.sql:3 57014 it is so"),
        (
            attempt("25006"), ExitCode.UNREACHABLE,
            "callback sub/afterMigrate__x.sql:3 25006 it is so (2 attempts)",
        ),
        (
            with_last_words(ENDED), ExitCode.UNREACHABLE,
            "callback sub/afterMigrate__x.sql:3 57P01 it is so (2 attempts)",
        ),
        (
            attempt("57014", AttemptEnd.OUT_OF_TIME), ExitCode.BUDGET,
            "callback sub/afterMigrate__x.sql:3 PRESYNC_DEADLINE is used up",
        ),
        (
            attempt("57014", AttemptEnd.INTERRUPTED), ExitCode.INTERRUPTED,
            "SIGTERM received in callback sub/afterMigrate__x.sql:3",
        ),
        (
            attempt("42883", left=("what line 2 may have done",)), ExitCode.PARTIAL,
            ("callback sub/afterMigrate__x.sql:3 42883 it is so; left behind: what line 2 may have"
            " done"),
        ),
        (
            attempt(end=AttemptEnd.LOST), ExitCode.PARTIAL,
            ("callback sub/afterMigrate__x.sql: connection lost, and whether it was committed is"
            " unknown"),
        ),
        (
            replace(attempt(end=AttemptEnd.LOST), place=Place(Moment.UNSENT)), ExitCode.UNREACHABLE,
            "callback sub/afterMigrate__x.sql: connection lost before it began",
        ),
    ],
)  # fmt: skip
def test_failure_names_file_line_and_state(last: Attempt, code: ExitCode, message: str) -> None:
    """The codes are those of a migration that ends like that."""
    error = failure_of_callback(CALLBACK, last, Tries(2), Outside(signal_name="SIGTERM"))
    assert (error.exit_code, error.message) == (code, message)
    assert error.facts["callback"] == "afterMigrate"


def toll(reason: Reason | None, *, was_waiting: bool = True, detail: str = "") -> Toll:
    """Return the toll of an attempt behind somebody who selects, given up for *reason*."""
    withdrawal = reason and Withdrawal(reason, was_waiting, 3, detail)
    stand = Stand("relation", "AccessShareLock", is_granted=True, relation="t")
    census = Census((Party(SELECTING, (stand,)),)) if was_waiting else Census()
    return Toll(Damage(9.5, 12.0), DamageBudget(10, 20), census, withdrawal)


@pytest.mark.parametrize(
    ("cost", "code", "message", "hint"),
    [
        (
            toll(Reason.ATTEMPT), ExitCode.CONTENTION,
            ("given up, as 3 sessions waited behind it: 9.5 blocked-backend-seconds, 10 are an"
            " attempt's budget (2 attempts); in the way: pid 7 "), "SELECT pg_terminate_backend(7)",
        ),
        (
            toll(Reason.SHARE, was_waiting=False), ExitCode.BUDGET,
            "given up, as 3 sessions waited behind it (2 attempts)", "PRESYNC_DAMAGE_BUDGET",
        ),
        (
            toll(Reason.SIGHT, detail="why"), ExitCode.CONTENTION,
            "given up, as nobody could see who waits: why (2 attempts)", "one more connection",
        ),
    ],
)  # fmt: skip
def test_callback_that_was_given_up_for_others_says_so(
    cost: Toll, code: ExitCode, message: str, hint: str
) -> None:
    """And is tried again, unless it left something behind."""
    last = replace(attempt("57014", AttemptEnd.WITHDRAWN), toll=cost)
    error = failure_of_callback(CALLBACK, last, Tries(2), Outside())
    assert error.exit_code is code
    assert error.message.startswith(f"callback sub/afterMigrate__x.sql:3 {message}")
    assert hint in error.hint
    assert (TRIED_AGAIN in error.hint) is (code is ExitCode.BUDGET)
    assert error.facts["given_up_for"]
    assert is_worth_retrying(last, 1, is_last=False)
    left = replace(last, left_behind=("x",))
    assert not is_worth_retrying(left, 1, is_last=False)
    partial = failure_of_callback(CALLBACK, left, Tries(2), Outside())
    assert partial.exit_code is ExitCode.PARTIAL
    assert "given up, as" in partial.message


def test_callback_that_ran_out_of_time_names_whom_it_waited_for() -> None:
    """The deadline may have come in a wait for a lock."""
    met = toll(None)._replace(is_waiting=True)
    last = replace(attempt("57014", AttemptEnd.OUT_OF_TIME), toll=met)
    error = failure_of_callback(CALLBACK, last, Tries(1), Outside())
    assert " PRESYNC_DEADLINE is used up, waiting for pid 7 (user app, web, " in error.message
    assert "_backend(7); Otherwise raise PRESYNC_DEADLINE, or do less" in error.hint


def test_callback_that_got_no_lock_names_who_had_it() -> None:
    """As far as somebody has seen it."""
    last = replace(attempt("55P03"), toll=toll(None))
    error = failure_of_callback(CALLBACK, last, Tries(2), Outside())
    assert "55P03 it is so (2 attempts); in the way: pid 7 (user app, web, " in error.message
    assert "SELECT pg_terminate_backend(7)" in error.hint
    assert error.facts["blockers"]


def test_withheld_attempts_at_a_callback_name_who_was_in_the_way() -> None:
    """Who it is now, and not whom the last attempt met."""
    blocker = failed(ExitCode.BLOCKED, "blocker-lock", "pid 9", "End it.", pid=9)
    error = failure_of_callback(CALLBACK, attempt("55P03"), Tries(1, 3, (blocker,)), Outside())
    assert error.exit_code is ExitCode.CONTENTION
    assert error.message.endswith(" (1 attempt, 3 more withheld); still in the way: pid 9")
    assert error.hint == "End it."
    assert (error.facts["withheld"], error.facts["still_in_the_way"]) == (3, [{"pid": 9}])


@pytest.mark.parametrize(
    "last", [attempt("57014", AttemptEnd.OUT_OF_TIME), attempt("57014"), attempt("55P03")]
)
def test_callback_whose_wait_nobody_could_look_at_says_so(last: Attempt) -> None:
    """That nobody is named is no sign that nobody was there."""
    unseen = toll(None)._replace(census=Census(unseen="too many clients"))
    error = failure_of_callback(CALLBACK, replace(last, toll=unseen), Tries(1), Outside())
    assert error.message == (
        f"{failure_of_callback(CALLBACK, last, Tries(1), Outside()).message}; whom it waited for"
        " could not be found out: too many clients"
    )


def test_callback_that_is_in_no_other_transaction_is_told_the_way_out_of_its_own() -> None:
    """Its ``.conf`` counts, as that of a script does."""
    last = replace(attempt("2D000"), place=Place(Moment.SCRIPT, 3, "CALL p()"))
    error = failure_of_callback(CALLBACK, last, Tries(1), Outside())
    assert error.hint == (
        "Put executeInTransaction=false into sub/afterMigrate__x.sql.conf, and nothing else into"
        " sub/afterMigrate__x.sql."
    )


@pytest.mark.parametrize(
    ("sqlstate", "advice"),
    [
        ("42883", "Correct the statement: SELECT 1"),
        ("53100", "Look after the server, which is short of something; the next run tries again."),
    ],
)
def test_hint_of_the_server_is_kept(sqlstate: str, advice: str) -> None:
    """Behind the statement to correct, unless nothing is wrong with that."""
    error = failure_of_callback(CALLBACK, attempt(sqlstate), Tries(1), Outside())
    assert error.hint == f"{advice} (Perhaps.)"


@pytest.mark.parametrize(
    ("last", "expected"),
    [
        (attempt("55P03"), True),
        (attempt("40P01"), True),
        (attempt("42883"), False),
        (attempt("25006"), False),
        (with_last_words(ENDED), True),
        (ENDED, False),
        (attempt("55P03", left=("x",)), False),
        (attempt(end=AttemptEnd.LOST), False),
        (attempt(end=AttemptEnd.UNDONE), True),
        (attempt("55P03", AttemptEnd.INTERRUPTED), False),
        (attempt(end=AttemptEnd.APPLIED), False),
    ],
)
def test_only_what_lost_and_left_nothing_is_tried_again(last: Attempt, expected: bool) -> None:  # noqa: FBT001 - a table of cases
    """And never behind the last rung of the ladder."""
    assert is_worth_retrying(last, 1, is_last=False) is expected
    assert not is_worth_retrying(last, 1, is_last=True)


@pytest.mark.parametrize(
    "last",
    [
        attempt(end=AttemptEnd.LOST),
        replace(ENDED, place=Place(Moment.COMMIT)),
        replace(ENDED, failure=ServerMessage("FATAL", "08P01", "query_timeout")),
        attempt("42883"),
    ],
    ids=["no word", "amid COMMIT", "of a pooler", "not lost"],
)
def test_only_the_last_words_of_the_server_tell_what_became_of_it(last: Attempt) -> None:
    """Behind a pooler that gives up, the server may work on; amid a COMMIT nobody knows."""
    assert with_last_words(last) is last


@pytest.mark.parametrize(
    ("last", "before", "after"),
    [
        (attempt(end=AttemptEnd.APPLIED), Progress.UNTOUCHED, Progress.COMMITTED),
        (attempt("42883"), Progress.UNTOUCHED, Progress.ROLLED_BACK),
        (with_last_words(ENDED), Progress.UNTOUCHED, Progress.ROLLED_BACK),
        (attempt("42883"), Progress.COMMITTED, Progress.COMMITTED),
        (attempt("42883", left=("x",)), Progress.COMMITTED, Progress.UNKNOWN),
        (attempt(end=AttemptEnd.LOST), Progress.UNTOUCHED, Progress.UNKNOWN),
        (
            replace(attempt(end=AttemptEnd.LOST), place=Place(Moment.UNSENT)),
            Progress.UNTOUCHED,
            Progress.UNTOUCHED,
        ),
    ],
)
def test_progress_says_what_is_known(last: Attempt, before: Progress, after: Progress) -> None:
    """What a callback before it has committed stays committed."""
    assert progress_after_callback(last, before) is after


def test_progress_of_migrations_and_callbacks_together() -> None:
    """What is unknown of one is unknown of the run; else the migrations are what is asked."""
    assert merged(Progress.ROLLED_BACK, Progress.COMMITTED) is Progress.ROLLED_BACK
    assert merged(Progress.UNTOUCHED, Progress.COMMITTED) is Progress.COMMITTED
    assert merged(Progress.COMMITTED, Progress.UNKNOWN) is Progress.UNKNOWN


def around(event: Event) -> Place:
    """Return the place of a failure in a callback of *event*."""
    return replace(PLACE, callback=Callback(event, "", f"{event}.sql", ""))


@pytest.mark.parametrize(
    ("place", "each"),
    [
        (PLACE, ["afterEachMigrateStatementError", "afterEachMigrateError"]),
        (around(Event.BEFORE_EACH_MIGRATE_STATEMENT), ["afterEachMigrateError"]),
        (around(Event.AFTER_EACH_MIGRATE_STATEMENT), ["afterEachMigrateError"]),
        (around(Event.BEFORE_EACH_MIGRATE), []),
        (around(Event.AFTER_EACH_MIGRATE), []),
        (Place(Moment.COMMIT), []),
        (None, []),
    ],
)
def test_events_after_a_failure(place: Place | None, each: list[str]) -> None:
    """As Flyway has them; the migration as a whole failed in any case."""
    assert events_after_failure(place) == (*each, "afterMigrateError")


def test_place_in_a_callback_names_the_migration_too() -> None:
    """Of the many that the callback runs around, one has failed."""
    told = around(Event.AFTER_EACH_MIGRATE).describe("V1__a.sql")
    assert told == "callback afterEachMigrate.sql:3 of V1__a.sql"
