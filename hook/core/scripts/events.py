"""The events at which callbacks run, and those at which none ever does.

Names and moments are Flyway's. What Flyway 10.22 and 13.0 do at each of them was
measured with real Flyway; `tests/interop/scenarios` holds the order of the events.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple

from hook.core.scripts.callback import Callback


class Event(StrEnum):
    """A moment of a command."""

    AFTER_CONNECT = "afterConnect"
    BEFORE_VALIDATE = "beforeValidate"
    AFTER_VALIDATE = "afterValidate"
    AFTER_VALIDATE_ERROR = "afterValidateError"
    CREATE_SCHEMA = "createSchema"
    BEFORE_CREATE_SCHEMA = "beforeCreateSchema"
    BEFORE_BASELINE = "beforeBaseline"
    AFTER_BASELINE = "afterBaseline"
    AFTER_BASELINE_ERROR = "afterBaselineError"
    BEFORE_MIGRATE = "beforeMigrate"
    BEFORE_EACH_MIGRATE = "beforeEachMigrate"
    BEFORE_EACH_MIGRATE_STATEMENT = "beforeEachMigrateStatement"
    AFTER_EACH_MIGRATE_STATEMENT = "afterEachMigrateStatement"
    AFTER_EACH_MIGRATE_STATEMENT_ERROR = "afterEachMigrateStatementError"
    AFTER_EACH_MIGRATE = "afterEachMigrate"
    AFTER_EACH_MIGRATE_ERROR = "afterEachMigrateError"
    AFTER_VERSIONED = "afterVersioned"
    BEFORE_REPEATABLES = "beforeRepeatables"
    AFTER_MIGRATE_APPLIED = "afterMigrateApplied"
    AFTER_MIGRATE = "afterMigrate"
    AFTER_MIGRATE_ERROR = "afterMigrateError"
    AFTER_MIGRATE_OPERATION_FINISH = "afterMigrateOperationFinish"
    BEFORE_REPAIR = "beforeRepair"
    AFTER_REPAIR = "afterRepair"
    AFTER_REPAIR_ERROR = "afterRepairError"
    BEFORE_INFO = "beforeInfo"
    AFTER_INFO = "afterInfo"
    AFTER_INFO_ERROR = "afterInfoError"
    AFTER_INFO_OPERATION_FINISH = "afterInfoOperationFinish"


VALIDATION = (Event.BEFORE_VALIDATE, Event.AFTER_VALIDATE, Event.AFTER_VALIDATE_ERROR)
_SCHEMAS = (Event.CREATE_SCHEMA, Event.BEFORE_CREATE_SCHEMA)
_BASELINE = (Event.BEFORE_BASELINE, Event.AFTER_BASELINE, Event.AFTER_BASELINE_ERROR)
_INFO = (
    Event.BEFORE_INFO,
    Event.AFTER_INFO,
    Event.AFTER_INFO_ERROR,
    Event.AFTER_INFO_OPERATION_FINISH,
)
_REPAIR = (Event.BEFORE_REPAIR, Event.AFTER_REPAIR, Event.AFTER_REPAIR_ERROR)
_MIGRATE = frozenset(Event) - {*_INFO, *_REPAIR}

EVENTS_OF_COMMAND: Mapping[str, frozenset[Event]] = {
    "run": _MIGRATE,
    "lint": frozenset(Event),
    "info": frozenset({Event.AFTER_CONNECT, *_INFO}),
    "validate": frozenset({Event.AFTER_CONNECT, *VALIDATION}),
    "repair": frozenset({Event.AFTER_CONNECT, *_REPAIR}),
    "baseline": frozenset({Event.AFTER_CONNECT, *_SCHEMAS, *_BASELINE}),
}


class Around(NamedTuple):
    """The events in front of an edit of the schema history, and behind it."""

    before: tuple[Event, ...]
    after: Event
    error: Event


AROUND_REPAIR = Around(
    (Event.AFTER_CONNECT, Event.BEFORE_REPAIR), Event.AFTER_REPAIR, Event.AFTER_REPAIR_ERROR
)
AROUND_BASELINE = Around(
    (Event.AFTER_CONNECT, Event.BEFORE_BASELINE), Event.AFTER_BASELINE, Event.AFTER_BASELINE_ERROR
)
AROUND_BASELINE_AND_SCHEMAS = AROUND_BASELINE._replace(
    before=(Event.AFTER_CONNECT, *_SCHEMAS, Event.BEFORE_BASELINE)
)

# Run in the transaction of a migration, on its connection.
EACH_EVENTS = frozenset(
    {
        Event.BEFORE_EACH_MIGRATE,
        Event.BEFORE_EACH_MIGRATE_STATEMENT,
        Event.AFTER_EACH_MIGRATE_STATEMENT,
        Event.AFTER_EACH_MIGRATE,
    }
)
# Of these Flyway opens a connection for each, or uses that of the migration; the others
# share one.
ALONE_EVENTS = frozenset(
    {
        Event.BEFORE_MIGRATE,
        Event.AFTER_EACH_MIGRATE_STATEMENT_ERROR,
        Event.AFTER_EACH_MIGRATE_ERROR,
        Event.AFTER_VERSIONED,
        Event.BEFORE_REPEATABLES,
        Event.AFTER_MIGRATE_APPLIED,
        Event.AFTER_MIGRATE,
        Event.AFTER_MIGRATE_ERROR,
        Event.AFTER_MIGRATE_OPERATION_FINISH,
        Event.AFTER_INFO_OPERATION_FINISH,
    }
)

# These run when something has failed.
ERROR_EVENTS = frozenset(event for event in Event if event.endswith("Error"))

_NO_FINISH = "Flyway itself never gets there with a file"
_NEVER = {
    "beforeConnect": "before there is a connection, no SQL can be run",
    "afterUndoOperationFinish": _NO_FINISH,
    "afterCleanOperationFinish": _NO_FINISH,
    "afterValidateOperationFinish": _NO_FINISH,
    "afterBaselineOperationFinish": _NO_FINISH,
    "afterRepairOperationFinish": _NO_FINISH,
}
_NO_COMMAND = ("Undo", "Clean", "Deploy")


def events_in_front(*, validates: bool, creates_schemas: bool) -> tuple[Event, ...]:
    """Return the events of a run that come before its schema history is created, in order.

    Args:
        validates: The history is there, and is validated.
        creates_schemas: Schemas that are missing are created.
    """
    validation = (Event.BEFORE_VALIDATE, Event.AFTER_VALIDATE) if validates else ()
    return (Event.AFTER_CONNECT, *validation, *(_SCHEMAS if creates_schemas else ()))


def never_fired_because(event: str) -> str:
    """Return why no command ever comes to *event*; empty when one does."""
    if event in _NEVER:
        return _NEVER[event]
    missing = next((word for word in _NO_COMMAND if word in event), "")
    return f"there is no command {missing.lower()}" if missing else ""


def callbacks_of_command(command: str, callbacks: Iterable[Callback]) -> tuple[Callback, ...]:
    """Return those of *callbacks* that *command* may run, in their order."""
    events = EVENTS_OF_COMMAND.get(command, frozenset())
    return tuple(item for item in callbacks if item.event in events)
