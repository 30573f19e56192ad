"""The command `baseline` on a real server."""

from __future__ import annotations

from hook import bootstrap
from hook.core.reporting.report import Report
from hook.core.schema_history.baseline import BaselineRules
from hook.core.schema_history.orders import Orders
from hook.core.scripts.version import Version
from hook.errors import ExitCode
from hook.settings.migrations import HistoryTable
from tests.testbed.contention import holder
from tests.testbed.gate import WORDING, Gate, deciding

CONFIRMED = Orders(is_confirmed=True)
ROWS = (
    "SELECT installed_rank, version, description, type, script, checksum, installed_by, success"
    " FROM {} ORDER BY 1"
)


def baseline(gate: Gate, orders: Orders = CONFIRMED) -> Report:
    """Run the command; no file of the release is needed."""
    gate.events.told.clear()
    return bootstrap.baseline(gate.settings, gate.context(), orders, WORDING)


def adopt_as(gate: Gate, version: str, table: HistoryTable | None = None) -> None:
    """Set the version of the baseline, and where the history is."""
    migrations = gate.settings.migrations._replace(
        baseline=BaselineRules(version=Version.parse(version)),
        history=table or gate.settings.migrations.history,
    )
    gate.settings = gate.settings._replace(migrations=migrations)


def test_baseline_without_confirmation_only_tells(gate: Gate) -> None:
    """What is adopted is named, and nothing is created."""
    gate.database.execute("CREATE TABLE orders ()")
    report = baseline(gate, Orders())
    assert report.exit_code is ExitCode.OK
    assert report.verdict.startswith(
        "PASSED 0 OK: dry run, --yes is missing for: baseline version 1"
    )
    assert report.next_steps == ("presync baseline --yes",)
    told = gate.events.told
    (text,) = [text for _, text, fields in told if fields.get("rule") == "baseline-create"]
    assert "what is there (table public.orders) is baseline version 1" in text
    assert gate.database.query("SELECT to_regclass('flyway_schema_history')") == [(None,)]


def test_baseline_lets_only_newer_migrations_run(gate: Gate) -> None:
    """The second time there is nothing to do; another version is refused."""
    gate.database.execute("CREATE TABLE orders ()")
    adopt_as(gate, "2")
    report = baseline(gate)
    assert report.exit_code is ExitCode.OK
    (row,) = gate.database.query(ROWS.format("flyway_schema_history"))
    marker = "<< Flyway Baseline >>"
    assert (*row[:6], row[7]) == (1, "2", marker, "BASELINE", marker, None, True)
    assert gate.run({"V2__orders.sql": "CREATE TABLE orders ()"}).exit_code is ExitCode.OK
    assert "the baseline is there already" in baseline(gate).verdict
    adopt_as(gate, "3")
    assert baseline(gate).exit_code is ExitCode.CONFIG
    assert len(gate.history()) == 1


def test_baseline_creates_missing_schemas(gate: Gate) -> None:
    """As Flyway does: the marker first, then the row of the schemas."""
    adopt_as(gate, "1", HistoryTable(schemas=("app", 'we\'ird "one"')))
    report = baseline(gate)
    assert report.exit_code is ExitCode.OK
    rows = gate.database.query(ROWS.format("app.flyway_schema_history"))
    assert [row[3] for row in rows] == ["BASELINE", "SCHEMA"]
    assert rows[1][4] == '"app","we\'ird ""one"""'
    adopt_as(gate, "1", HistoryTable(schemas=("app", "later")))
    assert "PASSED 0 OK: schema later, in " in baseline(gate).verdict


def test_baseline_whose_index_has_a_name_that_is_taken_claims_nothing(gate: Gate) -> None:
    """The table is not there afterwards, and nobody else is to blame."""
    gate.database.execute(
        "CREATE TABLE old (); CREATE INDEX flyway_schema_history_s_idx ON old ((1))"
    )
    report = baseline(gate)
    assert report.exit_code is ExitCode.CONFIG
    assert "the schema history cannot be created: " in report.verdict
    assert gate.database.query("SELECT to_regclass('flyway_schema_history')") == [(None,)]


def test_baseline_of_a_migrated_database_is_refused(gate: Gate) -> None:
    """It would say of what was applied that it never was."""
    assert gate.run({"V1__a.sql": "CREATE TABLE a ()"}).exit_code is ExitCode.OK
    before = gate.history()
    report = baseline(gate)
    assert report.exit_code is ExitCode.DRIFT
    assert report.verdict.endswith("contains migrations already; database untouched")
    assert gate.history() == before


def test_baseline_names_whoever_is_about_to_create_the_history(gate: Gate) -> None:
    """The server waits for whether the other one commits; the wait is given up before."""
    with holder(gate, "CREATE TABLE flyway_schema_history (installed_rank int)") as other:
        report = baseline(gate)
        pid = other.info.backend_pid
    assert report.exit_code is ExitCode.CONTENTION
    assert f" for pid {pid} (user postgres, console, client " in deciding(report).message
    assert report.verdict.endswith("; rolled back")
