"""Undo scripts: known, told of, and never run."""

from __future__ import annotations

from hook import bootstrap
from hook.commands import SHAPES
from hook.errors import ExitCode
from hook.render.info import info_object
from hook.render.report_json import report_object
from hook.settings.specification import SETTINGS
from tests.testbed.gate import Gate, deciding

FIRST = {"V1__t.sql": "CREATE TABLE t (id int)", "U1__drop_t.sql": "DROP TABLE t"}
SECOND = {"V2__u.sql": "CREATE TABLE u (id int)", "sub/U2.0__drop_u.sql": "SELEC"}


def test_undo_script_is_told_of_and_not_run(gate: Gate) -> None:
    """Not even its syntax matters."""
    assert gate.run(FIRST).exit_code is ExitCode.OK
    gate.release(SECOND)
    planned = bootstrap.plan(gate.settings, gate.context()).results[-1].findings
    assert [item.message for item in planned] == [
        "V2__u.sql: 1 statement in one transaction; sub/U2.0__drop_u.sql would undo it"
    ]
    report = gate.run()
    assert report.exit_code is ExitCode.OK
    told = report_object(report)["set"]
    assert isinstance(told, dict)
    assert told["undo"] == [
        {"version": "1", "script": "U1__drop_t.sql", "pending": False},
        {"version": "2.0", "script": "sub/U2.0__drop_u.sql", "pending": True},
    ]
    assert gate.database.query("SELECT to_regclass('t')::text, to_regclass('u')::text") == [
        ("t", "u")
    ]
    types = gate.database.query("SELECT type FROM flyway_schema_history ORDER BY installed_rank")
    assert types == [("SQL",), ("SQL",)]


def test_info_says_which_versions_can_be_undone(gate: Gate) -> None:
    """As Flyway does; a repeatable never can."""
    gate.run({**FIRST, "V3__w.sql": "SELECT 1", "R__v.sql": "SELECT 2"})
    gate.release(SECOND)
    shown = info_object(bootstrap.info(gate.settings, gate.context()))["migrations"]
    assert isinstance(shown, list)
    undoable = {entry["version"] or entry["description"]: entry["undoable"] for entry in shown}
    assert undoable == {"1": "Yes", "3": "No", "v": "", "2": "Yes"}


def test_two_undo_scripts_of_one_version_are_refused(gate: Gate) -> None:
    """Flyway's DUPLICATE_UNDO_MIGRATION."""
    finding = deciding(gate.run({**FIRST, "U1.0__other.sql": "SELECT 1"}))
    assert finding.code is ExitCode.BAD_SET
    assert finding.message.endswith("both are the undo script of version 1.0")


def test_nothing_to_type_undoes() -> None:
    """No command and no setting leads to an undo script but the one that names its prefix."""
    names = [shape.name for shape in SHAPES] + [setting.name for setting in SETTINGS]
    assert [name for name in names if "undo" in name] == ["undo_sql_migration_prefix"]
