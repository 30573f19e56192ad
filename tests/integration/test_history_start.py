"""What a run creates when nothing is pending: the schema history, and schemas."""

from __future__ import annotations

from hook.core.outcome import Status
from hook.core.schema_history.baseline import BaselineRules
from hook.errors import ExitCode
from hook.settings.migrations import HistoryTable
from tests.testbed.gate import Gate, deciding
from tests.testbed.run_context import eventually

LOCK = "SELECT pg_advisory_lock(77433833903597)"  # flyway.md: of public.flyway_schema_history
ROWS = "SELECT installed_rank, version, type, script FROM flyway_schema_history ORDER BY 1"
BASELINE = (1, "1", "BASELINE", "<< Flyway Baseline >>")
ADOPTED = {"V1__orders.sql": "CREATE TABLE orders ()"}


def adopt(gate: Gate) -> None:
    """Fill the schema, and let a run adopt it."""
    gate.database.execute("CREATE TABLE orders ()")
    migrations = gate.settings.migrations._replace(
        baseline=BaselineRules(on_migrate=True, is_allowed=True)
    )
    gate.settings = gate.settings._replace(migrations=migrations)


def look_after(gate: Gate, table: HistoryTable) -> None:
    """Set the schemas of the application."""
    migrations = gate.settings.migrations._replace(history=table)
    gate.settings = gate.settings._replace(migrations=migrations)


def test_schema_is_adopted_whose_migrations_the_baseline_covers(gate: Gate) -> None:
    """The row is what the adoption leaves; the next run needs no permission."""
    adopt(gate)
    report = gate.run(ADOPTED)
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.database.query(ROWS) == [BASELINE]
    migrations = gate.settings.migrations._replace(baseline=BaselineRules())
    gate.settings = gate.settings._replace(migrations=migrations)
    report = gate.run()
    assert [item.name for item in report.results] == ["wait", "resolve", "history", "verify"]
    assert report.exit_code is ExitCode.OK, report.verdict


def test_schema_that_is_added_later_is_created_at_once(gate: Gate) -> None:
    """As Flyway does, whether or not a migration needs it yet; once."""
    assert gate.run({"V1__t.sql": "CREATE TABLE t ()"}).exit_code is ExitCode.OK
    look_after(gate, HistoryTable(default_schema="public", schemas=("late",)))
    report = gate.run()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.database.query(ROWS)[1:] == [(2, None, "SCHEMA", '"late"')]
    assert "lock" not in [item.name for item in gate.run().results]


def test_schema_that_may_not_be_created_is_left_alone(gate: Gate) -> None:
    """Nothing is locked for it."""
    assert gate.run({"V1__t.sql": "CREATE TABLE t ()"}).exit_code is ExitCode.OK
    look_after(gate, HistoryTable(default_schema="public", schemas=("x",), creates_schemas=False))
    report = gate.run()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert [item.name for item in report.results] == ["wait", "resolve", "history", "verify"]
    assert gate.database.query("SELECT 1 FROM pg_namespace WHERE nspname = 'x'") == []


def test_release_that_is_pending_after_all_is_not_run(gate: Gate) -> None:
    """Its scripts were not read, nor the gates asked: another run does that."""
    adopt(gate)
    with gate.database.connect() as other:
        other.execute(LOCK)
        running = gate.start(ADOPTED)
        eventually(lambda: any(text == "lock" for _, text, _ in gate.events.told))
        gate.database.execute("DROP TABLE orders")
    report = running.report()
    assert report.exit_code is ExitCode.NOT_YET, report.verdict
    assert deciding(report).status is Status.FAILED
    assert gate.database.query("SELECT to_regclass('flyway_schema_history')") == [(None,)]
