"""What it means for a callback that its connection was lost."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hook.core.execution.attempt import Attempt, AttemptEnd, Place
from hook.core.execution.callback_failure import (
    after_fate,
    before_it_began,
    failure_of_callback,
    progress_after_callback,
)
from hook.core.execution.contended import Tries
from hook.core.execution.outside import Outside
from hook.core.execution.progress import Progress
from hook.core.execution.script_message import Moment
from hook.core.execution.transaction_fate import Fate
from hook.core.scripts.callback import Callback
from hook.errors import ExitCode

CALLBACK = Callback("afterMigrate", "x", "sub/afterMigrate__x.sql", "")
LOST = Attempt(AttemptEnd.LOST, 1, Place(Moment.SCRIPT, 3, "SELECT 1"))


@pytest.mark.parametrize(
    ("fate", "end", "progress"),
    [
        (Fate.COMMITTED, AttemptEnd.APPLIED, Progress.COMMITTED),
        (Fate.ROLLED_BACK, AttemptEnd.UNDONE, Progress.ROLLED_BACK),
        (Fate.UNKNOWN, AttemptEnd.LOST, Progress.UNKNOWN),
    ],
)
def test_fate_of_the_transaction_is_that_of_the_callback(
    fate: Fate, end: AttemptEnd, progress: Progress
) -> None:
    """Without one nothing is known."""
    found = after_fate(LOST, fate)
    assert found.end is end
    assert progress_after_callback(found, Progress.UNTOUCHED) is progress


def test_connection_lost_in_front_of_a_callback_undoes_nothing() -> None:
    """So that it may simply begin."""
    found = before_it_began(LOST)
    assert (found.end, found.place.moment) == (AttemptEnd.UNDONE, Moment.UNSENT)
    assert progress_after_callback(found, Progress.UNTOUCHED) is Progress.UNTOUCHED
    refused = replace(LOST, end=AttemptEnd.FAILED)
    assert before_it_began(refused) is refused


def test_callback_that_is_undone_time_and_again_says_what_it_lost() -> None:
    """Nothing of it is left, so that it may run again."""
    error = failure_of_callback(CALLBACK, replace(LOST, end=AttemptEnd.UNDONE), Tries(3), Outside())
    assert error.exit_code is ExitCode.UNREACHABLE
    assert error.message == "callback sub/afterMigrate__x.sql: connection lost (3 attempts)"
