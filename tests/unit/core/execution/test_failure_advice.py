"""What to do about a failure, by what failed where."""

from __future__ import annotations

import pytest

from hook.core.execution.attempt import ApplyTask, Limits, Place
from hook.core.execution.failure_advice import advise, with_remarks
from hook.core.execution.script_message import Moment
from hook.core.execution.sqlstate import ServerMessage
from hook.core.schema_history.history import History
from hook.core.scripts.callback import Callback
from tests.testbed.release import SERVER, migration

HISTORY = History("app", "flyway_schema_history", exists=True)
TASK = ApplyTask(migration("V5__add_email.sql"), HISTORY, 7, SERVER, Limits(100, 1000, 60))
CALLBACK = Callback("afterEachMigrate", "", "afterEachMigrate.sql", "")
ROW = "row 7 of app.flyway_schema_history"


def advice(
    sqlstate: str,
    moment: Moment = Moment.SCRIPT,
    statement: str = "ALTER TABLE t",
    callback: Callback | None = None,
) -> str:
    """Return the advice on an error of which the server thinks something itself."""
    failure = ServerMessage("ERROR", sqlstate, "it is so", hint="Perhaps not.")
    return advise(failure, Place(moment, 17, statement, callback), TASK, ROW)


WAY_OUT = (
    "Put executeInTransaction=false into V5__add_email.sql.conf, and nothing else into"
    " V5__add_email.sql."
)


@pytest.mark.parametrize(
    ("sqlstate", "in_transaction", "told"),
    [
        ("2D000", None, WAY_OUT),
        ("25001", True, WAY_OUT),
        ("2D000", False, "Correct the statement: CALL p()"),
    ],
)
def test_way_out_of_a_transaction_is_told_to_who_is_in_one(
    sqlstate: str, told: str, *, in_transaction: bool | None
) -> None:
    """A script without transaction has taken it already, and it was no use."""
    task = TASK._replace(migration=TASK.migration._replace(in_transaction=in_transaction))
    place = Place(Moment.SCRIPT, 17, "CALL p()")
    assert advise(ServerMessage("ERROR", sqlstate, "no"), place, task, ROW).startswith(told)


@pytest.mark.parametrize(
    ("in_transaction", "told"),
    [
        (None, "Move it into a script, or into a callback such as afterMigrate.sql"),
        (False, "Correct the statement: CALL p()"),
    ],
)
def test_callback_within_a_migration_is_told_that_its_conf_is_no_way_out(
    told: str, *, in_transaction: bool | None
) -> None:
    """As in Flyway it is in the transaction of the migration, if that has one."""
    task = TASK._replace(migration=TASK.migration._replace(in_transaction=in_transaction))
    place = Place(Moment.SCRIPT, 1, "CALL p()", CALLBACK)
    assert advise(ServerMessage("ERROR", "2D000", "no"), place, task, ROW).startswith(told)


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        (Moment.SCRIPT, "Correct the statement: ALTER TABLE t"),
        (Moment.CLEARING, "Drop the index by hand with DROP INDEX CONCURRENTLY."),
        (
            Moment.FINISHING,
            "Finish it by hand with ALTER TABLE … DETACH PARTITION … FINALIZE.",
        ),
        (Moment.RECORDING, f"Find out what is wrong with {ROW}."),
        (Moment.CONFIRMING, f"Find the trigger, rule or policy that keeps {ROW} away."),
        (Moment.OPENING, "Correct the script: the server took none of it."),
    ],
)
def test_place_decides_what_to_correct(moment: Moment, told: str) -> None:
    """And what the server thinks of it is added."""
    assert advice("42703", moment) == f"{told} (Perhaps not.)"


