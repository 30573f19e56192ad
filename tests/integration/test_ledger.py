"""The ledger on a real server: what is recorded, what is not, and what it is good for."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from hook import bootstrap
from hook.clock import Interrupt
from hook.core.outcome import Policy, Status
from hook.core.reporting.redaction import Redactor
from hook.core.reporting.report import Report
from hook.core.reporting.wording import Wording
from hook.core.schema_history.orders import Orders
from hook.errors import ExitCode
from hook.render.report_json import report_object
from hook.settings.output import Actor
from tests.testbed.backup_gate import ignore
from tests.testbed.database import Role
from tests.testbed.gate import WORDING, Gate, deciding, run_settings, settings_for
from tests.testbed.run_context import RUN_ID, eventually, is_running, target_of

ROWS = (
    "SELECT command, run_id, exit_code, verdict, version_before, version_after, set_digest,"
    " finished_at >= started_at FROM presync_run ORDER BY id"
)
LEDGER_THERE = "SELECT to_regclass('public.presync_run')::text"
GOOD = {"V1__t.sql": "CREATE TABLE t (id int)"}
BROKEN = {"V2__x.sql": "INSERT INTO t VALUES ('x')"}


def ledger_findings(report: Report) -> list[tuple[Status, str]]:
    """Return what *report* says of the ledger."""
    return [
        (item.status, item.message)
        for result in report.results
        for item in result.findings
        if item.rule == "ledger"
    ]


def test_run_with_work_is_recorded(gate: Gate) -> None:
    """The row says what every other place says of the run, the whole report included."""
    actor = Actor(pod="migrate-x7k2p", namespace="shop", job="migrate", job_uid="6f1c")
    gate.settings = gate.settings._replace(output=gate.settings.output._replace(actor=actor))
    report = gate.run(GOOD)
    assert report.exit_code is ExitCode.OK
    digest = report.migration_set.digest if report.migration_set else ""
    assert gate.database.query(ROWS) == [
        ("run", RUN_ID, 0, report.verdict, None, "1", digest, True)
    ]
    told = "SELECT namespace, pod, job, job_uid, db_user, report FROM presync_run"
    *who, stored = gate.database.query(told)[0]
    assert who == ["shop", "migrate-x7k2p", "migrate", "6f1c", "postgres"]
    told = json.loads(json.dumps(report_object(report)))
    assert stored == told | {"history": "flyway_schema_history"}


def test_release_behind_one_whose_end_was_not_recorded_is_applied(gate: Gate) -> None:
    """The other one is in the history whole, so that it cannot have begun the new script."""
    assert gate.run(GOOD).exit_code is ExitCode.OK
    gate.database.execute("UPDATE presync_run SET finished_at = NULL, exit_code = NULL")
    alone = {
        "V2__x.sql": "INSERT INTO t VALUES (1)",
        "V2__x.sql.conf": "executeInTransaction=false",
    }
    report = gate.run(alone)
    assert report.exit_code is ExitCode.OK, report.verdict


def test_run_without_work_leaves_no_row(gate: Gate) -> None:
    """The common run writes nothing at all."""
    gate.run(GOOD)
    gate.run()
    assert len(gate.database.query(ROWS)) == 1


def test_refused_run_leaves_no_ledger(gate: Gate) -> None:
    """A refusal promises an untouched database, so nothing is created in it."""
    backup = gate.settings.backup._replace(source=None, policy=Policy.ENFORCE)
    gate.settings = gate.settings._replace(backup=backup)
    assert gate.run(GOOD).exit_code is ExitCode.CONFIG
    assert gate.database.query(LEDGER_THERE) == [(None,)]


def test_failed_run_is_recorded_although_it_was_rolled_back(gate: Gate) -> None:
    """The row is written on another connection than the scripts run on."""
    gate.run(GOOD)
    report = gate.run(BROKEN)
    assert report.exit_code is ExitCode.SQL_FAILED
    assert gate.database.query(ROWS)[-1][2:6] == (20, report.verdict, "1", "1")
    failed = "SELECT failed_script, failed_rank FROM presync_run ORDER BY id DESC LIMIT 1"
    assert gate.database.query(failed) == [("V2__x.sql", 2)]


def test_no_ledger_is_written_when_none_is_wanted(gate: Gate) -> None:
    """PRESYNC_LEDGER=off leaves neither a table nor a memory."""
    switch_ledger(gate, "")
    gate.run(GOOD)
    assert gate.run(BROKEN).exit_code is ExitCode.SQL_FAILED
    assert gate.run().exit_code is ExitCode.SQL_FAILED
    assert gate.database.query(LEDGER_THERE) == [(None,)]


def switch_ledger(gate: Gate, name: str) -> None:
    """Let *name* be the table of the ledger."""
    history = gate.settings.migrations.history._replace(ledger=name)
    migrations = gate.settings.migrations._replace(history=history)
    gate.settings = gate.settings._replace(migrations=migrations)


def test_ledger_may_have_any_name(gate: Gate) -> None:
    """A name is quoted, a percent sign in it is no parameter."""
    switch_ledger(gate, 'Läufe 100% "x"')
    gate.run(GOOD)
    assert gate.run(BROKEN).exit_code is ExitCode.SQL_FAILED
    assert gate.run().exit_code is ExitCode.FAILED_BEFORE
    assert gate.database.query('SELECT count(*) FROM "Läufe 100% ""x"""') == [(2,)]


