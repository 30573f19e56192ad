"""Migrations among other sessions: who waits, for how long, and what is tried again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise

import psycopg
import pytest
from psycopg.rows import TupleRow

from hook.core.execution.failure_advice import TRIED_AGAIN
from hook.core.outcome import Status
from hook.errors import ExitCode
from hook.settings.durations import parse_ladder
from tests.testbed.gate import Gate, deciding, run_settings
from tests.testbed.run_context import eventually, meanwhile

TABLE = "CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t VALUES (1, 'a')"
ALTER = {"V2__x.sql": "ALTER TABLE t ADD x int"}
Connection = psycopg.Connection[TupleRow]
QUICK = timedelta(milliseconds=50)


@pytest.fixture(autouse=True)
def _released(gate: Gate) -> None:
    """Begin with a table."""
    assert gate.run({"V1__t.sql": TABLE}).exit_code is ExitCode.OK


@contextmanager
def holder(gate: Gate, statement: str = "LOCK TABLE t") -> Iterator[Connection]:
    """Run *statement* in a transaction that stays open."""
    with gate.database.connect(autocommit=False) as other:
        other.execute(statement.encode())
        yield other


def retried(gate: Gate) -> list[object]:
    """Return the SQLSTATEs for which another attempt was made."""
    return [item["sqlstate"] for item in gate.events.named("retry.scheduled")]


def test_rung_beyond_the_deadlock_timeout_follows_the_server(gate: Gate) -> None:
    """In callbacks too, and on a server where it is not the usual one."""
    gate.database.execute(f"ALTER DATABASE {gate.database.name} SET deadlock_timeout = '7s'")
    gate.limit(gate.settings.run._replace(lock_ladder=parse_ladder("deadlock+500ms")))
    look = "SELECT current_setting('lock_timeout') AS rung"
    files = {
        "V2__x.sql": f"CREATE TABLE x AS {look}",
        "beforeMigrate.sql": f"CREATE TABLE y AS {look}",
    }
    assert gate.run(files).exit_code is ExitCode.OK
    seen = gate.database.query("SELECT rung FROM x UNION ALL SELECT rung FROM y")
    assert seen == [("7500ms",), ("7500ms",)]


def test_each_attempt_has_the_next_rung(gate: Gate) -> None:
    """The first ones give way quickly, the later ones have more patience."""
    gate.limit(run_settings(ladder=[0.1, 0.3, 2]))
    lost = (
        "DO $$ BEGIN RAISE NOTICE 'rung %', current_setting('lock_timeout');"
        " RAISE EXCEPTION 'lost' USING ERRCODE = 'lock_not_available'; END $$"
    )
    assert gate.run({"V2__x.sql": lost}).exit_code is ExitCode.CONTENTION
    told = [text for name, text, _ in gate.events.told if name == "migration.notice"]
    assert [text.rpartition(" ")[2] for text in told] == ["100ms", "300ms", "2s"]


def test_lock_released_in_time_costs_an_attempt(gate: Gate) -> None:
    """The first attempt gives up its place in the queue, the second one gets the lock."""
    gate.limit(run_settings(ladder=[0.1, 30]))
    with holder(gate) as other:
        running = gate.start(ALTER)
        eventually(lambda: bool(gate.events.named("retry.scheduled")))
        other.rollback()
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.migrations[0].attempts == 2
    assert retried(gate) == ["55P03"]
    assert gate.events.named("migration.applied")[0]["attempts"] == 2
    (message,) = [text for name, text, _ in gate.events.told if name == "retry.scheduled"]
    assert message.startswith("V2__x.sql: attempt 1 of 2: 55P03 ")


def test_lock_never_released_is_contention(gate: Gate) -> None:
    """The ladder ends, everything is rolled back, and trying again later may help."""
    with holder(gate):
        report = gate.run(ALTER)
    assert report.verdict.startswith(
        "FAILED 32 CONTENTION: V2__x.sql:1 55P03 canceling statement due to lock timeout"
        " (3 attempts)"
    )
    assert report.verdict.endswith("; rolled back, at 1")
    assert retried(gate) == ["55P03", "55P03"]
    assert deciding(report).facts["attempts"] == 3
    assert len(gate.history()) == 1


def test_others_wait_no_longer_than_the_lock_timeout(gate: Gate) -> None:
    """Whoever queues behind us is let through when our attempt gives up."""
    gate.limit(run_settings(ladder=[2] * 20))
    with (
        holder(gate, "LOCK TABLE t IN ACCESS SHARE MODE") as other,
        gate.database.connect() as reader,
    ):
        running = gate.start(ALTER)
        waiting = "SELECT 1 FROM pg_locks WHERE relation = 't'::regclass AND NOT granted"
        eventually(lambda: bool(gate.database.query(waiting)))
        reader.execute("SET statement_timeout = '60s'")
        assert reader.execute("SELECT * FROM t").fetchall() == [(1, "a")]
        other.rollback()
        assert running.report().exit_code is ExitCode.OK


def test_deadlock_is_tried_again(gate: Gate) -> None:
    """The victim of a deadlock was in nobody's way; it starts over."""
    gate.limit(run_settings(ladder=[20] * 3))
    gate.database.execute("CREATE TABLE u (id int)")
    script = "LOCK TABLE t; SELECT pg_advisory_xact_lock(1); LOCK TABLE u"
    with (
        gate.database.connect() as door,
        holder(gate, "SET LOCAL deadlock_timeout = '1h'; LOCK TABLE u") as other,
    ):
        door.execute("SELECT pg_advisory_lock(1)")
        running = gate.start({"V2__x.sql": script})
        waiting = "SELECT 1 FROM pg_locks WHERE locktype = '{}' AND NOT granted"
        eventually(lambda: bool(gate.database.query(waiting.format("advisory"))))
        # Ours looks once whether it waits in a circle: by then the other one has to wait, too.
        with meanwhile(lambda: other.execute("LOCK TABLE t")):
            eventually(lambda: bool(gate.database.query(waiting.format("relation"))))
            door.execute("SELECT pg_advisory_unlock(1)")
        other.rollback()
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert retried(gate) == ["40P01"]


