"""What to do about a migration that the server refused and has rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.core.execution.script_message import Moment
from hook.core.execution.sqlstate import ServerMessage, is_state_of_server

if TYPE_CHECKING:
    from hook.core.execution.attempt import ApplyTask, Place

LOOK_AFTER_SERVER = "Look after the server, which is short of something; the next run tries again."
_INSUFFICIENT_PRIVILEGE = "42501"
# active_sql_transaction and invalid_transaction_termination
_REFUSES_TRANSACTION = frozenset({"25001", "2D000"})
# Whether they do, the catalog says: of partitioned relations, and of procedures that commit.
_MAY_REFUSE = frozenset({"CALL", "CLUSTER", "DO", "REINDEX"})


def advise(failure: ServerMessage, place: Place, task: ApplyTask, row: str) -> str:
    """Return the next step after *failure* at *place*.

    Args:
        failure: The server's own hint is added, if it has one.
        place: Where in the attempt.
        task: The migration.
        row: Name of its row in the schema history.
    """
    history = task.history
    if place.moment is Moment.RECORDING and failure.sqlstate == _INSUFFICIENT_PRIVILEGE:
        return f"Grant INSERT on {history.schema}.{history.table} to the role that migrates."
    if _refuses_transaction(place, failure):
        file = task.migration.script if place.callback is None else place.callback.script
        return f"Put executeInTransaction=false into {file}.conf, and nothing else into {file}."
    advice = _correction(failure, place, row)
    return f"{advice} ({failure.hint})" if failure.hint else advice


def _correction(failure: ServerMessage, place: Place, row: str) -> str:
    if is_state_of_server(failure):
        return LOOK_AFTER_SERVER
    return {
        Moment.CLEARING: "Drop the index by hand with DROP INDEX CONCURRENTLY.",
        Moment.FINISHING: "Finish it by hand with ALTER TABLE … DETACH PARTITION … FINALIZE.",
        Moment.SCRIPT: f"Correct the statement: {place.statement}",
        Moment.COMMIT: "Correct the data that the deferred constraint checks, or the constraint.",
        Moment.RECORDING: f"Find out what is wrong with {row}.",
        Moment.CONFIRMING: f"Find the trigger, rule or policy that keeps {row} away.",
    }.get(place.moment, "Correct the script: the server took none of it.")


def _refuses_transaction(place: Place, failure: ServerMessage) -> bool:
    head = place.statement.partition(" ")[0].upper()
    return (
        place.moment is Moment.SCRIPT
        and failure.sqlstate in _REFUSES_TRANSACTION
        and head in _MAY_REFUSE
    )
