"""Connections that are lost in the middle of a migration."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from hook.clock import Interrupt
from hook.errors import ConfigError, ExitCode
from hook.pipeline.recovery import Reconnection
from hook.postgres.facts import fetch_server_facts
from hook.postgres.lost_backend import await_backend_end
from hook.stages import Context
from tests.fakes import FakeClock
from tests.testbed.database import Database, Role
from tests.testbed.gate import Gate, deciding, run_settings, settings_for
from tests.testbed.proxy import Fault, Proxy
from tests.testbed.run_context import eventually, open_session, target_of
from tests.testbed.wait_stage import wait_stage

ONCE = {"V2__x.sql": "CREATE TABLE x ();\nINSERT INTO t VALUES (2)"}
ALONE = {"V2__x.sql.conf": "executeInTransaction=false"}
OURS = "application_name LIKE 'presync/%' AND datname = current_database()"
SLEEPING = f"SELECT pid FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND {OURS}"
ROW = 'INSERT INTO "public"."flyway_schema_history"'


@pytest.fixture(autouse=True)
def _released(gate: Gate) -> None:
    """Begin with a table."""
    report = gate.run({"V1__t.sql": "CREATE TABLE t (id int)"})
    assert report.exit_code is ExitCode.OK


@pytest.fixture
def proxied(gate: Gate, proxy: Proxy) -> Gate:
    """Return the gate with the proxy in front of its database."""
    gate.settings = settings_for(proxy.target(gate.database), gate.folder)
    return gate


def applied_once(gate: Gate) -> bool:
    """Tell whether the second script took effect exactly once, with its row."""
    rows = gate.database.query("SELECT id FROM t")
    return rows == [(2,)] and gate.history()[1:] == [(2, "2", "V2__x.sql", True)]


def test_terminated_backend_is_replaced(gate: Gate) -> None:
    """The server rolled the script back; it runs again in a new session, once."""
    script = (
        "INSERT INTO t VALUES (2);\n"
        "SELECT pg_sleep(CASE WHEN count(*) > 0 THEN 60 ELSE 0 END) FROM may_sleep"
    )
    gate.database.execute("CREATE TABLE may_sleep AS SELECT 1")
    running = gate.start({"V2__x.sql": script})
    eventually(lambda: bool(gate.database.query(SLEEPING)))
    gate.database.execute("DELETE FROM may_sleep")
    gate.database.query(f"SELECT pg_terminate_backend(pid) FROM ({SLEEPING}) AS s")
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert applied_once(gate)
    assert report.migrations[0].attempts == 2
    assert [item["sqlstate"] for item in gate.events.named("connection.lost")] == ["57P01"]


def test_reply_of_the_commit_is_lost(proxied: Gate, proxy: Proxy) -> None:
    """The row says that it was committed: nothing runs twice."""
    proxy.lose(ROW, Fault.REPLY)
    report = proxied.run(ONCE)
    assert report.exit_code is ExitCode.OK, report.verdict
    assert applied_once(proxied)
    assert report.migrations[0].attempts == 1
    assert len(proxied.events.named("connection.lost")) == 1


def test_request_is_lost(proxied: Gate, proxy: Proxy) -> None:
    """Nothing reached the server, so the script runs again."""
    proxy.lose(ROW, Fault.REQUEST)
    report = proxied.run(ONCE)
    assert report.exit_code is ExitCode.OK, report.verdict
    assert applied_once(proxied)
    assert report.migrations[0].attempts == 2


def test_connection_lost_every_time_is_given_up(proxied: Gate, proxy: Proxy) -> None:
    """The ladder bounds these attempts too."""
    proxy.lose(ROW, Fault.REQUEST, times=9)
    report = proxied.run(ONCE)
    assert report.verdict == (
        "FAILED 30 UNREACHABLE: V2__x.sql: connection lost in 3 attempts; rolled back, at 1"
    )
    assert len(proxied.history()) == 1


def test_script_without_transaction_that_is_lost_needs_a_human(proxied: Gate, proxy: Proxy) -> None:
    """Whether the statement took effect cannot be seen; a failed row stops the next run.

    The ledger tells of no script that listens, which is of one session.
    """
    proxy.lose("INSERT INTO t", Fault.REPLY)
    report = proxied.run({"V2__x.sql": f"{ONCE['V2__x.sql']};\nLISTEN l", **ALONE})
    assert report.verdict == (
        "FAILED 21 PARTIAL: V2__x.sql:2 connection lost; left behind: table x (line 1),"
        " what line 2 may have done, at 1"
    )
    assert proxied.history()[1:] == [(2, "2", "V2__x.sql", False)]
    assert proxied.run().exit_code is ExitCode.FAILED_BEFORE


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("COMMIT", "left behind: what lines 1 to 3 may have done, at 1"),
        ("INSERT INTO t", "applied"),
    ],
)
def test_own_transaction_is_in_doubt_from_its_commit_on(
    proxied: Gate, proxy: Proxy, text: str, left: str
) -> None:
    """Before that nothing can have taken effect, and the script begins anew."""
    proxy.lose(text, Fault.REPLY)
    report = proxied.run({"V2__x.sql": "BEGIN;\nINSERT INTO t VALUES (2);\nCOMMIT;\nSELECT 1"})
    assert left in report.verdict
    assert proxied.database.query("SELECT id FROM t") == [(2,)]


@pytest.mark.parametrize("fault", [Fault.REQUEST, Fault.REPLY])
def test_row_of_a_finished_script_is_written_anew(
    proxied: Gate, proxy: Proxy, fault: Fault
) -> None:
    """Every statement was answered; only the row is missing, or only its reply."""
    proxy.lose(ROW, fault)
    report = proxied.run({**ONCE, **ALONE})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert applied_once(proxied)


def test_script_without_transaction_begins_anew_when_nothing_of_it_was_sent(
    proxied: Gate, proxy: Proxy
) -> None:
    """Losing the preparations is no harm."""
    proxy.lose("SET lock_timeout", Fault.REPLY)
    report = proxied.run({**ONCE, **ALONE})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert applied_once(proxied)
    assert report.migrations[0].attempts == 2


def test_backend_behind_a_dead_network_is_ended(
    proxied: Gate, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No cancel gets through, so the old backend works on: it is ended before all else."""
    monkeypatch.setattr("hook.postgres.link._GRACE_SECONDS", 0.2)
    monkeypatch.setattr("hook.postgres.lost_backend._PATIENCE_SECONDS", 0.1)
    proxied.limit(run_settings(deadline=proxied.seconds_of_a_run()))
    proxy.lose("pg_sleep", Fault.SILENCE)
    report = proxied.run({"V2__x.sql": "CREATE TABLE half ();\nSELECT pg_sleep(60)"})
    assert report.verdict == (
        "FAILED 30 UNREACHABLE: V2__x.sql: connection lost in 1 attempt; rolled back, at 1"
    )
    assert proxied.database.query(SLEEPING) == []
    assert len(proxied.history()) == 1


