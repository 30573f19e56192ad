"""The deadline of a run bounds what presync itself asks of the server, and tells who is in the way.

What a migration waits for has limits of its own, which other tests look at.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

import pytest

from hook import bootstrap
from hook.clock import Bounds, Interrupt
from hook.core.reporting.report import Report
from hook.core.schema_history.orders import Orders
from hook.core.scripts.migration_set import MigrationSet
from hook.core.sessions.census import Census
from hook.errors import (
    DatabaseUnreachable,
    DeadlineExceeded,
    ExitCode,
    Interrupted,
    LockContention,
)
from hook.postgres.facts import fetch_server_facts
from hook.postgres.patience import Patience
from hook.postgres.session import Session
from hook.settings import Settings
from hook.stages import Context
from hook.stages.verify import VerifyStage
from tests.testbed.contention import blockers_of, holder
from tests.testbed.database import Database, Role
from tests.testbed.gate import WORDING, Gate, deciding, run_settings
from tests.testbed.release import engine_on
from tests.testbed.run_context import eventually, is_running, open_session, target_of

Command = Callable[[Settings, Context], Report]
CONFIRMED = Orders(is_confirmed=True)
COMMANDS: Mapping[str, Command] = {
    "run": partial(bootstrap.run, orders=Orders(), wording=WORDING),
    "check": bootstrap.check,
    "plan": bootstrap.plan,
    "info": bootstrap.info,
    "info --runs": bootstrap.runs,
    "validate": bootstrap.validate,
    "verify": bootstrap.verify,
    "repair": partial(bootstrap.repair, orders=CONFIRMED, wording=WORDING),
    "baseline": partial(bootstrap.baseline, orders=CONFIRMED, wording=WORDING),
}
HISTORY = "flyway_schema_history"
UNKNOWN = r"no answer to a query within 0\.3s; whom it waited for could not be found out: "
# Far from the minute after which a question of presync's own is given up in any case.
SOON_MS = 45_000


@pytest.fixture
def released(gate: Gate) -> Gate:
    """Return a gate with one migration applied and one pending."""
    assert gate.run({"V1__t.sql": "CREATE TABLE t (id int)"}).exit_code is ExitCode.OK
    gate.release({"V2__x.sql": "ALTER TABLE t ADD x int"})
    return gate


def out_of_time(gate: Gate, run: Callable[[], Report], told: str = " for pid ") -> Report:
    """Let *gate* *run* with so little time that it ends where *told* is told, and no sooner."""
    seconds = 1
    while True:
        gate.limit(run_settings(deadline=seconds))
        report = run()
        if told in report.verdict or seconds > SOON_MS / 2000:
            return report
        seconds *= 4


def assert_given_up_for(pid: int, lock: str, report: Report) -> None:
    """The deadline ended *report*, and it says for whom it waited."""
    assert report.exit_code is ExitCode.BUDGET, report.verdict
    told = deciding(report)
    assert told.message.startswith("PRESYNC_DEADLINE is used up: waited ")
    assert f" for pid {pid} (user postgres, console, client " in told.message
    assert f"holds {lock}" in told.message
    assert f"SELECT pg_terminate_backend({pid});" in told.hint
    assert [item["pid"] for item in blockers_of(report)] == [pid]
    assert f"pid {pid} (user postgres, console" in report.verdict
    assert report.duration_ms < SOON_MS


@pytest.mark.parametrize("name", COMMANDS)
def test_locked_history_ends_every_command_at_the_deadline(name: str, released: Gate) -> None:
    """Whoever holds the lock is named in the verdict; the read is cancelled."""
    with holder(released, f"LOCK TABLE {HISTORY}") as other:
        command = COMMANDS[name]
        report = out_of_time(released, lambda: command(released.settings, released.context()))
        pid = other.info.backend_pid
        assert not is_running(released.database, "installed_rank")
    assert_given_up_for(pid, f"AccessExclusiveLock on {HISTORY}", report)
    assert report.verdict.endswith("; database untouched")


def test_history_that_somebody_is_about_to_create_ends_at_the_deadline(gate: Gate) -> None:
    """The server waits for whether the other one commits."""
    gate.release({"V1__t.sql": "CREATE TABLE t (id int)"})
    with holder(gate, f"CREATE TABLE {HISTORY} (installed_rank int)") as other:
        report = out_of_time(gate, gate.run)
        pid = other.info.backend_pid
    assert_given_up_for(pid, "a row that it changed", report)
    assert gate.database.query("SELECT to_regclass('t')") == [(None,)]


def test_locked_ledger_ends_the_run_at_the_deadline(released: Gate) -> None:
    """A ledger that cannot be read is no reason to stop; that the time is over is one."""
    with holder(released, "LOCK TABLE presync_run") as other:
        report = out_of_time(released, released.run)
        pid = other.info.backend_pid
    assert_given_up_for(pid, "AccessExclusiveLock on presync_run", report)
    assert deciding(report) in report.results[-1].findings
    assert report.results[-1].name == "memory"


def test_row_of_the_ledger_is_not_waited_for_beyond_the_deadline(gate: Gate) -> None:
    """It is written last of all that comes in front of the first script."""
    gate.release({"V1__t.sql": "CREATE TABLE t (id int)"})
    with holder(gate, "CREATE TABLE presync_run (id int)") as other:
        report = out_of_time(gate, gate.run)
        pid = other.info.backend_pid
    assert_given_up_for(pid, "a row that it changed", report)
    assert gate.database.query("SELECT to_regclass('t')") == [(None,)]


def test_run_that_is_lost_at_the_history_does_not_claim_that_it_is_not_there(gate: Gate) -> None:
    """The server may have created it all the same, when the second connection is lost too."""
    with holder(gate, f"CREATE TABLE {HISTORY} (installed_rank int)"):
        running = gate.start({"V1__t.sql": "CREATE TABLE t (id int)"})
        creating = "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'CREATE%'"
        ended: set[object] = set()
        while len(ended) < 2:
            eventually(lambda: bool(gate.database.query(f"SELECT {creating}")))
            pids = gate.database.query(f"SELECT pid, pg_terminate_backend(pid) {creating}")
            ended |= {pid for pid, _ in pids}
        report = running.report()
    assert report.exit_code is ExitCode.UNREACHABLE, report.verdict
    assert "untouched" not in report.verdict


def test_sql_of_each_connection_ends_at_the_deadline(gate: Gate) -> None:
    """It is what the run waits for before it has asked anything."""
    execution = gate.settings.migrations.execution._replace(init_sql="SELECT pg_sleep(600)")
    gate.settings = gate.settings._replace(
        migrations=gate.settings.migrations._replace(execution=execution)
    )
    report = out_of_time(gate, gate.run, "FLYWAY_INIT_SQL")
    assert report.exit_code is ExitCode.BUDGET
    assert "FLYWAY_INIT_SQL has not ended" in report.verdict
    assert report.duration_ms < SOON_MS


def test_verify_ends_at_the_deadline(released: Gate) -> None:
    """What is read behind the migrations has the same limit."""
    engine = engine_on(released.folder)
    with open_session(target_of(released.database), released.interrupt) as session:
        facts = fetch_server_facts(session)
        stage, migration_set = VerifyStage(engine), MigrationSet((), "")
        plan, _ = engine.plan(migration_set, engine.read_history(session, facts))
        before = stage.look_before(session, migration_set, plan)
        with holder(released, f"LOCK TABLE {HISTORY}"):
            # What is read is waited for at once, and all of the time is for that.
            released.limit(run_settings(deadline=4))
            ctx = released.context()
            bounded = within(session, ctx.bounds)
            with pytest.raises(DeadlineExceeded, match=f"on {HISTORY}"):
                stage.run(ctx, bounded, facts, before)


def test_answer_that_does_not_come_names_who_is_in_the_way(
    gate: Gate, interrupt: Interrupt
) -> None:
    """A question has a limit of its own; what it waits for may be over at the next attempt."""
    gate.database.execute("CREATE TABLE t ()")
    with (
        holder(gate, "LOCK TABLE t") as other,
        open_session(target_of(gate.database), interrupt) as opened,
        pytest.raises(LockContention, match=f"waited .*s for pid {other.info.backend_pid} "),
    ):
        within(opened, Bounds(interrupt), 0.3).fetch("SELECT FROM t")


def test_answer_that_does_not_come_accuses_nobody_who_cannot_be_seen(
    gate: Gate, make_role: Callable[..., Role], interrupt: Interrupt
) -> None:
    """The role may open no further session to look with, and that is said."""
    role = make_role(attributes="CONNECTION LIMIT 1")
    gate.database.execute("CREATE TABLE t (); GRANT SELECT ON t TO PUBLIC")
    with (
        holder(gate, "LOCK TABLE t"),
        open_session(target_of(gate.database, role), interrupt) as opened,
        pytest.raises(DatabaseUnreachable, match=UNKNOWN) as caught,
    ):
        within(opened, Bounds(interrupt), 0.3).fetch("SELECT FROM t")
    assert "too many connections for role" in caught.value.message


def test_look_that_lands_on_another_server_is_none(
    database: Database, interrupt: Interrupt
) -> None:
    """One of several hosts may answer, and know nothing of the backend that waits."""
    with open_session(target_of(database), interrupt) as opened:
        onlook = opened._patience.onlook
        assert onlook is not None
        assert onlook() == Census()
        pid = opened.pid
    eventually(lambda: not database.query(f"SELECT FROM pg_stat_activity WHERE pid = {pid}"))
    assert onlook().unseen.endswith(f"backend {pid} is not there")


def test_lock_timeout_of_the_role_names_who_is_in_the_way(
    gate: Gate, make_role: Callable[..., Role], interrupt: Interrupt
) -> None:
    """The server ends the wait without a name; it is asked once more, and looked meanwhile."""
    role = make_role()
    gate.database.execute(
        f"CREATE TABLE t (); GRANT SELECT ON t TO PUBLIC;"
        f" ALTER ROLE {role.name} SET lock_timeout = '3s'; GRANT pg_monitor TO {role.name}"
    )
    with (
        holder(gate, "LOCK TABLE t") as other,
        open_session(target_of(gate.database, role), interrupt) as opened,
    ):
        pid = other.info.backend_pid
        with pytest.raises(LockContention) as caught:
            opened.fetch("SELECT FROM t")
    assert caught.value.message.startswith(f"waited for pid {pid} (user postgres, console, client ")
    assert "lock timeout (55P03)" in caught.value.message
    assert f"SELECT pg_terminate_backend({pid});" in caught.value.hint


def test_slow_answer_is_no_lock(database: Database, interrupt: Interrupt) -> None:
    """Nobody is in the way of a server that only takes its time; the query is cancelled."""
    with open_session(target_of(database), interrupt) as opened:
        session = within(opened, Bounds(interrupt), 0.3)
        with pytest.raises(DatabaseUnreachable, match=r"to a query within 0\.3s$") as caught:
            session.fetch("SELECT pg_sleep(600)")
        assert caught.value.hint.endswith("no session is in the way of the query.")
        assert session.fetch("SELECT 1") == [(1,)]


def test_stop_request_during_the_last_look_is_a_stop(gate: Gate, interrupt: Interrupt) -> None:
    """Whoever looks around hears of it as well."""

    def look() -> Census:
        interrupt.set("SIGTERM")
        return Census()

    gate.database.execute("CREATE TABLE t ()")
    with (
        holder(gate, "LOCK TABLE t"),
        open_session(target_of(gate.database), interrupt) as opened,
    ):
        patience = Patience(Bounds(interrupt), 0.3, onlook=look)
        session = Session(opened._link, opened.peer, patience)
        with pytest.raises(Interrupted):
            session.fetch("SELECT FROM t")
        assert not is_running(gate.database, "FROM t")


def within(session: Session, bounds: Bounds, seconds: float | None = None) -> Session:
    """Return *session* within other *bounds*, and with *seconds* for an answer if given."""
    patience: Patience = session._patience._replace(bounds=bounds)
    return Session(session._link, session.peer, patience.at_most(seconds))
