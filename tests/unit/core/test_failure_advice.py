"""What to do about a failure, by what failed where."""

from __future__ import annotations

import pytest

from hook.core.attempt import Place
from hook.core.failure_advice import advise
from hook.core.history import History
from hook.core.script_message import Moment
from hook.core.sqlstate import ServerMessage

HISTORY = History("app", "flyway_schema_history", exists=True)
ROW = "row 7 of app.flyway_schema_history"


def advice(sqlstate: str, moment: Moment = Moment.SCRIPT) -> str:
    """Return the advice on an error of which the server thinks something itself."""
    failure = ServerMessage("ERROR", sqlstate, "it is so", hint="Perhaps not.")
    return advise(failure, Place(moment, 17, "ALTER TABLE t"), HISTORY, ROW)


@pytest.mark.parametrize(
    ("moment", "told"),
    [
        (Moment.SCRIPT, "Correct the statement: ALTER TABLE t"),
        (Moment.CLEARING, "Drop the index by hand with DROP INDEX CONCURRENTLY."),
        (Moment.RECORDING, f"Find out what is wrong with {ROW}."),
        (Moment.CONFIRMING, f"Find the trigger, rule or policy that keeps {ROW} away."),
        (Moment.OPENING, "Correct the script: the server took none of it."),
    ],
)
def test_place_decides_what_to_correct(moment: Moment, told: str) -> None:
    """And what the server thinks of it is added."""
    assert advice("42703", moment) == f"{told} (Perhaps not.)"


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
