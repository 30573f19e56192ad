"""Connections that are lost while the history is read, before anything was written."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from functools import partial

import pytest

from hook import bootstrap
from hook.core.reporting.report import Report
from hook.core.schema_history.orders import Orders
from hook.errors import ConfigError, DatabaseUnreachable, ExitCode
from hook.pipeline.recovery import reach_again
from hook.settings import Settings
from hook.stages import Context
from tests.testbed.contention import holder
from tests.testbed.database import Database
from tests.testbed.deployment import OURS
from tests.testbed.gate import WORDING, Gate, settings_for
from tests.testbed.proxy import Fault, Proxy
from tests.testbed.run_context import eventually, target_of
from tests.testbed.wait_stage import wait_stage

Command = Callable[[Settings, Context], Report]
COMMANDS: Mapping[str, Command] = {
    "run": partial(bootstrap.run, orders=Orders(), wording=WORDING),
    "check": bootstrap.check,
    "plan": bootstrap.plan,
    "info": bootstrap.info,
    "validate": bootstrap.validate,
}
READ = "installed_rank"


@pytest.fixture
def proxied(gate: Gate, proxy: Proxy) -> Gate:
    """Return the gate with a proxy in front of its database, and something pending."""
    assert gate.run({"V1__t.sql": "CREATE TABLE t (id int)"}).exit_code is ExitCode.OK
    gate.events.told.clear()
    gate.release({"V2__x.sql": "CREATE TABLE x ()"})
    gate.settings = settings_for(proxy.target(gate.database), gate.folder)
    return gate


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("fault", [Fault.REQUEST, Fault.REPLY])
def test_history_is_read_again_on_a_new_connection(
    proxied: Gate, proxy: Proxy, name: str, fault: Fault
) -> None:
    """Once; nothing was written, so there is nothing to find out."""
    proxy.lose(READ, fault)
    report = COMMANDS[name](proxied.settings, proxied.context())
    assert report.exit_code is ExitCode.OK, report.verdict
    assert len(proxied.events.named("connection.lost")) == 1
    assert len(proxied.history()) == (2 if name == "run" else 1)
    ours = f"SELECT 1 {OURS} '{proxied.database.name}'"
    eventually(lambda: not proxied.database.query(ours))


def test_session_that_is_ended_while_it_reads_is_replaced(gate: Gate) -> None:
    """By an administrator, who may not have meant the run."""
    assert gate.run({"V1__t.sql": "CREATE TABLE t (id int)"}).exit_code is ExitCode.OK
    reader = "FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with holder(gate, "LOCK TABLE flyway_schema_history") as other:
        running = gate.start()
        eventually(lambda: bool(gate.database.query(f"SELECT {reader}")))
        gate.database.query(f"SELECT pg_terminate_backend(pid) {reader}")
        eventually(lambda: bool(gate.events.named("connection.lost")))
        other.rollback()
        report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict


def test_second_loss_ends_the_run(proxied: Gate, proxy: Proxy) -> None:
    """Whatever cuts the connection will cut the next one."""
    proxy.lose(READ, Fault.REQUEST, times=2)
    report = proxied.run()
    assert report.exit_code is ExitCode.UNREACHABLE
    assert "connection lost" in report.verdict
    assert report.verdict.endswith("; database untouched")


def test_server_that_does_not_come_back_is_waited_for_no_longer_than_at_first(
    proxied: Gate, proxy: Proxy
) -> None:
    """The wait has the limit of the wait stage, and tells what it found."""
    database = proxied.settings.database._replace(wait_timeout=timedelta(seconds=0.3))
    proxied.settings = proxied.settings._replace(database=database)
    proxy.refuse_from(READ, Fault.REQUEST)
    report = proxied.run()
    assert report.exit_code is ExitCode.UNREACHABLE
    assert "(waited " in report.verdict


LOST = DatabaseUnreachable("connection lost")


def test_another_primary_is_told(database: Database, ctx: Context) -> None:
    """A standby was promoted meanwhile; what it lacks is not asked, as nothing was written."""
    stage = wait_stage(target_of(database))
    session, facts = stage.run(ctx).value
    with session:
        pid = session.pid
        before = facts._replace(timeline=99)
        now, (finding,) = reach_again(stage, ctx, session, before, LOST)
        assert finding.rule == "failover"
        assert "timeline 99 became" in finding.message
        assert now.backend_pid == session.pid != pid
        assert session.fetch("SELECT 1") == [(1,)]


def test_another_cluster_is_not_gone_on_with(database: Database, ctx: Context) -> None:
    """It may have the same names, and another application's data."""
    stage = wait_stage(target_of(database))
    session, facts = stage.run(ctx).value
    with session, pytest.raises(ConfigError, match=r"is now the cluster \d+, it was 1"):
        reach_again(stage, ctx, session, facts._replace(system_identifier="1"), LOST)
