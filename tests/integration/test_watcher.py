"""Migrations that give up for the sake of those who wait behind them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import psycopg
import pytest
from psycopg.rows import TupleRow

from hook.core.damage_budget import DamageBudget
from hook.core.report import Report
from hook.errors import DatabaseUnreachable, ExitCode
from hook.postgres.session import Session
from hook.stages import Context
from hook.stages.migrate.ending import Ending
from hook.stages.migrate.watcher import Subject, Watcher
from tests.testbed.database import Database, Role
from tests.testbed.gate import Gate, deciding, run_settings
from tests.testbed.readers import reading
from tests.testbed.run_context import RUN_ID, eventually, meanwhile, open_session, target_of

TABLE = "CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t VALUES (1, 'a')"
ALTER = {"V2__x.sql": "SELECT 1;\nALTER TABLE t ADD x int"}
OWN_SESSIONS = (
    "SELECT pid, query FROM pg_stat_activity"
    f" WHERE application_name LIKE 'presync/%run={RUN_ID}' AND pid <> pg_backend_pid()"
)
WATCHING = f"{OWN_SESSIONS} AND query LIKE '-- Sessions by pid%'"
ASLEEP = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
WAITING = "SELECT 1 FROM pg_locks WHERE relation = 't'::regclass AND NOT granted"
Connection = psycopg.Connection[TupleRow]


@pytest.fixture(autouse=True)
def _released(gate: Gate) -> Iterator[None]:
    """Begin with a table, and leave no session of the run behind."""
    assert gate.run({"V1__t.sql": TABLE}).exit_code is ExitCode.OK
    patient(gate, 0.4, 1.0)
    yield
    eventually(lambda: not gate.database.query(OWN_SESSIONS))


def patient(gate: Gate, attempt: float, run: float, rungs: int = 3) -> None:
    """Let *gate* wait for locks as long as the damage budget lasts."""
    limits = run_settings(ladder=[30] * rungs)
    gate.limit(limits._replace(damage_budget=DamageBudget(attempt, run)))


@contextmanager
def holder(gate: Gate, statement: str = "SELECT id FROM t") -> Iterator[Connection]:
    """Run *statement* in a transaction that stays open and idle."""
    with gate.database.connect(autocommit=False) as other:
        other.execute("SET application_name = 'console'")
        other.execute(statement.encode())
        yield other


def waiting_of(report: Report) -> list[dict[str, Any]]:
    """Return who waited behind the migration that failed."""
    return cast("list[dict[str, Any]]", deciding(report).facts["waiting"])


def blockers_of(report: Report) -> list[dict[str, Any]]:
    """Return who stood in the way of it."""
    return cast("list[dict[str, Any]]", deciding(report).facts["blockers"])


def reasons(gate: Gate) -> list[object]:
    """Return why attempts were given up that others followed."""
    return [item.get("given_up_for") for item in gate.events.named("retry.scheduled")]


def test_budget_of_an_attempt_lets_the_readers_go_on(gate: Gate) -> None:
    """The queue behind us is dissolved each time; in the end nothing was harmed or changed."""
    patient(gate, 0.4, 60)
    with holder(gate) as other, reading(gate.database, 1) as readers:
        report = gate.run(ALTER)
        pid = other.info.backend_pid
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    assert report.verdict.startswith("FAILED 32 CONTENTION: V2__x.sql:2 given up, as 1 session")
    assert report.verdict.endswith("; rolled back, at 1")
    finding = deciding(report)
    assert f"(3 attempts); in the way: pid {pid} (user postgres, console, client" in finding.message
    assert "idle in transaction for" in finding.message
    assert "holds AccessShareLock on t; waiting: pid " in finding.message
    assert "waits for AccessShareLock on t" in finding.message
    assert f"SELECT pg_terminate_backend({pid});" in finding.hint
    assert reasons(gate) == ["damage budget of an attempt"] * 2
    # The server may be slow to notice, but not as slow as the lock_timeout of 30 s.
    assert readers.longest < 10
    assert gate.history() == [(1, "1", "V1__t.sql", True)]


def test_census_holds_no_sql(gate: Gate) -> None:
    """Whose statement it is may be nobody's business; everything else is told."""
    with holder(gate, "SELECT id, 'secret' FROM t") as other, reading(gate.database, 1):
        report = gate.run(ALTER)
        pid = other.info.backend_pid
    (blocker,) = blockers_of(report)
    assert blocker.pop("state_ms") > 0
    assert blocker == {
        "pid": pid,
        "user": "postgres",
        "application": "console",
        "client": "127.0.0.1",
        "state": "idle in transaction",
        "locks": [{"relation": "t", "mode": "AccessShareLock", "granted": True}],
    }
    assert waiting_of(report)[0]["application"] == "web"
    assert "secret" not in str(gate.events.told)
    assert "secret" not in str(report)