def test_serialization_failure_is_tried_again(gate: Gate) -> None:
    """A script that chose its isolation level runs again on fresh data."""
    script = (
        "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ;\nSELECT * FROM t;\n"
        "SELECT pg_advisory_xact_lock(1);\nUPDATE t SET name = name || 'x'"
    )
    gate.limit(run_settings(ladder=[20] * 3))
    with holder(gate, "SELECT pg_advisory_xact_lock(1)") as other:
        running = gate.start({"V2__x.sql": script})
        waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        eventually(lambda: bool(gate.database.query(waiting)))
        other.execute("UPDATE t SET name = 'b'")
        other.commit()
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert retried(gate) == ["40001"]
    assert gate.database.query("SELECT name FROM t") == [("bx",)]


def test_race_in_the_catalog_is_tried_again(gate: Gate) -> None:
    """Two sessions that replace the same function: one loses, and tries again."""
    replace = "CREATE OR REPLACE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'"
    gate.database.execute(replace)
    gate.limit(run_settings(ladder=[20] * 3))
    with holder(gate, replace) as other:
        running = gate.start({"V2__x.sql": replace.replace("SELECT 1", "SELECT 2")})
        waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted"
        eventually(lambda: bool(gate.database.query(waiting)))
        other.commit()
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert retried(gate) == ["XX000"]
    assert gate.database.query("SELECT f()") == [(2,)]


def test_error_of_the_script_is_tried_once(gate: Gate) -> None:
    """Trying again cannot mend a script."""
    report = gate.run({"V2__x.sql": "ALTER TABLE t DROP no"})
    assert report.exit_code is ExitCode.SQL_FAILED
    assert deciding(report).facts["attempts"] == 1
    assert retried(gate) == []


def test_statement_timeout_is_a_budget(gate: Gate) -> None:
    """A statement that takes too long is rolled back, with its line; the next run tries again."""
    gate.limit(run_settings(statement_timeout=gate.seconds_of_a_run()))
    report = gate.run({"V2__x.sql": "CREATE TABLE half ();\nSELECT pg_sleep(60)"})
    assert report.verdict == (
        "FAILED 23 BUDGET: V2__x.sql:2 57014 canceling statement due to statement timeout;"
        " rolled back, at 1"
    )
    assert deciding(report).hint.startswith("Raise PRESYNC_STATEMENT_TIMEOUT (")
    assert deciding(report).hint.endswith(TRIED_AGAIN)
    assert retried(gate) == []
    assert gate.run().verdict == report.verdict


