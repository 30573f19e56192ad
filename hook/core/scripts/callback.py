"""Callbacks: scripts that run at an event of a command, as their file names say."""

from __future__ import annotations

from typing import NamedTuple

CALLBACK_EVENTS = frozenset(
    [
        "beforeMigrate",
        "beforeEachMigrate",
        "beforeEachMigrateStatement",
        "afterEachMigrateStatement",
        "afterEachMigrateStatementError",
        "afterEachMigrate",
        "afterEachMigrateError",
        "beforeRepeatables",
        "afterVersioned",
        "afterMigrateApplied",
        "afterMigrate",
        "afterMigrateError",
        "afterMigrateOperationFinish",
        "beforeUndo",
        "beforeEachUndo",
        "beforeEachUndoStatement",
        "afterEachUndoStatement",
        "afterEachUndoStatementError",
        "afterEachUndo",
        "afterEachUndoError",
        "afterUndo",
        "afterUndoError",
        "afterUndoOperationFinish",
        "beforeClean",
        "afterClean",
        "afterCleanError",
        "afterCleanOperationFinish",
        "beforeValidate",
        "afterValidate",
        "afterValidateError",
        "afterValidateOperationFinish",
        "beforeBaseline",
        "afterBaseline",
        "afterBaselineError",
        "afterBaselineOperationFinish",
        "beforeRepair",
        "afterRepair",
        "afterRepairError",
        "afterRepairOperationFinish",
        "beforeInfo",
        "afterInfo",
        "afterInfoError",
        "afterInfoOperationFinish",
        "createSchema",
        "beforeCreateSchema",
        "beforeConnect",
        "afterConnect",
        "beforeDeploy",
        "afterDeploy",
    ]
)


class Callback(NamedTuple):
    """A callback as found in a location. The text is not kept.

    Attributes:
        event: Flyway's name of the moment at which it runs, see `hook.core.scripts.events`.
        description: Sets the order among those of one event; empty goes first.
        script: Path below the location, with ``/``.
        path: Absolute path.
        content_hash: SHA-256 of the file, hex.
        in_transaction: What its ``.conf`` demands, none to detect it.
        encoding: How to read the file.
        replaces_placeholders: Whether placeholders are replaced in it.
    """

    event: str
    description: str
    script: str
    path: str
    content_hash: str = ""
    in_transaction: bool | None = None
    encoding: str = "utf-8"
    replaces_placeholders: bool = True
