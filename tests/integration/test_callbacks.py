"""Callbacks on a real server: when they run, and with which commands."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hook import bootstrap
from hook.bootstrap import writing
from hook.bootstrap.writing import build_gates
from hook.core.outcome import Policy
from hook.core.schema_history.orders import Orders
from hook.engines import Engine
from hook.errors import ExitCode
from hook.pipeline.gates import Gates
from hook.settings import BackupSettings, BlockerSettings, Settings
from hook.settings.migrations import HistoryTable
from tests.testbed.callbacks import BAD, TABLE, findings, prepare_trace, telling, trace
from tests.testbed.gate import WORDING, Gate

CONFIRMED = Orders(is_confirmed=True)
# Whoever asks for a backup with these settings is refused.
NO_SOURCE = BackupSettings(Policy.ENFORCE, None, None, timedelta(hours=24), None)


@pytest.fixture(autouse=True)
def _traced(gate: Gate) -> None:
    """Begin with an empty trace."""
    prepare_trace(gate)


def test_callbacks_are_told_with_event_and_script(gate: Gate) -> None:
    """Each callback of its own moment is a finding and two events."""
    report = gate.run(TABLE | telling("beforeMigrate", "afterMigrate"))
    assert report.verdict.startswith("PASSED 0 OK: 1 applied (V1), at 1")
    first, last = findings(report)
    assert (first.facts["callback"], first.facts["script"]) == (
        "beforeMigrate",
        "beforeMigrate.sql",
    )
    assert last.message.startswith("callback afterMigrate.sql done in ")
    assert [item["script"] for item in gate.events.named("callback.finished")] == [
        "beforeMigrate.sql",
        "afterMigrate.sql",
    ]


def test_callback_without_statements_does_nothing(gate: Gate) -> None:
    """Empty files and comments are what a template leaves."""
    files = {"beforeMigrate.sql": "", "afterEachMigrate.sql": "-- to do", "afterMigrate.sql": ";"}
    report = gate.run(TABLE | files)
    assert report.verdict.startswith("PASSED 0 OK: 1 applied (V1), at 1"), report.verdict


def test_nothing_pending_asks_no_gate(gate: Gate) -> None:
    """Callbacks run under the lock, and nobody asks for the backup that is not there."""
    assert gate.run(TABLE | telling("beforeMigrate", "afterMigrate")).exit_code is ExitCode.OK
    trace(gate)
    gate.settings = gate.settings._replace(backup=NO_SOURCE)
    report = gate.run()
    assert report.verdict.startswith("PASSED 0 OK: up to date at 1 (set sha256:"), report.verdict
    assert trace(gate) == ["beforeMigrate", "afterMigrate"]
    names = [result.name for result in report.results]
    assert "lock" in names
    assert "backup" not in names
    assert "blockers" not in names


def test_refused_gate_runs_no_callback(gate: Gate) -> None:
    """Nothing of the release is run before a pending migration has passed its gates."""
    gate.settings = gate.settings._replace(backup=NO_SOURCE)
    report = gate.run(TABLE | telling("afterConnect", "beforeValidate", "beforeMigrate"))
    assert report.verdict.endswith("; database untouched"), report.verdict
    assert trace(gate) == []


def test_callbacks_that_run_with_other_commands_cost_a_run_nothing(gate: Gate) -> None:
    """A run without callbacks of its own takes no lock."""
    assert gate.run(TABLE | telling("beforeInfo", "beforeRepair")).exit_code is ExitCode.OK
    assert [result.name for result in gate.run().results] == [
        "wait", "resolve", "history", "verify",
    ]  # fmt: skip


def test_plan_and_lint_know_the_callbacks(gate: Gate) -> None:
    """They are SQL that a run would run."""
    gate.release(TABLE | telling("beforeMigrate", "afterEachMigrate", "beforeInfo"))
    report = bootstrap.plan(gate.settings, gate.context())
    assert [item.message for item in findings(report)] == [
        "callback afterEachMigrate.sql: 1 statement with each migration",
        "callback beforeMigrate.sql: 1 statement at beforeMigrate, in a transaction of its own",
    ]
    assert trace(gate) == []
    gate.release({"beforeInfo.sql": "SELECT 'it"})
    report = bootstrap.lint(gate.settings, gate.context())
    assert "beforeInfo.sql:1: unterminated quoted string" in report.verdict


def test_blockers_know_what_callbacks_lock(gate: Gate) -> None:
    """Whoever is in the way of a callback is in the way of the run."""
    assert gate.run(TABLE).exit_code is ExitCode.OK
    blockers = BlockerSettings(Policy.ENFORCE, timedelta(minutes=30), timedelta(0))
    gate.settings = gate.settings._replace(blockers=blockers)
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")
        gate.release({"V2__x.sql": "SELECT 1", "beforeMigrate.sql": "ALTER TABLE t ADD x int"})
        report = gate.run()
    assert report.exit_code is ExitCode.BLOCKED, report.verdict


def test_info_and_validate_run_their_callbacks(gate: Gate) -> None:
    """Also a callback that fails is told, with a code of its own."""
    assert gate.run(TABLE).exit_code is ExitCode.OK
    gate.release(telling("beforeInfo", "afterInfo", "beforeValidate", "afterValidate"))
    assert bootstrap.info(gate.settings, gate.context()).exit_code is ExitCode.OK
    assert trace(gate) == ["beforeInfo", "afterInfo"]
    assert bootstrap.validate(gate.settings, gate.context()).exit_code is ExitCode.OK
    assert trace(gate) == ["beforeValidate", "afterValidate"]
    gate.release({"beforeInfo.sql": BAD})
    assert bootstrap.info(gate.settings, gate.context()).exit_code is ExitCode.SQL_FAILED


def test_repair_runs_callbacks_only_when_confirmed(gate: Gate) -> None:
    """A dry run runs no SQL of the release."""
    assert gate.run(TABLE).exit_code is ExitCode.OK
    gate.release(telling("beforeRepair", "afterRepair", "afterRepairError"))
    gate.database.execute("UPDATE flyway_schema_history SET checksum = 4711")
    assert (
        bootstrap.repair(gate.settings, gate.context(), Orders(), WORDING).exit_code is ExitCode.OK
    )
    assert trace(gate) == []
    report = bootstrap.repair(gate.settings, gate.context(), CONFIRMED, WORDING)
    assert report.exit_code is ExitCode.OK, report.verdict
    assert trace(gate) == ["beforeRepair", "afterRepair"]


def test_failing_callback_in_front_of_a_repair_prevents_it(gate: Gate) -> None:
    """Nothing was changed, and that is what the verdict says."""
    assert gate.run(TABLE).exit_code is ExitCode.OK
    gate.release({"beforeRepair.sql": BAD})
    gate.database.execute("UPDATE flyway_schema_history SET checksum = 4711")
    report = bootstrap.repair(gate.settings, gate.context(), CONFIRMED, WORDING)
    assert report.exit_code is ExitCode.SQL_FAILED
    assert "rolled back" in report.verdict
    assert gate.database.query("SELECT checksum FROM flyway_schema_history") == [(4711,)]


def test_baseline_runs_its_callbacks_when_confirmed(gate: Gate) -> None:
    """Those of schemas and baseline; a dry run runs none."""
    gate.release(telling("beforeCreateSchema", "beforeBaseline", "afterBaseline"))
    assert (
        bootstrap.baseline(gate.settings, gate.context(), Orders(), WORDING).exit_code
        is ExitCode.OK
    )
    assert trace(gate) == []
    report = bootstrap.baseline(gate.settings, gate.context(), CONFIRMED, WORDING)
    assert report.exit_code is ExitCode.OK, report.verdict
    assert trace(gate) == ["beforeCreateSchema", "beforeBaseline", "afterBaseline"]


def test_skipped_callbacks_are_told_and_left_alone(gate: Gate) -> None:
    """The setting is Flyway's; what it leaves out is not kept silent."""
    sources = gate.settings.migrations.sources._replace(skips_callbacks=True)
    migrations = gate.settings.migrations._replace(sources=sources)
    gate.settings = gate.settings._replace(migrations=migrations)
    report = gate.run(TABLE | {"beforeMigrate.sql": BAD})
    assert report.exit_code is ExitCode.OK, report.verdict
    (note,) = findings(report, "callback-skipped")
    assert note.message.endswith("FLYWAY_SKIP_DEFAULT_CALLBACKS is true: beforeMigrate.sql")