AT_THE_LOCK = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted"
LOOKS = (
    "SELECT query_start FROM pg_stat_activity WHERE query LIKE '-- The backend of%'"
    f" AND state = 'idle' AND {OURS}"
)


@pytest.mark.parametrize("hidden", ["application_name = 'x'", "ROLE pg_monitor"])
def test_lost_backend_is_waited_for_whatever_the_script_has_set(
    proxied: Gate, proxy: Proxy, monkeypatch: pytest.MonkeyPatch, hidden: str
) -> None:
    """It has the whole script with its COMMIT, and is known by its pid and its start."""
    monkeypatch.setattr("hook.postgres.lost_backend._PATIENCE_SECONDS", 30.0)
    proxied.limit(run_settings(ladder=[30] * 3))
    script = f"INSERT INTO t VALUES (2);\nSET {hidden};\nSELECT pg_advisory_xact_lock(7)"
    with proxied.database.connect() as other:
        other.execute("SELECT pg_advisory_lock(7)")
        running = proxied.start({"V2__x.sql": script})
        eventually(lambda: bool(proxied.database.query(AT_THE_LOCK)))
        proxy.cut("pg_advisory_xact_lock")
        looks: list[object] = []

        def has_looked_again() -> bool:
            looks.extend(proxied.database.query(LOOKS))
            return len(set(looks)) > 1

        eventually(has_looked_again)
        other.execute("SELECT pg_advisory_unlock(7)")
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert applied_once(proxied)
    assert report.migrations[0].attempts == 1


