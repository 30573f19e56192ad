"""Connections that are lost before anything was migrated: at each stage, under the lock or not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest

from hook import bootstrap
from hook.bootstrap.reading import build_engine, build_reading
from hook.core.outcome import Policy, Status
from hook.core.reporting.report import Report
from hook.core.schema_history.orders import Orders
from hook.core.sessions.lock_key import migration_lock_key
from hook.demo.repository import STANZA
from hook.errors import ConnectionLost, DatabaseUnreachable, ExitCode
from hook.pipeline.ground import Ground
from hook.pipeline.journal import Journal
from hook.pipeline.reading import read_release
from hook.settings import BlockerSettings, Settings
from hook.settings.backup_source import parse_backup_source
from hook.stages import Context, Outcome
from tests.testbed.backup_gate import fresh_repository
from tests.testbed.contention import holder
from tests.testbed.deployment import OURS
from tests.testbed.gate import WORDING, Gate, Running, run_settings, settings_for
from tests.testbed.proxy import Fault, Proxy
from tests.testbed.run_context import eventually, is_running, meanwhile

# What is asked, in the words of the query.
LOCK = "pg_try_advisory_lock"
MARK = "pg_advisory_lock_shared($1"
MEMORY = "LIMIT $2"
RIGHTS = "has_column_privilege"
BLOCKERS = "pg_prepared_xacts"
INDEXES = "indisvalid"
BEHIND_GATES = "SET SESSION AUTHORIZATION DEFAULT"
STATE = "current_user::pg_catalog.text"
PROVOKED = "provokes this error"
UNPROBED = "CREATE MATERIALIZED VIEW x AS SELECT 1"
KEY = migration_lock_key("public", "flyway_schema_history")
PENDING = {"V2__x.sql": "CREATE TABLE x ()"}
CALLBACK = {**PENDING, "beforeMigrate.sql": "SELECT 1"}


@pytest.fixture
def proxied(gate: Gate, proxy: Proxy) -> Gate:
    """Return the gate with a proxy in front of its database, and something pending."""
    assert gate.run({"V1__t.sql": "CREATE TABLE t (id int)"}).exit_code is ExitCode.OK
    gate.settings = settings_for(proxy.target(gate.database), gate.folder)
    look_for_blockers(gate)
    return gate


def look_for_blockers(gate: Gate) -> None:
    """Let whoever is in the way of a run be waited for."""
    blockers = BlockerSettings(Policy.ENFORCE, timedelta(minutes=30), timedelta(seconds=60))
    gate.settings = gate.settings._replace(blockers=blockers)


def lose_at(proxy: Proxy, text: str, fault: Fault) -> None:
    """Lose the connection on which *text* is asked, with parameters or without."""
    proxy.lose(text, fault)
    proxy.lose_read(text, fault)


def judge_replaced(gate: Gate, report: Report) -> None:
    """The run has gone on, told of it, applied each script once, and left no session."""
    assert report.exit_code is ExitCode.OK, report.verdict
    assert len(gate.events.named("connection.lost")) == 1
    assert [row[2] for row in gate.history()] == ["V1__t.sql", "V2__x.sql"]
    eventually(lambda: not gate.database.query(f"SELECT 1 {OURS} '{gate.database.name}'"))


@pytest.mark.parametrize("fault", [Fault.REQUEST, Fault.REPLY])
@pytest.mark.parametrize("text", [LOCK, MARK, MEMORY, BLOCKERS, INDEXES, BEHIND_GATES, STATE])
def test_connection_that_is_lost_is_replaced(
    proxied: Gate, proxy: Proxy, text: str, fault: Fault
) -> None:
    """Whatever it was asked, and whether or not the server has heard of it."""
    lose_at(proxy, text, fault)
    judge_replaced(proxied, proxied.run(PENDING))


@pytest.mark.parametrize("text", [LOCK, MARK, MEMORY, BLOCKERS, INDEXES])
def test_connection_of_a_run_with_callbacks_is_replaced(
    proxied: Gate, proxy: Proxy, text: str
) -> None:
    """Before the first callback nothing was run either."""
    lose_at(proxy, text, Fault.REQUEST)
    judge_replaced(proxied, proxied.run(CALLBACK))


def test_right_of_the_role_is_asked_for_again(proxied: Gate, proxy: Proxy) -> None:
    """The gate is told once, as it ended."""
    lose_at(proxy, RIGHTS, Fault.REQUEST)
    report = proxied.run({"V2__x.sql": "VACUUM t"})
    judge_replaced(proxied, report)
    assert [result.name for result in report.results].count("rights") == 1


def test_what_was_applied_is_looked_at_again(gate: Gate) -> None:
    """It is committed, and needs no lock; the last callback ends the session that would look."""
    ours = f"SELECT pg_terminate_backend(pid) {OURS} current_database() AND pid <> pg_backend_pid()"
    but_the_lock = (
        "pid NOT IN (SELECT pid FROM pg_locks"
        " WHERE locktype = 'advisory' AND mode = 'ExclusiveLock')"
    )
    report = gate.run({**PENDING, "afterMigrate.sql": f"{ours} AND {but_the_lock}"})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert "1 applied (V2), at 2" in report.verdict
    assert len(gate.events.named("connection.lost")) == 1


COMMANDS: Mapping[str, Callable[[Settings, Context], Report]] = {
    "run": partial(bootstrap.run, orders=Orders(), wording=WORDING),
    "check": bootstrap.check,
    "plan": bootstrap.plan,
}


@pytest.mark.parametrize("name", COMMANDS)
def test_scripts_are_parsed_again(proxied: Gate, proxy: Proxy, name: str) -> None:
    """By whoever has the server parse them, with the lock or without."""
    proxied.release({"V2__x.sql": UNPROBED})
    proxy.lose(PROVOKED, Fault.REQUEST)
    report = COMMANDS[name](proxied.settings, proxied.context())
    assert report.exit_code is ExitCode.OK, report.verdict
    assert len(proxied.events.named("connection.lost")) == 1


def test_gates_of_check_are_asked_again(proxied: Gate, proxy: Proxy) -> None:
    """Which has no lock."""
    proxied.release(PENDING)
    proxy.lose(BLOCKERS, Fault.REQUEST)
    report = bootstrap.check(proxied.settings, proxied.context())
    assert report.exit_code is ExitCode.OK, report.verdict


def test_server_is_asked_again_of_its_wal(proxied: Gate, proxy: Proxy, tmp_path: Path) -> None:
    """Which the archive gate does as it begins, long before it is waited for."""
    ((identifier,),) = proxied.database.query("SELECT system_identifier FROM pg_control_system()")
    fresh_repository(tmp_path / "repo").belong_to(int(str(identifier)))
    source = parse_backup_source(f"pgbackrest:{tmp_path / 'repo'}")
    backup = proxied.settings.backup._replace(source=source, stanza=STANZA)
    proxied.settings = proxied.settings._replace(backup=backup)
    proxied.release(PENDING)

    def told() -> list[tuple[str, Status]]:
        report = bootstrap.check(proxied.settings, proxied.context())
        return [
            (item.rule, item.status)
            for result in report.results
            if result.name == "archive"
            for item in result.findings
        ]

    before = told()
    lose_at(proxy, "wal_segment_size", Fault.REQUEST)
    assert told() == before
    assert len(proxied.events.named("connection.lost")) == 1


def test_connection_that_is_lost_time_and_again_ends_the_run(proxied: Gate, proxy: Proxy) -> None:
    """Once for each stage, and three times for a run."""
    proxy.lose(BLOCKERS, Fault.REQUEST, times=2)
    report = proxied.run(PENDING)
    assert report.exit_code is ExitCode.UNREACHABLE, report.verdict
    assert report.verdict.endswith("; database untouched")


def test_session_that_answered_once_more_is_had_again(gate: Gate) -> None:
    """A server that is stopped ends its backends one after the other, and takes no new one."""
    assert gate.run({"V1__t.sql": "CREATE TABLE t (id int)"}).exit_code is ExitCode.OK
    ctx = gate.context()
    journal = Journal.begin("run", ctx, ())
    reading = build_reading(gate.settings, build_engine(gate.settings, ctx))
    asked: list[int] = []

    def work() -> Outcome[int]:
        asked.append(ground.read.session.pid)
        if len(asked) == 1:
            raise ConnectionLost("another connection of the stage is lost")
        if len(asked) == 2:
            gate.database.query(f"SELECT pg_terminate_backend({asked[1]})")
            eventually(lambda: ground.read.session.is_lost)
            raise DatabaseUnreachable("the database system is shutting down")
        return Outcome((), ground.read.session.pid)

    with read_release(journal, reading) as read:
        ground = Ground(journal, reading, read)
        outcome = ground.firmly(work)
    assert asked[0] == asked[1] != outcome.value
    assert len(gate.events.named("connection.lost")) == 2


@contextmanager
def waiting_for_blockers(gate: Gate) -> Iterator[tuple[Running, Callable[[], None]]]:
    """Yield a run that waits under the lock, and what ends all its connections."""
    assert gate.run({"V1__t.sql": "CREATE TABLE t (id int)"}).exit_code is ExitCode.OK
    look_for_blockers(gate)
    ours = f"SELECT pg_terminate_backend(pid) {OURS} '{gate.database.name}'"
    with holder(gate, "LOCK TABLE t"):
        running = gate.start({"V2__x.sql": "ALTER TABLE t ADD x int"})
        eventually(lambda: bool(gate.events.named("retry.scheduled")))
        yield running, lambda: gate.database.execute(ours)


def test_lock_is_had_again_with_the_session(gate: Gate) -> None:
    """As when the server restarts; the gate goes on to wait."""
    with waiting_for_blockers(gate) as (running, end_all):
        end_all()
        eventually(lambda: bool(gate.events.named("lock.retaken")))
    judge_replaced(gate, running.report())


def test_migration_of_somebody_else_meanwhile_ends_the_run(gate: Gate) -> None:
    """The gates have judged another plan."""
    with waiting_for_blockers(gate) as (running, end_all):
        gate.database.execute(
            "INSERT INTO flyway_schema_history SELECT 2, '2', description, type, 'V2__x.sql', 1,"
            " installed_by, installed_on, 1, true FROM flyway_schema_history"
        )
        end_all()
        report = running.report()
    assert report.verdict.startswith(
        "FAILED 31 LOCKED: public.flyway_schema_history was changed by somebody else while the"
        " connection was lost; database untouched"
    )
    assert gate.database.query("SELECT 1 FROM pg_attribute WHERE attname = 'x'") == []


def test_lock_that_somebody_else_has_by_then_ends_the_run(gate: Gate) -> None:
    """It is waited for as long as at first, and the owner is named."""
    gate.limit(run_settings(lock_wait=0.2))
    with waiting_for_blockers(gate) as (running, end_all), gate.database.connect() as other:
        pid = other.info.backend_pid
        with meanwhile(lambda: other.execute(f"SELECT pg_advisory_lock({KEY})")):
            eventually(lambda: is_running(gate.database, str(KEY)))
            end_all()
            report = running.report()
    assert report.exit_code is ExitCode.LOCKED
    assert f"migration lock is held by pid {pid} (" in report.verdict