@pytest.mark.parametrize("moment", [Moment.SCRIPT, Moment.RECORDING])
def test_script_that_forbids_itself_to_write_is_not_told_of_the_server(moment: Moment) -> None:
    """Whatever it was that could not be written, that is not to be corrected."""
    failure = ServerMessage("ERROR", "25006", "it is so", by_script=True)
    told = advise(failure, Place(moment, 17, "CREATE TABLE t ()"), TASK, ROW)
    assert told.startswith("The server takes writes: find what makes this transaction read-only")


@pytest.mark.parametrize(
    ("sqlstate", "statement", "told"),
    [
        (
            "42704",
            "drop index concurrently i",
            "; where a run that was cut off may have dropped the index, write IF EXISTS",
        ),
        (
            "42P01",
            "ALTER TABLE p DETACH PARTITION c CONCURRENTLY",
            (
                "; if a run that was cut off has detached the partition, record the script with"
                " FLYWAY_SKIP_EXECUTING_MIGRATIONS=true"
            ),
        ),
        ("42704", "DROP INDEX i", ""),
        ("42P01", "DROP INDEX CONCURRENTLY i", ""),
    ],
)
def test_what_may_be_done_already_is_told(sqlstate: str, statement: str, told: str) -> None:
    """Where nobody kept a record, the server's answer is the same as to a wrong name."""
    assert advice(sqlstate, statement=statement) == (
        f"Correct the statement: {statement}{told} (Perhaps not.)"
    )


def test_missing_right_has_its_remedy() -> None:
    """Nothing that the server may add says more."""
    told = "Grant INSERT on app.flyway_schema_history to the role that migrates."
    assert advice("42501", Moment.RECORDING) == told


@pytest.mark.parametrize("moment", [Moment.SCRIPT, Moment.RECORDING])
def test_server_that_is_short_of_something_is_to_be_looked_after(moment: Moment) -> None:
    """Nothing is wrong with the script, wherever it was."""
    assert advice("53100", moment) == (
        "Look after the server, which is short of something; the next run tries again."
        " (Perhaps not.)"
    )


@pytest.mark.parametrize(
    ("sqlstate", "told"),
    [
        (
            "42501",
            "Give the role that migrates this right, or correct the statement: ALTER TABLE t",
        ),
        ("23503", "Correct the rows that it meets, or the statement: ALTER TABLE t"),
    ],
)
def test_statement_is_not_blamed_for_what_it_meets(sqlstate: str, told: str) -> None:
    """A right may be missing, or rows may not fit."""
    assert advice(sqlstate) == f"{told} (Perhaps not.)"


def test_detail_of_the_server_is_told() -> None:
    """Which key there is twice, which objects depend on another: on one line, with an end."""
    failure = ServerMessage("ERROR", "2BP01", "it is so", "view v depends on\nit" + "!" * 200)
    told = with_remarks("Correct it", failure)
    assert told.startswith("Correct it (view v depends on\\nit!!")
    assert told.endswith("!…)")
    assert len(told) == len("Correct it ()") + 200


@pytest.mark.parametrize("sqlstate", ["23502", "23514"])
def test_whole_row_is_not_told(sqlstate: str) -> None:
    """What is in it is nobody's business who only reads why the rollout stopped."""
    failure = ServerMessage("ERROR", sqlstate, "it is so", "Failing row contains (1, x).")
    assert with_remarks("Correct it", failure) == "Correct it"


@pytest.mark.parametrize("statement", ["REINDEX TABLE p", "cluster p USING i", "CALL p()", "DO $$"])
@pytest.mark.parametrize("sqlstate", ["25001", "2D000"])
def test_what_only_the_catalog_knows_to_refuse_a_transaction_is_told(
    statement: str, sqlstate: str
) -> None:
    """The words of the statement did not tell; the way out is a line in its .conf."""
    assert advice(sqlstate, statement=statement) == WAY_OUT


def test_transaction_that_came_too_late_is_another_mistake() -> None:
    """SET TRANSACTION behind a query has the same SQLSTATE."""
    assert advice("25001", statement="SET TRANSACTION READ ONLY").startswith(
        "Correct the statement"
    )
