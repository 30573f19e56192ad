"""The blockers are looked for again before each further attempt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

import psycopg
import pytest
from psycopg.rows import TupleRow

from hook.clock import Interrupt
from hook.core.outcome import Policy
from hook.core.sessions.blockers import BlockerPolicy
from hook.errors import ExitCode
from hook.postgres.retry_gate import Asking, RetryGate
from hook.stages import Context
from tests.testbed.database import Database, Role
from tests.testbed.gate import Gate, Running, deciding, run_settings
from tests.testbed.run_context import eventually, is_running, open_session, target_of

# No lock_timeout ends this wait.
DOOR = (
    "DO $$ BEGIN WHILE NOT pg_try_advisory_xact_lock(7) LOOP PERFORM pg_sleep(0.01);"
    " END LOOP; END $$"
)
FILES = {"V2__wait.sql": DOOR, "V3__x.sql": "ALTER TABLE t ADD x int"}
CALLBACKS = {
    "V2__wait.sql": DOOR,
    "afterMigrate.sql": "ALTER TABLE t ADD x int",
}
COLUMNS = "SELECT count(*) FROM information_schema.columns WHERE table_name = 't'"
RUNGS = 4
# Not to be used up before somebody leaves, however late.
PLENTY = 20


@pytest.fixture(autouse=True)
def _released(gate: Gate) -> None:
    """Begin with a table."""
    assert gate.run({"V1__t.sql": "CREATE TABLE t (id int)"}).exit_code is ExitCode.OK
    gate.limit(run_settings(ladder=[0.1] * RUNGS))


def ask(gate: Gate, policy: Policy) -> None:
    """Let *gate* have *policy* for blockers, and not wait for them in front of the lock."""
    blockers = gate.settings.blockers._replace(policy=policy, wait=timedelta(0))
    gate.settings = gate.settings._replace(blockers=blockers)


@contextmanager
def held_behind_the_gate(
    gate: Gate, files: Mapping[str, str] = FILES
) -> Iterator[tuple[Running, psycopg.Connection[TupleRow]]]:
    """Hold the table from the moment on that the run has passed its gates."""
    with gate.database.connect() as door, gate.database.connect(autocommit=False) as holder:
        door.execute("SELECT pg_advisory_lock(7)")
        gate.release(files)
        running = gate.start()
        eventually(lambda: is_running(gate.database, "pg_try_advisory_xact_lock"))
        holder.execute("SELECT id FROM t")
        door.execute("SELECT pg_advisory_unlock(7)")
        yield running, holder


def blocked(gate: Gate) -> list[dict[str, object]]:
    """Return the attempts in whose way somebody was."""
    return gate.events.named("retry.blocked")


def test_attempts_are_withheld_while_somebody_is_in_the_way(gate: Gate) -> None:
    """Nobody has to queue behind an attempt that cannot succeed; the message names who it is."""
    ask(gate, Policy.ENFORCE)
    with held_behind_the_gate(gate) as (running, holder):
        report = running.report()
        pid = holder.info.backend_pid
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    message = deciding(report).message
    assert "(1 attempt, 3 more withheld); still in the way: pid" in message
    assert f"pid {pid} (user postgres" in message
    assert "holds AccessShareLock on t, AccessExclusiveLock is wanted" in message
    assert f"SELECT pg_terminate_backend({pid});" in deciding(report).hint
    assert deciding(report).facts["withheld"] == 3
    assert [item["is_made"] for item in blocked(gate)] == [False] * 3
    assert len(gate.events.named("retry.scheduled")) == 1
    assert gate.database.query(COLUMNS) == [(1,)]


def test_attempt_is_made_once_nobody_is_in_the_way(gate: Gate) -> None:
    """The ladder goes on where it was."""
    ask(gate, Policy.ENFORCE)
    gate.limit(run_settings(ladder=[0.1] * PLENTY))
    with held_behind_the_gate(gate) as (running, holder):
        eventually(lambda: bool(blocked(gate)))
        holder.rollback()
        report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.migrations[1].attempts == 2
    assert gate.database.query(COLUMNS) == [(2,)]


def test_attempts_at_a_callback_are_withheld_while_somebody_is_in_the_way(gate: Gate) -> None:
    """As those at a migration; the migrations before it stay."""
    ask(gate, Policy.ENFORCE)
    with held_behind_the_gate(gate, CALLBACKS) as (running, holder):
        report = running.report()
        pid = holder.info.backend_pid
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    message = deciding(report).message
    assert message.startswith("callback afterMigrate.sql:1 55P03 ")
    assert "(1 attempt, 3 more withheld); still in the way: pid" in message
    assert f"pid {pid} (user postgres" in message
    assert [item["is_made"] for item in blocked(gate)] == [False] * 3
    assert {item["script"] for item in blocked(gate)} == {"afterMigrate.sql"}
    assert gate.database.query(COLUMNS) == [(1,)]


def test_attempt_at_a_callback_is_made_once_nobody_is_in_the_way(gate: Gate) -> None:
    """The ladder goes on where it was."""
    ask(gate, Policy.ENFORCE)
    gate.limit(run_settings(ladder=[0.1] * PLENTY))
    with held_behind_the_gate(gate, CALLBACKS) as (running, holder):
        eventually(lambda: bool(blocked(gate)))
        holder.rollback()
        report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.database.query(COLUMNS) == [(2,)]


def test_warning_withholds_nothing(gate: Gate) -> None:
    """Who is in the way is told, and every attempt made."""
    ask(gate, Policy.WARN)
    with held_behind_the_gate(gate) as (running, _holder):
        report = running.report()
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    assert f"({RUNGS} attempts)" in deciding(report).message
    assert [item["is_made"] for item in blocked(gate)] == [True] * 3


def test_gate_that_is_off_is_not_asked(gate: Gate) -> None:
    """Nobody looks."""
    with held_behind_the_gate(gate) as (running, _holder):
        report = running.report()
    assert f"({RUNGS} attempts)" in deciding(report).message
    assert blocked(gate) == []


def test_what_cannot_be_found_out_is_in_the_way(
    database: Database, make_role: Callable[..., Role], ctx: Context, interrupt: Interrupt
) -> None:
    """A look that is refused is no all-clear; a lost connection is the next attempt's matter."""
    database.execute("REVOKE SELECT ON pg_catalog.pg_stat_activity FROM PUBLIC")
    gate = RetryGate(Policy.ENFORCE, BlockerPolicy(timedelta(minutes=30)))
    with open_session(target_of(database, make_role()), interrupt) as session:
        asking = Asking(gate, ctx.clock, ())
        asking.look(session)
        assert [item.code for item in asking.found] == [ExitCode.AUTH]
        assert asking.withholds()
        database.query(f"SELECT pg_terminate_backend({session.pid})")
        asking.look(session)
        assert asking.found == ()
        assert not asking.withholds()
        assert asking.withheld == 1