@pytest.fixture
def hasty(proxied: Gate) -> Gate:
    """Return the gate behind the proxy, which does not wait long for the server."""
    database = proxied.settings.database._replace(wait_timeout=timedelta(seconds=0.3))
    proxied.settings = proxied.settings._replace(database=database)
    return proxied


def test_commit_that_nobody_can_ask_about_needs_a_human(hasty: Gate, proxy: Proxy) -> None:
    """Committed or not: it must not be guessed."""
    proxy.refuse_from(ROW, Fault.REPLY)
    report = hasty.run(ONCE)
    assert report.exit_code is ExitCode.PARTIAL
    assert "connection lost, and whether it was committed is unknown" in report.verdict
    assert report.verdict.endswith(", at 1")
    assert "row 2 of public.flyway_schema_history" in deciding(report).hint


def test_stop_request_while_finding_out(hasty: Gate, proxy: Proxy) -> None:
    """The next run sees by the row what became of it; this one claims nothing."""
    proxy.refuse_from(ROW, Fault.REPLY)
    hasty.settings = hasty.settings._replace(
        database=hasty.settings.database._replace(wait_timeout=timedelta(minutes=1))
    )
    running = hasty.start(ONCE)
    eventually(lambda: bool(hasty.events.named("connection.lost")))
    hasty.interrupt.set("SIGTERM")
    assert running.report().verdict == (
        "FAILED 40 INTERRUPTED: SIGTERM received before it was known what became of V2__x.sql, at 1"
    )


def test_session_lost_between_two_attempts_is_replaced(gate: Gate) -> None:
    """Nothing was under way, so there is nothing to find out."""
    gate.limit(run_settings(ladder=[0.1] * 40))
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t")
        running = gate.start({"V2__x.sql": "ALTER TABLE t ADD x int"})
        idle = f"{OURS} AND state = 'idle' AND query = 'ROLLBACK'"
        query = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {idle}"
        eventually(lambda: gate.database.query(query) == [(True,)])
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.events.named("connection.lost") == []


def test_address_that_leads_to_another_cluster_is_not_gone_on_with(
    database: Database, ctx: Context
) -> None:
    """Half of a release on each of two clusters is worse than a run that ends."""
    stage = wait_stage(target_of(database))
    reached = stage.run(ctx).value
    reached.session.close()
    lost = reached.facts._replace(system_identifier="1")
    with pytest.raises(ConfigError, match=r"is now the cluster \d+, it was 1"):
        Reconnection(stage)(ctx, lost)
    eventually(lambda: not database.query(f"SELECT 1 FROM pg_stat_activity WHERE {OURS}"))


def test_session_that_has_the_pid_of_the_lost_one_does_not_end_itself(
    database: Database, make_role: Callable[..., Role], interrupt: Interrupt
) -> None:
    """Another server took over, and hides from the role that the init SQL sets when it began."""
    clock = FakeClock()
    with open_session(target_of(database), interrupt) as session:
        session.execute(f"SET ROLE {make_role().name}")
        lost = fetch_server_facts(session)
        assert (lost.backend_pid, lost.backend_start) == (session.pid, None)
        await_backend_end(session, lost, clock)
        assert clock.slept == []
        assert session.fetch("SELECT 1") == [(1,)]