def test_time_in_the_history_includes_the_callbacks(gate: Gate) -> None:
    """Flyway's stop-watch runs while they do."""
    gate.run(TABLE | {"afterEachMigrate.sql": "SELECT pg_sleep(0.2)"})
    ((spent,),) = gate.database.query("SELECT execution_time FROM flyway_schema_history")
    assert isinstance(spent, int)
    assert spent >= 200


def test_changed_callback_changes_the_digest(gate: Gate) -> None:
    """What a release does to the database is what its digest stands for."""
    digests = set()
    for text in ("SELECT 1", "SELECT 2"):
        gate.release(TABLE | {"afterMigrate.sql": text})
        report = bootstrap.digest(gate.settings, gate.context())
        assert report.migration_set is not None
        digests.add(report.migration_set.digest)
    assert len(digests) == 2


def test_ledger_tells_of_migrations_not_of_callbacks_alone(gate: Gate) -> None:
    """A run with nothing pending leaves no row of its own, with callbacks or without."""
    assert gate.run(TABLE | telling("afterMigrate")).exit_code is ExitCode.OK
    assert gate.run().exit_code is ExitCode.OK
    assert gate.database.query("SELECT exit_code FROM presync_run") == [(0,)]


def test_mended_callback_is_another_release_to_the_memory(gate: Gate) -> None:
    """A failure in a callback around a migration is remembered, until the callback changes."""
    files = TABLE | {"afterEachMigrate.sql": BAD}
    assert gate.run(files).exit_code is ExitCode.SQL_FAILED
    assert gate.run().exit_code is ExitCode.FAILED_BEFORE
    assert gate.run({"afterEachMigrate.sql": "SELECT 1"}).exit_code is ExitCode.OK


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        ("CREATE SCHEMA app", "PASSED 0 OK: 1 applied (V1), at 1"),
        ("CREATE SCHEMA other", "REFUSED 10 CONFIG: schema app does not exist; "),
    ],
)
def test_schema_that_nobody_else_may_create_is_left_to_after_connect(
    gate: Gate, statement: str, verdict: str
) -> None:
    """As with Flyway, and the verdict falls when it is done; what it did is not denied."""
    table = HistoryTable(default_schema="app", creates_schemas=False)
    migrations = gate.settings.migrations._replace(history=table)
    gate.settings = gate.settings._replace(migrations=migrations)
    report = gate.run(TABLE | {"afterConnect.sql": statement})
    assert report.verdict.startswith(verdict)
    assert "untouched" not in report.verdict
    assert (
        len(gate.database.query("SELECT 1 FROM pg_namespace WHERE nspname IN ('app', 'other')"))
        == 1
    )


