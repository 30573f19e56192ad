"""Sessions in the way that are ended because somebody has asked for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from psycopg.errors import QueryCanceled
from psycopg.rows import TupleRow

from hook.core.outcome import Finding, Policy, Status
from hook.core.reporting.report import Report
from hook.core.sessions.blockers import BlockerPolicy
from hook.core.sessions.ending import Endable
from hook.errors import ExitCode
from tests.testbed.database import Role
from tests.testbed.gate import Gate, deciding, run_settings
from tests.testbed.run_context import eventually, is_running, meanwhile, target_of

TABLE = "CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t VALUES (1, 'a')"
ALTER = {"V2__x.sql": "ALTER TABLE t ADD x int"}
# For those who end nobody.
BRIEF = run_settings(ladder=[2, 2])
Connection = psycopg.Connection[TupleRow]


@pytest.fixture(autouse=True)
def _released(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with a table, and with little patience."""
    monkeypatch.setattr("hook.bootstrap.watching.PATIENCE", timedelta(seconds=0.1))
    assert gate.run({"V1__t.sql": TABLE}).exit_code is ExitCode.OK
    gate.limit(run_settings(ladder=[30, 30]))


@pytest.fixture
def app(gate: Gate, make_role: Callable[..., Role]) -> Role:
    """Return the role of an application, which reads the table."""
    role = make_role()
    gate.database.execute(f"GRANT SELECT ON t TO {role.name}")
    return role


@contextmanager
def holder(gate: Gate, role: Role | None) -> Iterator[Connection]:
    """Read the table in a transaction that stays open and idle."""
    with gate.database.connect(role, autocommit=False) as other:
        other.execute("SELECT id FROM t")
        yield other
        other.close()


def cancel(gate: Gate, *kinds: Endable) -> None:
    """Let *gate* end sessions of these kinds."""
    blockers = gate.settings.blockers._replace(cancels=frozenset(kinds))
    gate.settings = gate.settings._replace(blockers=blockers)


def ended(report: Report) -> list[Finding]:
    """Return what the report says of sessions that were ended, or were to be."""
    return [
        item
        for result in report.results
        for item in result.findings
        if item.rule == "blocker-ended"
    ]


def test_idle_transaction_is_ended(gate: Gate, app: Role) -> None:
    """The first attempt gets the lock; it is told before, after, and in the report."""
    cancel(gate, Endable.IDLE)
    with holder(gate, app) as other:
        pid = other.info.backend_pid
        report = gate.run(ALTER)
        with pytest.raises(psycopg.OperationalError):
            other.execute("SELECT 1")
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.migrations[0].attempts == 1
    (finding,) = ended(report)
    assert finding.status is Status.WARNED
    assert finding.message.startswith(f"session ended, as it was in the way: pid {pid} (user ")
    assert finding.facts["kind"] == "idle-in-transaction"
    names = [name for name, _, _ in gate.events.told]
    assert names.index("blocker.ending") < names.index("blocker.ended")


def test_nobody_is_ended_unless_asked(gate: Gate, app: Role) -> None:
    """Another kind does not mean this one."""
    gate.limit(BRIEF)
    cancel(gate, Endable.QUERY, Endable.AUTOVACUUM)
    with holder(gate, app) as other:
        report = gate.run(ALTER)
        assert other.execute("SELECT 1").fetchone() == (1,)
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    assert ended(report) == []


def test_callback_ends_who_is_in_its_way(gate: Gate, app: Role) -> None:
    """It waits as a migration does; told once, in the stage that it belongs to."""
    cancel(gate, Endable.IDLE)
    with holder(gate, app):
        report = gate.run({"beforeMigrate.sql": "LOCK TABLE t"})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert [item.facts["kind"] for item in ended(report)] == ["idle-in-transaction"]


def test_superuser_is_never_ended(gate: Gate) -> None:
    """Whatever was asked for."""
    gate.limit(BRIEF)
    cancel(gate, *Endable)
    with holder(gate, None) as other:
        report = gate.run(ALTER)
        assert other.execute("SELECT 1").fetchone() == (1,)
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    assert ended(report) == []
    assert "in the way: pid " in deciding(report).message


def test_query_is_cancelled_and_its_session_stays(gate: Gate, app: Role) -> None:
    """No more is done than is needed."""
    cancel(gate, Endable.QUERY)
    with gate.database.connect(app) as worker:

        def work() -> None:
            with pytest.raises(QueryCanceled):
                worker.execute("SELECT pg_sleep(60) FROM (SELECT count(*) FROM t) AS x")

        with meanwhile(work):
            eventually(lambda: is_running(gate.database, "FROM t"))
            report = gate.run(ALTER)
        assert worker.execute("SELECT 1").fetchone() == (1,)
    assert report.exit_code is ExitCode.OK, report.verdict
    assert ended(report)[0].message.startswith("query cancelled, as it was in the way: ")


def test_missing_right_is_told(gate: Gate, app: Role, make_role: Callable[..., Role]) -> None:
    """To be asked to and to be allowed to are two things."""
    gate.limit(BRIEF)
    cancel(gate, Endable.IDLE)
    migrator = make_role()
    gate.database.execute(
        f"GRANT pg_read_all_stats TO {migrator.name};"
        f"GRANT ALL ON SCHEMA public TO {migrator.name};"
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {migrator.name};"
        f"ALTER TABLE t OWNER TO {migrator.name}"
    )
    target = target_of(gate.database, migrator)
    gate.settings = gate.settings._replace(database=gate.settings.database._replace(target=target))
    with holder(gate, app) as other:
        report = gate.run(ALTER)
        assert other.execute("SELECT 1").fetchone() == (1,)
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    (finding,) = ended(report)
    assert finding.message.startswith("not ended, ")
    assert finding.hint == "Grant pg_signal_backend to the role that migrates."
    assert finding.facts["ended"] is False


def test_gate_leaves_them_to_the_migration(gate: Gate, app: Role) -> None:
    """The blockers gate would refuse what the migration is allowed to end."""
    cancel(gate, Endable.IDLE)
    blockers = gate.settings.blockers._replace(policy=Policy.ENFORCE)
    gate.settings = gate.settings._replace(blockers=blockers)
    assert BlockerPolicy(timedelta(1)).cancels == frozenset()
    with holder(gate, app):
        report = gate.run(ALTER)
    assert report.exit_code is ExitCode.OK, report.verdict
    warned = [item for result in report.results for item in result.findings]
    hints = [item.hint for item in warned if item.rule == "blocker-lock"]
    assert len(hints) == 1
    assert "PRESYNC_CANCEL_BLOCKERS" in hints[0]