def test_broken_script_runs_once(gate: Gate) -> None:
    """Argo CD's five retries find the failure remembered, and the first one quoted."""
    gate.run(GOOD)
    gate.database.execute("CREATE SEQUENCE runs")
    first = gate.run({"V2__x.sql": "SELECT nextval('runs'); INSERT INTO t VALUES ('x')"})
    again = [gate.run() for _ in range(5)]
    for report in again:
        assert report.exit_code is ExitCode.FAILED_BEFORE
        assert deciding(first).message in deciding(report).message
    assert gate.database.query("SELECT last_value FROM runs") == [(1,)]
    assert again[0].verdict.startswith("REFUSED 14 FAILED_BEFORE: not run again, as it failed ")
    assert "ago: V2__x.sql:1 22P02 " in again[0].verdict
    assert again[0].verdict.endswith("; database untouched")
    assert again[0].next_steps == ("presync info --runs",)


def test_state_of_the_server_is_not_remembered(gate: Gate) -> None:
    """It is told each time, and the script runs again: the disk may have room by then."""
    gate.run(GOOD)
    gate.database.execute("CREATE TABLE disk (is_full bool); INSERT INTO disk VALUES (true)")
    script = (
        "CREATE TABLE u (); DO $$ BEGIN IF (SELECT is_full FROM disk) THEN"
        " RAISE 'No space left on device' USING ERRCODE = '53100'; END IF; END $$"
    )
    gate.release({"V2__x.sql": script})
    for _ in range(2):
        report = gate.run()
        assert report.verdict == (
            "FAILED 20 SQL_FAILED: V2__x.sql:1 53100 No space left on device; rolled back, at 1"
        )
        assert deciding(report).hint.startswith("Look after the server")
    gate.database.execute("UPDATE disk SET is_full = false")
    assert gate.run().exit_code is ExitCode.OK


@pytest.mark.parametrize("change", ["file", "history", "time", "order"])
def test_change_is_a_reason_to_try_again(gate: Gate, change: str) -> None:
    """A new text, a change of the history, enough time or an order to do so."""
    gate.run(GOOD)
    assert gate.run(BROKEN).exit_code is ExitCode.SQL_FAILED
    if change == "file":
        gate.release({"V2__x.sql": "INSERT INTO t VALUES ('y')"})
    elif change == "history":
        gate.release({"V1_1__u.sql": "CREATE TABLE u ()"})
        rules = gate.settings.migrations.rules._replace(is_out_of_order=True)
        gate.settings = gate.settings._replace(
            migrations=gate.settings.migrations._replace(rules=rules)
        )
    elif change == "time":
        gate.limit(run_settings()._replace(failure_memory=timedelta(0)))
    else:
        gate.orders = Orders(retries_failed=True)
    assert gate.run().exit_code is ExitCode.SQL_FAILED


def test_contention_is_not_remembered(gate: Gate) -> None:
    """What lost against other sessions may win the next time."""
    gate.run(GOOD)
    gate.release({"V2__x.sql": "ALTER TABLE t ADD x int"})
    with gate.database.connect(autocommit=False) as holder:
        holder.execute("LOCK TABLE t")
        assert gate.run().exit_code is ExitCode.CONTENTION
    assert gate.run().exit_code is ExitCode.OK


def test_second_gate_finds_the_failure_of_the_first(gate: Gate, calm: Interrupt) -> None:
    """The end of a run is on record before the lock is given back."""
    gate.run(GOOD)
    gate.database.execute("CREATE SEQUENCE runs")
    script = "SELECT nextval('runs'); SELECT pg_advisory_lock(1); SELECT 1 / 0"
    gate.release({"V2__x.sql": script})
    gate.limit(run_settings(ladder=[30]))
    other = Gate(gate.database, gate.folder, calm, gate.settings)
    with gate.database.connect() as holder:
        holder.execute("SELECT pg_advisory_lock(1)")
        one, two = gate.start(), other.start()
        eventually(lambda: any(item.events.named("retry.scheduled") for item in (gate, other)))
        holder.execute("SELECT pg_advisory_unlock(1)")
        codes = {one.report().exit_code, two.report().exit_code}
    assert codes == {ExitCode.SQL_FAILED, ExitCode.FAILED_BEFORE}
    assert gate.database.query("SELECT last_value FROM runs") == [(1,)]