def test_deadline_is_a_budget(gate: Gate) -> None:
    """The end of the whole run cancels the statement, and the setting is named."""
    gate.limit(run_settings(deadline=gate.seconds_of_a_run()))
    report = gate.run({"V2__x.sql": "CREATE TABLE half ();\nSELECT pg_sleep(60)"})
    assert report.verdict == (
        "FAILED 23 BUDGET: V2__x.sql:2 PRESYNC_DEADLINE is used up; rolled back, at 1"
    )
    assert "PRESYNC_DEADLINE" in deciding(report).hint


def test_deadline_between_attempts_ends_the_ladder(gate: Gate) -> None:
    """No attempt begins after the deadline."""
    gate.limit(run_settings(deadline=gate.seconds_of_a_run(), ladder=[0.1] * 50))
    with holder(gate):
        report = gate.run(ALTER)
    assert report.exit_code in {ExitCode.CONTENTION, ExitCode.BUDGET}
    assert report.verdict.endswith("; rolled back, at 1")


def test_statement_that_somebody_cancels_is_not_tried_again(gate: Gate) -> None:
    """Whoever cancels a migration does not want to do it twice."""
    running = gate.start({"V2__x.sql": "SELECT 1;\nSELECT pg_sleep(60)"})
    cancel = "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    eventually(lambda: bool(gate.database.query(cancel)))
    report = running.report()
    assert report.exit_code is ExitCode.BUDGET
    assert report.verdict.startswith("FAILED 23 BUDGET: V2__x.sql:2 57014 ")


def test_notices_are_told_and_bounded(gate: Gate) -> None:
    """What the server has to say is an event; a loop cannot flood the log."""
    script = (
        "CREATE TABLE IF NOT EXISTS t ();\n"
        "DO $$ BEGIN RAISE WARNING 'careful'; FOR i IN 1..500 LOOP RAISE NOTICE '%', i;"
        " END LOOP; END $$"
    )
    assert gate.run({"V2__x.sql": script}).exit_code is ExitCode.OK
    notices = gate.events.named("migration.notice")
    assert len(notices) == 101
    assert notices[0]["sqlstate"] == "42P07"
    assert [item["level"] for item in notices[:3]] == ["info", "warning", "info"]
    assert notices[-1]["dropped"] == 402
    (first, *_) = [text for name, text, _ in gate.events.told if name == "migration.notice"]
    assert first == 'V2__x.sql: NOTICE relation "t" already exists, skipping'


def test_ladder_that_autovacuum_ignores_is_told(gate: Gate) -> None:
    """Only a wait longer than deadlock_timeout makes autovacuum give way."""
    told = [item for result in gate.run(ALTER).results for item in result.findings]
    assert [item.rule for item in told if item.status is Status.WARNED] == [
        "backup-source",
        "lock-ladder",
    ]


def test_long_migration_is_not_silent(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Now and then there is a sign of life."""
    monkeypatch.setattr("hook.postgres.patience.HEARTBEAT_SECONDS", 0.05)
    gate.events.pace = QUICK
    gate.limit(run_settings(ladder=[30]))
    with gate.database.connect() as other:
        other.execute("SELECT pg_advisory_lock(1)")
        running = gate.start({"V2__x.sql": "SELECT pg_advisory_xact_lock(1)"})
        eventually(lambda: bool(gate.events.named("migration.progress")))
        other.execute("SELECT pg_advisory_unlock(1)")
        assert running.report().exit_code is ExitCode.OK
    beats = gate.events.named("migration.progress")
    assert {item["script"] for item in beats} == {"V2__x.sql"}
    assert all(isinstance(item["elapsed_ms"], int) for item in beats)


def test_migration_of_many_quick_statements_is_not_silent(gate: Gate) -> None:
    """Although an answer comes again and again: within the message, and behind it."""
    gate.events.pace = QUICK
    script = f"SELECT pg_sleep(0.3); SELECT '{'x' * 100_000}';\n" * 6
    assert gate.run({"V2__x.sql": script}).exit_code is ExitCode.OK
    elapsed = [int(str(item["elapsed_ms"])) for item in gate.events.named("migration.progress")]
    assert len(elapsed) >= 2
    assert all(later - earlier >= 50 for earlier, later in pairwise(elapsed))
