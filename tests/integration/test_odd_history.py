"""Schema histories that are not as Flyway makes them: used, or refused by name, never misread."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hook import bootstrap
from hook.core.reporting.report import Report
from hook.errors import ExitCode
from hook.settings import Settings
from hook.stages import Context
from tests.testbed.database import Role
from tests.testbed.gate import Gate, deciding, settings_for
from tests.testbed.run_context import target_of

TABLE = "public.flyway_schema_history"
ALTER = f"ALTER TABLE {TABLE}"
OTHER_COLUMNS = (ExitCode.CONFIG, "has not the columns of a schema history")
FORCED = f"{ALTER} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY"
GUARDED = "may hide rows from the migrating role, or refuse them, by row-level security"
FUNCTION = "CREATE FUNCTION f() RETURNS {} LANGUAGE plpgsql AS $$ BEGIN {}; END $$;"
TRIGGER = f"CREATE TRIGGER x BEFORE INSERT ON {TABLE} FOR EACH ROW EXECUTE FUNCTION f()"
LOOKS: tuple[Callable[[Settings, Context], Report], ...] = (
    bootstrap.info,
    bootstrap.validate,
    bootstrap.verify,
)

USABLE = {
    "wider numbers": f"{ALTER} ALTER checksum TYPE bigint, ALTER installed_rank TYPE bigint",
    "checksum as text": f"{ALTER} ALTER checksum TYPE text",
    "version as number": f"{ALTER} ALTER version TYPE numeric USING version::numeric",
    "time with zone": f"{ALTER} ALTER installed_on TYPE timestamptz",
    "time as text": f"{ALTER} ALTER installed_on TYPE text",
    "no time": f"{ALTER} ALTER installed_on DROP NOT NULL; UPDATE {TABLE} SET installed_on = NULL",
    "no duration": f"{ALTER} ALTER execution_time DROP NOT NULL;"
    f" UPDATE {TABLE} SET execution_time = NULL",
    "no checksum": f"UPDATE {TABLE} SET checksum = NULL",
    "further column": f"{ALTER} ADD ticket text",
    "negative rank": f"INSERT INTO {TABLE} SELECT -7, '9', 'x', 'SQL', 'x', 1, 'j', now(), 0, true",
    "unlogged": f"{ALTER} SET UNLOGGED",
}
REFUSED = {
    "column missing": (f"{ALTER} DROP COLUMN checksum", *OTHER_COLUMNS),
    "rank as text": (f"{ALTER} ALTER installed_rank TYPE text", *OTHER_COLUMNS),
    "checksum that is none": (f"{ALTER} ALTER checksum TYPE text USING 'none'", *OTHER_COLUMNS),
    "checksum out of range": (
        f"{ALTER} ALTER checksum TYPE bigint USING 1::bigint << 40",
        *OTHER_COLUMNS,
    ),
    "checksum as JSON": (f"{ALTER} ALTER checksum TYPE json USING '1'", *OTHER_COLUMNS),
    "success in words": (
        f"DROP INDEX {TABLE}_s_idx; {ALTER} ALTER success TYPE text USING 'maybe'",
        *OTHER_COLUMNS,
    ),
    "time in words": (f"{ALTER} ALTER installed_on TYPE text USING 'a while ago'", *OTHER_COLUMNS),
    "hidden rows": (
        FORCED,
        ExitCode.CONFIG,
        GUARDED,
    ),
    "hidden rows of somebody else's": (
        f"{ALTER} OWNER TO postgres, ENABLE ROW LEVEL SECURITY; GRANT ALL ON {TABLE} TO PUBLIC",
        ExitCode.CONFIG,
        GUARDED,
    ),
    "rows that may be read and not be written": (
        f"{FORCED}; CREATE POLICY p ON {TABLE} FOR SELECT USING (true)",
        ExitCode.CONFIG,
        GUARDED,
    ),
    "no success": (
        f"{ALTER} ALTER success DROP NOT NULL; UPDATE {TABLE} SET success = NULL",
        ExitCode.FAILED_BEFORE,
        "version 1 (V1__a.sql) is recorded as failed",
    ),
    "no type": (
        f"{ALTER} ALTER type DROP NOT NULL; UPDATE {TABLE} SET type = NULL",
        ExitCode.UNSUPPORTED,
        "row 1 has the unknown type None",
    ),
    "unknown type": (f"UPDATE {TABLE} SET type = 'COBOL'", ExitCode.UNSUPPORTED, "type 'COBOL'"),
    "owned by somebody else": (
        f"{ALTER} OWNER TO postgres",
        ExitCode.AUTH,
        "permission denied for table flyway_schema_history",
    ),
}
# The row of a migration cannot be written: its script is rolled back with it.
UNWRITABLE = {
    "further column that must be filled": (
        f"{ALTER} ADD ticket text NOT NULL DEFAULT 'x'; {ALTER} ALTER ticket DROP DEFAULT",
        "23502",
        "ticket",
    ),
    "trigger": (FUNCTION.format("trigger", "RAISE 'not you'") + TRIGGER, "P0001", "not you"),
    "check": (f"{ALTER} ADD CHECK (installed_rank < 2)", "23514", "flyway_schema_history"),
    "success as number": (
        f"DROP INDEX {TABLE}_s_idx; {ALTER} ALTER success TYPE int USING success::int",
        "42804",
        '"success"',
    ),
}
SWALLOWING = {
    "trigger": FUNCTION.format("trigger", "RETURN NULL") + TRIGGER,
    "rule": f"CREATE RULE x AS ON INSERT TO {TABLE} DO INSTEAD NOTHING",
    "change": FUNCTION.format("trigger", "NEW.success := false; RETURN NEW") + TRIGGER,
    "removal": FUNCTION.format("trigger", f"DELETE FROM {TABLE}; RETURN NULL")
    + TRIGGER.replace("BEFORE", "AFTER"),
}


@pytest.fixture(autouse=True)
def _released(gate: Gate, make_role: Callable[..., Role]) -> None:
    """Begin at version 1, applied by a role that is no superuser."""
    role = make_role()
    gate.database.execute(f"GRANT ALL ON SCHEMA public TO {role.name}")
    gate.settings = settings_for(target_of(gate.database, role), gate.folder)
    assert gate.run({"V1__a.sql": "CREATE TABLE a ()"}).exit_code is ExitCode.OK
    gate.release({"V2__b.sql": "CREATE TABLE b ()"})


def is_there(gate: Gate, table: str) -> bool:
    """Tell whether *table* exists."""
    return gate.database.query(f"SELECT to_regclass('public.{table}') IS NOT NULL") == [(True,)]


def rows(gate: Gate) -> list[tuple[object, ...]]:
    """Return all rows of the history, whatever its columns are."""
    return gate.database.query(f"SELECT h::text FROM {TABLE} AS h ORDER BY 1")


@pytest.mark.parametrize("name", USABLE)
def test_history_that_still_says_the_same_is_used(name: str, gate: Gate) -> None:
    """What is pending is applied once, and then nothing is."""
    gate.database.execute(USABLE[name])
    report = gate.run()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert [item.script for item in report.migrations] == ["V2__b.sql"]
    for look in LOOKS:
        report = look(gate.settings, gate.context())
        assert (report.exit_code, report.pending) == (ExitCode.OK, ()), report.verdict


@pytest.mark.parametrize("name", REFUSED)
def test_history_that_cannot_be_understood_is_refused(name: str, gate: Gate) -> None:
    """By name, with nothing written; rows that are hidden or unreadable are not missing."""
    ddl, code, message = REFUSED[name]
    gate.database.execute(ddl)
    before = rows(gate)
    report = gate.run()
    assert report.exit_code is code, report.verdict
    assert message in deciding(report).message
    assert deciding(report).hint
    assert not is_there(gate, "b")
    assert rows(gate) == before


@pytest.mark.parametrize("name", UNWRITABLE)
def test_script_whose_row_cannot_be_written_is_rolled_back(name: str, gate: Gate) -> None:
    """The error is the row's, not the script's, and is told as such."""
    ddl, sqlstate, named = UNWRITABLE[name]
    gate.database.execute(ddl)
    before = rows(gate)
    report = gate.run()
    assert report.exit_code is ExitCode.SQL_FAILED, report.verdict
    assert f"V2__b.sql (its row in the schema history) {sqlstate}" in deciding(report).message
    assert named in deciding(report).message
    assert not is_there(gate, "b")
    assert rows(gate) == before


def test_script_whose_row_may_not_be_written_is_not_begun(gate: Gate) -> None:
    """That the role may only read the history is seen beforehand."""
    gate.database.execute(f"{ALTER} OWNER TO postgres; GRANT SELECT ON {TABLE} TO PUBLIC")
    before = rows(gate)
    report = gate.run()
    assert report.exit_code is ExitCode.AUTH, report.verdict
    assert report.verdict.endswith("; database untouched")
    assert not is_there(gate, "b")
    assert rows(gate) == before


@pytest.mark.parametrize("name", SWALLOWING)
def test_row_that_the_database_swallowed_is_missed(name: str, gate: Gate) -> None:
    """No error is told by the server; it is noticed before the COMMIT, and nothing stays."""
    gate.database.execute(SWALLOWING[name])
    before = rows(gate)
    report = gate.run()
    assert report.exit_code is ExitCode.SQL_FAILED, report.verdict
    place = "V2__b.sql (its row in the schema history, read back)"
    assert deciding(report).message == f"{place} is not as it was written"
    assert "trigger, rule or policy that keeps row 2 of public." in deciding(report).hint
    assert not is_there(gate, "b")
    assert rows(gate) == before


@pytest.mark.parametrize("name", sorted(SWALLOWING.keys() - {"change"}))
def test_row_of_a_script_without_transaction_is_missed_as_well(name: str, gate: Gate) -> None:
    """What it did stays, and a human is told what to add."""
    gate.database.execute(SWALLOWING[name])
    (gate.folder / "V2__b.sql").write_text("CREATE TABLE b (); VACUUM b")
    (gate.folder / "V2__b.sql.conf").write_text("executeInTransaction=false")
    before = rows(gate)
    report = gate.run()
    assert report.exit_code is ExitCode.PARTIAL, report.verdict
    assert deciding(report).message == (
        "V2__b.sql (its row in the schema history, read back) is not as it was written; left"
        " behind: table b (line 1), no row in the schema history"
    )
    assert is_there(gate, "b")
    assert rows(gate) == before


def test_way_out_of_row_level_security_is_told(gate: Gate) -> None:
    """The name of the table is right, and no other one helps."""
    gate.database.execute(REFUSED["hidden rows"][0])
    hint = deciding(gate.run()).hint
    way_out, _, _ = hint.partition(",")
    assert hint.endswith("or give the role BYPASSRLS.")
    gate.database.execute(way_out)
    report = gate.run()
    assert report.exit_code is ExitCode.OK, report.verdict


def test_history_that_must_not_be_created_is_refused(gate: Gate) -> None:
    """What is against it is quoted, and nothing is left."""
    raising = FUNCTION.format("event_trigger", "RAISE 'no DDL today'")
    gate.database.execute(
        f"DROP TABLE a, {TABLE}; CREATE SCHEMA elsewhere; SET search_path = elsewhere; {raising}"
        " CREATE EVENT TRIGGER x ON ddl_command_start EXECUTE FUNCTION f()"
    )
    report = gate.run()
    gate.database.execute("DROP EVENT TRIGGER x")  # it would speak against the test's own end
    assert report.exit_code is ExitCode.CONFIG, report.verdict
    expected = "public.flyway_schema_history cannot be created"
    assert expected in deciding(report).message
    assert "no DDL today" in deciding(report).message
    assert not is_there(gate, "flyway_schema_history")
    assert not is_there(gate, "a")
