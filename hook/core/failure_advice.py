"""What to do about a migration that the server refused and has rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.core.script_message import Moment
from hook.core.sqlstate import ServerMessage, is_state_of_server

if TYPE_CHECKING:
    from hook.core.attempt import Place
    from hook.core.history import History

_INSUFFICIENT_PRIVILEGE = "42501"


def advise(failure: ServerMessage, place: Place, history: History, row: str) -> str:
    """Return the next step after *failure* at *place*.

    Args:
        failure: The server's own hint is added, if it has one.
        place: Where in the attempt.
        history: The schema history.
        row: Name of the migration's row in it.
    """
    if place.moment is Moment.RECORDING and failure.sqlstate == _INSUFFICIENT_PRIVILEGE:
        return f"Grant INSERT on {history.schema}.{history.table} to the role that migrates."
    if is_state_of_server(failure):
        advice = "Look after the server, which is short of something; the next run tries again."
    else:
        advice = {
            Moment.CLEARING: "Drop the index by hand with DROP INDEX CONCURRENTLY.",
            Moment.SCRIPT: f"Correct the statement: {place.statement}",
            Moment.COMMIT: (
                "Correct the data that the deferred constraint checks, or the constraint."
            ),
            Moment.RECORDING: f"Find out what is wrong with {row}.",
            Moment.CONFIRMING: f"Find the trigger, rule or policy that keeps {row} away.",
        }.get(place.moment, "Correct the script: the server took none of it.")
    return f"{advice} ({failure.hint})" if failure.hint else advice