def test_budget_of_the_run_ends_the_ladder(gate: Gate) -> None:
    """Although attempts are left, no more damage is done."""
    patient(gate, 0.4, 0.6, rungs=20)
    with holder(gate), reading(gate.database, 1):
        report = gate.run(ALTER)
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    finding = deciding(report)
    assert finding.facts["given_up_for"] == "damage budget of the run"
    assert "0.6 are the run's budget" in finding.message
    assert finding.facts["attempts"] in {1, 2}


def test_share_of_waiting_sessions_is_limited(gate: Gate) -> None:
    """Most clients of a small pool are stuck long before the seconds add up."""
    patient(gate, 1000, 1000)
    with holder(gate), reading(gate.database, 3) as readers:
        report = gate.run(ALTER)
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    assert reasons(gate)[:2] == ["share of waiting sessions"] * 2
    assert readers.longest < 10


def test_holder_that_leaves_in_time_costs_nothing(gate: Gate) -> None:
    """Who waits without anybody behind has all the time of the ladder."""
    with holder(gate) as other:
        running = gate.start(ALTER)
        eventually(lambda: bool(gate.database.query(WATCHING)))
        other.rollback()
        report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.migrations[0].attempts == 1


def test_locks_held_for_long_are_damage_too(gate: Gate) -> None:
    """Nobody is in the way: the migration itself takes too long, and will do so again."""
    script = {"V2__x.sql": "ALTER TABLE t ADD x int;\nSELECT pg_sleep(60)"}
    patient(gate, 0.4, 0.6)
    with reading(gate.database, 1) as readers:
        report = gate.run(script)
    assert report.exit_code is ExitCode.BUDGET, report.verdict
    assert report.verdict.startswith("FAILED 23 BUDGET: V2__x.sql:2 given up, as 1 session waited")
    assert "PRESYNC_DAMAGE_BUDGET" in deciding(report).hint
    assert "in the way" not in deciding(report).message
    assert readers.longest < 10


def test_queue_behind_somebody_else_counts(gate: Gate) -> None:
    """The reader waits for a TRUNCATE that waits for us: only both are too many."""
    script = {"V2__x.sql": "SELECT id FROM t;\nSELECT pg_sleep(60)"}
    patient(gate, 1000, 1000, rungs=1)
    with gate.database.connect() as truncating:
        running = gate.start(script)
        eventually(lambda: bool(gate.database.query(ASLEEP)))
        with meanwhile(lambda: truncating.execute("TRUNCATE t")):
            eventually(lambda: bool(gate.database.query(f"{WAITING} AND mode LIKE 'AccessEx%'")))
            with reading(gate.database, 1, "SELECT id FROM t WHERE id = 1"):
                report = running.report()
    assert report.exit_code is ExitCode.BUDGET, report.verdict
    locks = [item["locks"][0]["mode"] for item in waiting_of(report)]
    assert sorted(locks) == ["AccessExclusiveLock", "AccessShareLock"]


def test_maintenance_that_waits_is_no_damage(gate: Gate) -> None:
    """A VACUUM can wait; nobody waits for it."""
    script = {"V2__x.sql": "LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE;\nSELECT pg_sleep(2)"}
    patient(gate, 0.1, 0.1)
    with gate.database.connect() as vacuuming:
        running = gate.start(script)
        eventually(lambda: bool(gate.database.query(ASLEEP)))
        with meanwhile(lambda: vacuuming.execute("VACUUM t")):
            report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.migrations[0].attempts == 1


def test_writer_behind_a_row_counts(gate: Gate) -> None:
    """A row lock makes others wait as a table lock does."""
    script = {"V2__x.sql": "UPDATE t SET name = 'b';\nSELECT pg_sleep(60)"}
    query = "UPDATE t SET name = 'c' WHERE id = 1"
    with reading(gate.database, 1, query):
        report = gate.run(script)
    assert report.exit_code is ExitCode.BUDGET, report.verdict
    assert "waits for a row" in deciding(report).message


def test_nobody_harmed_is_no_reason_to_give_up(gate: Gate) -> None:
    """A long migration on tables of its own is left alone."""
    patient(gate, 0.001, 0.001)
    with reading(gate.database, 2):
        report = gate.run({"V2__x.sql": "CREATE TABLE u (); SELECT pg_sleep(1)"})
    assert report.exit_code is ExitCode.OK, report.verdict


def test_quick_migration_opens_no_connection(gate: Gate, database: Database) -> None:
    """Who has ended before the first look pays for none."""
    opened: list[str] = []

    def connect(ctx: Context) -> Session:
        opened.append(ctx.run_id)
        raise DatabaseUnreachable("not to be opened")

    ctx = gate.context()
    watcher = Watcher(ctx, connect, DamageBudget(10, 20), Ending(ctx))
    with open_session(target_of(database), gate.interrupt) as session:
        watcher.begin(Subject(session.pid, 3600))
        assert watcher.over(session).run("SELECT pg_sleep(0.3)").failure is None
    assert opened == []


