"""What to do about a migration that the server refused and has rolled back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.core.execution.script_message import Moment
from hook.core.execution.sqlstate import ServerMessage, is_state_of_server
from hook.core.text import clip, one_line

if TYPE_CHECKING:
    from hook.core.execution.attempt import ApplyTask, Place
    from hook.core.scripts.callback import Callback
    from hook.core.scripts.script import Migration, ScriptFile

# The memory of failures compares scripts and history, and knows no limits: a raised one must do.
TRIED_AGAIN = "Until then each sync tries again, up to the same limit."
LOOK_AFTER_SERVER = "Look after the server, which is short of something; the next run tries again."
# A function that it calls may have done it, and another server that it writes to.
WRITES_ARE_TAKEN = (
    "The server takes writes: find what makes this transaction read-only (SET, BEGIN, set_config)"
    " or raises the error, in the script, its callbacks or what they call, and take it out."
)
_INSUFFICIENT_PRIVILEGE = "42501"
# The class "integrity constraint violation": the statement met rows that do not fit.
_CONSTRAINT = "23"
# Of these the detail is a whole row: log and report have it, a message does not need it.
_ROW_IS_DETAIL = frozenset({"23502", "23514"})
_DETAIL_LENGTH = 200
# active_sql_transaction and invalid_transaction_termination
_REFUSES_TRANSACTION = frozenset({"25001", "2D000"})
# Whether they do, the catalog says: of partitioned relations, and of procedures that commit.
_MAY_REFUSE = frozenset({"CALL", "CLUSTER", "DO", "REINDEX"})
# By undefined_object and undefined_table: what the server says where it is done already.
_DONE_ALREADY = {
    "42704": (
        "DROP INDEX CONCURRENTLY",
        "; where a run that was cut off may have dropped the index, write IF EXISTS",
    ),
    "42P01": (
        "DETACH PARTITION",
        (
            "; if a run that was cut off has detached the partition, record the script with"
            " FLYWAY_SKIP_EXECUTING_MIGRATIONS=true"
        ),
    ),
}


def advise(failure: ServerMessage, place: Place, task: ApplyTask, row: str) -> str:
    """Return the next step after *failure* at *place*.

    Args:
        failure: What the server adds to its message is added here.
        place: Where in the attempt.
        task: The migration.
        row: Name of its row in the schema history.
    """
    history = task.history
    if place.moment is Moment.RECORDING and failure.sqlstate == _INSUFFICIENT_PRIVILEGE:
        return f"Grant INSERT on {history.schema}.{history.table} to the role that migrates."
    if place.callback is None:
        way_out = way_out_of_transaction(failure, place, task.migration)
    else:
        way_out = _way_out_of_migration(failure, place, place.callback, task.migration)
    return way_out or with_remarks(_correction(failure, place, row), failure)


def way_out_of_transaction(failure: ServerMessage, place: Place, file: ScriptFile) -> str:
    """Return how the statement at *place* in *file* gets out of the transaction of that file.

    Empty if *failure* is not that it refuses one, or the file has none.
    """
    if not _refuses_transaction(place, failure) or file.in_transaction is False:
        return ""
    name = file.script
    return f"Put executeInTransaction=false into {name}.conf, and nothing else into {name}."


def _way_out_of_migration(
    failure: ServerMessage, place: Place, callback: Callback, migration: Migration
) -> str:
    """Return the same for a callback within *migration*, whose transaction it is."""
    if not way_out_of_transaction(failure, place, migration):
        return ""
    return (
        "Move it into a script, or into a callback such as afterMigrate.sql, with"
        f" executeInTransaction=false in its .conf: {callback.script} runs in the transaction of"
        " the migration, whatever its own .conf says."
    )


def correct_statement(statement: str, failure: ServerMessage) -> str:
    """Return what is to be corrected so that *statement* does not fail as it did."""
    if failure.by_script:
        return WRITES_ARE_TAKEN
    if is_state_of_server(failure):
        return LOOK_AFTER_SERVER
    if failure.sqlstate == _INSUFFICIENT_PRIVILEGE:
        return f"Give the role that migrates this right, or correct the statement: {statement}"
    if failure.sqlstate.startswith(_CONSTRAINT):
        return f"Correct the rows that it meets, or the statement: {statement}"
    return f"Correct the statement: {statement}"


def with_remarks(advice: str, failure: ServerMessage) -> str:
    """Return *advice* with what the server adds to its message: a key, objects, a hint."""
    detail = "" if failure.sqlstate in _ROW_IS_DETAIL else one_line(failure.detail)
    if detail and not detail.endswith("."):
        detail += "."  # of dependent objects it is a list
    remarks = " ".join(filter(None, (clip(detail, _DETAIL_LENGTH), failure.hint)))
    return f"{advice} ({remarks})" if remarks else advice


def _correction(failure: ServerMessage, place: Place, row: str) -> str:
    if failure.by_script:
        return WRITES_ARE_TAKEN
    if is_state_of_server(failure):
        return LOOK_AFTER_SERVER
    return {
        Moment.CLEARING: "Drop the index by hand with DROP INDEX CONCURRENTLY.",
        Moment.NOTING: "See why the ledger cannot be written; it takes SELECT, INSERT and UPDATE.",
        Moment.FINISHING: "Finish it by hand with ALTER TABLE … DETACH PARTITION … FINALIZE.",
        Moment.SCRIPT: correct_statement(place.statement, failure) + _if_done(failure, place),
        Moment.COMMIT: "Correct the data that the deferred constraint checks, or the constraint.",
        Moment.RECORDING: f"Find out what is wrong with {row}.",
        Moment.CONFIRMING: f"Find the trigger, rule or policy that keeps {row} away.",
    }.get(place.moment, "Correct the script: the server took none of it.")


def _if_done(failure: ServerMessage, place: Place) -> str:
    command, advice = _DONE_ALREADY.get(failure.sqlstate, ("", ""))
    return advice if command in place.statement.upper() else ""


def _refuses_transaction(place: Place, failure: ServerMessage) -> bool:
    head = place.statement.partition(" ")[0].upper()
    return (
        place.moment is Moment.SCRIPT
        and failure.sqlstate in _REFUSES_TRANSACTION
        and head in _MAY_REFUSE
    )