@pytest.mark.parametrize(
    ("statement", "verdict"),
    [
        ("CREATE SCHEMA app", "PASSED 0 OK: "),
        ("SELECT 1", "REFUSED 10 CONFIG: schema app does not exist; "),
    ],
)
def test_baseline_is_judged_behind_the_callbacks_in_front_of_it(
    gate: Gate, statement: str, verdict: str
) -> None:
    """What they have mended is no part of the verdict; what they have not is told once."""
    settings = gate.settings.migrations
    table = HistoryTable(default_schema="app", creates_schemas=False)
    gate.settings = gate.settings._replace(migrations=settings._replace(history=table))
    gate.release(TABLE | {"beforeBaseline.sql": statement})
    report = bootstrap.baseline(gate.settings, gate.context(), CONFIRMED, WORDING)
    assert report.verdict.startswith(verdict)
    told = [item.message for result in report.results for item in result.findings if item.code]
    assert len(told) == (report.exit_code is not ExitCode.OK)


def test_gates_behind_callbacks_are_not_told_as_settings(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In front of the settings the database is untouched, which it is not any more."""
    gate.run(TABLE | {"V2__u.sql": "CREATE TABLE u ()"})
    stages = []

    def build(settings: Settings, engine: Engine) -> Gates:
        stages.append(gate.interrupt.stage)
        return build_gates(settings, engine)

    monkeypatch.setattr(writing, "build_gates", build)
    again = "DELETE FROM flyway_schema_history WHERE version = '2'; DROP TABLE u"
    report = gate.run({"afterConnect.sql": again})
    assert report.verdict.startswith("PASSED 0 OK: 1 applied (V2), at 2")
    assert stages == ["gates"]
