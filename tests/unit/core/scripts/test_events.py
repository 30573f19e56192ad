"""The events of Flyway: which command comes to which."""

from __future__ import annotations

import pytest

from hook.core.scripts.callback import CALLBACK_EVENTS, Callback
from hook.core.scripts.events import (
    EVENTS_OF_COMMAND,
    Event,
    callbacks_of_command,
    events_in_front,
    never_fired_because,
)


def test_events_are_those_that_flyway_names() -> None:
    """flyway.md, 3.7: a pattern for each command, and a few events of no pattern."""
    commands = ("Clean", "Migrate", "Undo", "Validate", "Baseline", "Repair", "Info")
    around = {
        event
        for name in commands
        for event in (f"before{name}", f"after{name}", f"after{name}Error")
    }
    finished = {f"after{name}OperationFinish" for name in commands}
    each = {
        f"{moment}{suffix}"
        for name in ("Migrate", "Undo")
        for moment, suffixes in (
            (f"beforeEach{name}", ("", "Statement")),
            (f"afterEach{name}", ("", "Error", "Statement", "StatementError")),
        )
        for suffix in suffixes
    }
    others = {
        *("createSchema", "beforeCreateSchema", "beforeConnect", "afterConnect"),
        *("beforeRepeatables", "afterVersioned", "afterMigrateApplied"),
        *("beforeDeploy", "afterDeploy"),
    }
    assert around | finished | each | others == CALLBACK_EVENTS


def test_every_event_is_fired_or_told_why_not() -> None:
    """A callback whose file is recognised is never passed over in silence."""
    fired = {event for event in CALLBACK_EVENTS if not never_fired_because(event)}
    assert fired == set(Event)
    assert set().union(*EVENTS_OF_COMMAND.values()) == set(Event)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("beforeEachUndoStatement", "there is no command undo"),
        ("afterClean", "there is no command clean"),
        ("beforeDeploy", "there is no command deploy"),
        ("beforeConnect", "before there is a connection, no SQL can be run"),
        ("afterRepairOperationFinish", "Flyway itself never gets there with a file"),
    ],
)
def test_event_that_no_command_comes_to_has_a_reason(event: str, reason: str) -> None:
    """The reason is for the reader of a note."""
    assert never_fired_because(event) == reason


def test_callbacks_of_a_command_keep_their_order() -> None:
    """Those of other commands are left out."""
    events = ["beforeInfo", "beforeMigrate", "afterConnect", "beforeClean"]
    callbacks = [Callback(event, "", f"{event}.sql", "") for event in events]
    found = callbacks_of_command("run", callbacks)
    assert [item.event for item in found] == ["beforeMigrate", "afterConnect"]
    assert callbacks_of_command("verify", callbacks) == ()


def test_events_in_front_are_in_flyways_order() -> None:
    """Validation and schemas have none where they have no part in the run."""
    connect, validate, after = Event.AFTER_CONNECT, Event.BEFORE_VALIDATE, Event.AFTER_VALIDATE
    schemas = (Event.CREATE_SCHEMA, Event.BEFORE_CREATE_SCHEMA)
    assert events_in_front(validates=True, creates_schemas=True) == (
        connect, validate, after, *schemas,
    )  # fmt: skip
    assert events_in_front(validates=False, creates_schemas=False) == (connect,)