def test_lost_sight_ends_the_wait(gate: Gate) -> None:
    """Whoever ends the watching connection ends the wait of the migration as well."""
    patient(gate, 1000, 1000)

    def is_given_up() -> bool:
        # One that is ended before it has told anything is replaced at once.
        gate.database.query(f"SELECT pg_terminate_backend(pid) FROM ({WATCHING}) AS x")
        return bool(gate.events.named("retry.scheduled"))

    with holder(gate) as other:
        running = gate.start(ALTER)
        eventually(is_given_up)
        other.rollback()
        report = running.report()
    assert reasons(gate) == ["loss of sight"]
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.migrations[0].attempts == 2


def test_script_may_call_itself_what_it_likes(gate: Gate) -> None:
    """Its backend is found all the same."""
    script = "SET application_name = 'mine'; SELECT pg_sleep(3)"
    report = gate.run({"V2__x.sql": script})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.migrations[0].attempts == 1


def test_another_server_is_no_all_clear(gate: Gate, database: Database) -> None:
    """Where our backend is not, nobody waits for it: that says nothing."""
    ctx, nobody = gate.context(), 2**31 - 1
    target = target_of(database)
    watcher = Watcher(
        ctx, lambda _: open_session(target, gate.interrupt), DamageBudget(10, 20), Ending(ctx)
    )
    with open_session(target, gate.interrupt) as session:
        watcher.begin(Subject(nobody, 0.0))
        outcome = watcher.over(session).run("SELECT pg_sleep(60)")
        watcher.close()
    assert outcome.failure is not None
    assert outcome.failure.sqlstate == "57014"
    assert "the backend that migrates is not there" in watcher.end().given_up_for


def test_no_sight_at_all_is_no_licence(gate: Gate, make_role: Callable[..., Role]) -> None:
    """Without a connection to look from, nothing goes on for long; the override is named."""
    role = make_role(attributes="CONNECTION LIMIT 2")
    gate.database.execute(f"GRANT ALL ON SCHEMA public TO {role.name}")
    gate.database.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role.name}")
    target = target_of(gate.database, role)
    gate.settings = gate.settings._replace(database=gate.settings.database._replace(target=target))
    patient(gate, 1000, 1000, rungs=1)
    report = gate.run({"V2__x.sql": "SELECT pg_sleep(60)"})
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    assert "too many connections for role" in deciding(report).message
    assert "PRESYNC_DAMAGE_BUDGET=off" in deciding(report).hint
    gate.limit(gate.settings.run._replace(damage_budget=None))
    assert gate.run({"V2__x.sql": "SELECT pg_sleep(3)"}).exit_code is ExitCode.OK


def test_index_built_concurrently_waits_for_nobody_of_ours(gate: Gate) -> None:
    """The watcher keeps no snapshot; and to lose it is no reason to leave half an index."""
    patient(gate, 0.001, 0.001)
    snapshot = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1"
    with gate.database.connect(autocommit=False) as other:
        other.execute(snapshot)
        running = gate.start({"V2__x.sql": "CREATE INDEX CONCURRENTLY i ON t (name)"})
        pids: list[object] = []
        for _ in range(2):
            eventually(lambda: gate.database.query(WATCHING)[:1] not in ([], pids))
            pids[:] = gate.database.query(WATCHING)
            gate.database.query(f"SELECT pg_terminate_backend(pid) FROM ({WATCHING}) AS x")
        other.rollback()
        report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.migrations[0].attempts == 1
    is_valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass"
    assert gate.database.query(is_valid) == [(True,)]


def test_prepared_transaction_is_named(gate: Gate) -> None:
    """It has no session; a command ends it."""
    patient(gate, 0.4, 60, rungs=1)
    with gate.database.connect(autocommit=False) as other:
        other.execute("SELECT id FROM t")
        other.execute("PREPARE TRANSACTION 'left over'")
    with reading(gate.database, 1):
        report = gate.run(ALTER)
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    assert "; in the way: prepared transaction left over; waiting: " in deciding(report).message
    assert "ROLLBACK PREPARED 'left over';" in deciding(report).hint


def test_what_the_server_hides_is_told_as_hidden(
    gate: Gate, make_role: Callable[..., Role]
) -> None:
    """Every role sees who waits for whom, and the locks; not every role sees the rest."""
    role = make_role()
    gate.database.execute(
        f"GRANT ALL ON SCHEMA public TO {role.name};"
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role.name};"
        f"ALTER TABLE t OWNER TO {role.name}"
    )
    target = target_of(gate.database, role)
    gate.settings = gate.settings._replace(database=gate.settings.database._replace(target=target))
    patient(gate, 0.4, 60, rungs=1)
    with holder(gate) as other, reading(gate.database, 1):
        report = gate.run(ALTER)
        pid = other.info.backend_pid
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    assert (
        f"in the way: pid {pid} (user postgres, console) state and age hidden from this role,"
        " holds AccessShareLock on t; waiting: pid "
    ) in deciding(report).message