def test_role_without_rights_gets_a_warning(gate: Gate, make_role: Callable[..., Role]) -> None:
    """A run is not refused for want of a record; the hint names the right."""
    role = make_role()
    assert gate.run(GOOD).exit_code is ExitCode.OK
    gate.database.execute(
        "DROP TABLE presync_run; REVOKE CREATE ON SCHEMA public FROM PUBLIC;"
        f"GRANT ALL ON flyway_schema_history, t TO {role.name}"
    )
    gate.settings = settings_for(target_of(gate.database, role), gate.folder)
    report = gate.run({"V2__x.sql": "INSERT INTO t VALUES (1)"})
    assert report.exit_code is ExitCode.OK
    ((status, message),) = ledger_findings(report)
    assert status is Status.WARNED
    assert "public.presync_run could not be written" in message
    assert "42501" in message


def test_row_that_is_gone_is_told(gate: Gate) -> None:
    """A script that empties the ledger does not go unnoticed."""
    report = gate.run({"V1__x.sql": "DELETE FROM presync_run"})
    assert report.exit_code is ExitCode.OK
    assert ledger_findings(report)[-1] == (
        Status.WARNED, f"the row of run {RUN_ID} is not in public.presync_run any more"
    )  # fmt: skip


def test_secrets_do_not_reach_the_ledger(gate: Gate) -> None:
    """Neither the report, nor the verdict, nor the message that is remembered has one."""
    wording = Wording(report_object, Redactor(("c4nary-secret",)), ignore)
    gate.run(GOOD)
    gate.release({"V2__x.sql": "INSERT INTO t VALUES ('c4nary-secret')"})
    report = bootstrap.run(gate.settings, gate.context(), Orders(), wording)
    assert "c4nary-secret" in deciding(report).message
    stored = gate.database.query("SELECT presync_run::text FROM presync_run ORDER BY id DESC")[0][0]
    assert "c4nary" not in stored
    assert "***" in stored


def test_interrupted_run_is_recorded(gate: Gate, interrupt: Interrupt) -> None:
    """A stop request does not keep the end from being written."""
    gate.release({"V1__x.sql": "SELECT pg_sleep(60)"})
    running = gate.start()
    eventually(lambda: is_running(gate.database, "pg_sleep(60)"))
    interrupt.set("SIGTERM")
    report = running.report()
    assert report.exit_code is ExitCode.INTERRUPTED
    assert gate.database.query(ROWS)[0][2:4] == (40, report.verdict)


def test_runs_are_listed_newest_first(gate: Gate) -> None:
    """A run that was killed has no end; it is shown all the same."""
    gate.run(GOOD)
    gate.run(BROKEN)
    gate.database.execute(
        "INSERT INTO presync_run (command, run_id, started_at, set_digest)"
        " VALUES ('run', 'killed', now(), 'sha256:')"
    )
    report = bootstrap.runs(gate.settings, gate.context())
    assert report.exit_code is ExitCode.OK
    assert [(run.run_id, run.exit_code) for run in report.runs or ()] == [
        ("killed", None), (RUN_ID, 20), (RUN_ID, 0)
    ]  # fmt: skip
    assert report.runs is not None
    assert report.runs[1].failed is not None
    assert report.runs[1].failed.script == "V2__x.sql"


def test_runs_of_a_database_without_ledger_are_none(gate: Gate) -> None:
    """There is nothing to show, and nothing is created to show it."""
    assert bootstrap.runs(gate.settings, gate.context()).runs == ()
    assert gate.database.query(LEDGER_THERE) == [(None,)]


def test_runs_without_ledger_by_the_settings_are_refused(gate: Gate) -> None:
    """An empty list would say that nothing ever ran."""
    switch_ledger(gate, "")
    assert bootstrap.runs(gate.settings, gate.context()).exit_code is ExitCode.CONFIG


def test_edits_of_the_history_are_recorded(gate: Gate) -> None:
    """Repair and baseline leave a row when they have changed something."""
    gate.database.execute("CREATE TABLE old ()")
    confirmed = Orders(is_confirmed=True)
    for orders in (Orders(), confirmed, confirmed):
        report = bootstrap.baseline(gate.settings, gate.context(), orders, WORDING)
        assert report.exit_code is ExitCode.OK
    gate.run({"V2__t.sql": "CREATE TABLE t ()"})
    gate.database.execute("UPDATE flyway_schema_history SET checksum = 1 WHERE version = '2'")
    bootstrap.repair(gate.settings, gate.context(), confirmed, WORDING)
    assert [row[0] for row in gate.database.query(ROWS)] == ["baseline", "run", "repair"]
