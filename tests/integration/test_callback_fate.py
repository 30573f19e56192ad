"""Callbacks whose connection is lost without a word: the number of the transaction decides."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from hook import bootstrap
from hook.clock import Interrupt
from hook.errors import ExitCode
from hook.postgres.transaction_status import fetch_transaction_status, take_transaction_id
from tests.testbed.callbacks import SLEEPING, TABLE, prepare_trace, told, trace
from tests.testbed.database import Database, Role
from tests.testbed.gate import Gate, deciding, settings_for
from tests.testbed.proxy import Fault, Proxy
from tests.testbed.run_context import eventually, open_session, target_of

END_LOCK = (
    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
    " AND mode = 'ExclusiveLock' AND database ="
    " (SELECT oid FROM pg_database WHERE datname = current_database())"
)
EVENTS = ["afterConnect", "beforeMigrate", "afterMigrate"]
IT = told("it")
UNKNOWN = "connection lost, and whether it was committed is unknown"


@pytest.fixture
def proxied(gate: Gate, proxy: Proxy) -> Gate:
    """Return the gate with a proxy in front of its database, and an empty trace."""
    prepare_trace(gate)
    gate.settings = settings_for(proxy.target(gate.database), gate.folder)
    return gate


@pytest.mark.parametrize("event", EVENTS)
@pytest.mark.parametrize("fault", [Fault.REQUEST, Fault.REPLY])
def test_callback_is_run_once_whichever_message_was_lost(
    proxied: Gate, proxy: Proxy, event: str, fault: Fault
) -> None:
    """What was committed counts, and what was not is tried again."""
    proxy.lose(IT, fault)
    report = proxied.run(TABLE | {f"{event}.sql": IT})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert trace(proxied) == ["it"]
    assert len(proxied.events.named("connection.lost")) == 1
    assert len(proxied.events.named("retry.scheduled")) == (fault is Fault.REQUEST)


@pytest.mark.parametrize("fault", [Fault.REQUEST, Fault.REPLY])
def test_callback_of_a_command_without_lock_is_run_once(
    proxied: Gate, proxy: Proxy, fault: Fault
) -> None:
    """The session of the command tells that the server is the same."""
    assert proxied.run(TABLE).exit_code is ExitCode.OK
    proxied.release({"beforeValidate.sql": IT})
    proxy.lose(IT, fault)
    report = bootstrap.validate(proxied.settings, proxied.context())
    assert report.exit_code is ExitCode.OK, report.verdict
    assert trace(proxied) == ["it"]


def test_callback_that_works_on_for_nobody_is_ended(proxied: Gate, proxy: Proxy) -> None:
    """The server has not noticed that its peer is gone; then nothing of it can come any more."""
    proxied.database.execute("CREATE TABLE audit.ended ()")
    wait = "SELECT pg_sleep(CASE count(*) WHEN 0 THEN 60 ELSE 0 END) FROM audit.ended"
    running = proxied.start(TABLE | {"beforeMigrate.sql": f"{IT};\n{wait}"})
    eventually(lambda: bool(proxied.database.query(SLEEPING)))
    proxied.database.execute("INSERT INTO audit.ended DEFAULT VALUES")
    proxy.cut(wait)
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert trace(proxied) == ["it"]


def test_connection_that_is_lost_in_front_of_a_callback_is_replaced(
    proxied: Gate, proxy: Proxy
) -> None:
    """Nothing of it was sent, so that there is nothing to find out."""
    proxy.lose("pg_current_xact_id", Fault.REQUEST)
    report = proxied.run(TABLE | {"beforeMigrate.sql": IT})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert trace(proxied) == ["it"]


def test_callback_that_is_lost_every_time_is_given_up(proxied: Gate, proxy: Proxy) -> None:
    """Nothing of it is left, and nothing is unknown."""
    proxy.lose(IT, Fault.REQUEST, times=3)
    report = proxied.run(TABLE | {"afterMigrate.sql": IT})
    assert report.verdict == (
        "FAILED 30 UNREACHABLE: callback afterMigrate.sql: connection lost (3 attempts);"
        " 1 applied, at 1"
    )
    assert trace(proxied) == []


def test_callback_of_which_nobody_can_be_asked_needs_a_human(proxied: Gate, proxy: Proxy) -> None:
    """The server is waited for as at first."""
    database = proxied.settings.database._replace(wait_timeout=timedelta(seconds=0.3))
    proxied.settings = proxied.settings._replace(database=database)
    proxy.refuse_from(IT, Fault.REPLY)
    report = proxied.run(TABLE | {"afterMigrate.sql": IT})
    assert report.exit_code is ExitCode.PARTIAL, report.verdict
    assert UNKNOWN in report.verdict
    assert trace(proxied) == ["it"]


def test_callback_that_seems_committed_needs_a_human_where_the_server_may_be_another(
    proxied: Gate, proxy: Proxy
) -> None:
    """No connection is there any more that was there before: the number may be somebody else's."""
    proxy.lose(IT, Fault.REPLY)
    report = proxied.run(TABLE | {"afterMigrate.sql": f"{END_LOCK};\n{IT}"})
    assert report.exit_code is ExitCode.PARTIAL, report.verdict
    assert UNKNOWN in deciding(report).message


def test_callback_runs_where_its_role_may_not_know_the_number(
    gate: Gate, make_role: Callable[..., Role]
) -> None:
    """Then nothing tells what becomes of it when it is lost, as little as before."""
    prepare_trace(gate)
    role = make_role()
    gate.database.execute(
        "REVOKE EXECUTE ON FUNCTION pg_current_xact_id() FROM public;"
        f" GRANT ALL ON SCHEMA public, audit TO {role.name};"
        f" GRANT ALL ON ALL TABLES IN SCHEMA audit TO {role.name};"
        f" GRANT ALL ON ALL SEQUENCES IN SCHEMA audit TO {role.name}"
    )
    gate.settings = settings_for(target_of(gate.database, role), gate.folder)
    report = gate.run(TABLE | {"beforeMigrate.sql": IT})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert trace(gate) == ["it"]


@pytest.mark.parametrize(("end", "told_as"), [("COMMIT", "committed"), ("ROLLBACK", "aborted")])
def test_number_tells_what_became_of_a_transaction(
    database: Database, calm: Interrupt, end: str, told_as: str
) -> None:
    """Of one that there has not been yet nothing was committed."""
    target = target_of(database)
    with open_session(target, calm) as session, open_session(target, calm) as other:
        session.run("BEGIN")
        number = take_transaction_id(session, 30)
        assert fetch_transaction_status(other, number) == "in progress"
        session.run(end)
        assert fetch_transaction_status(other, number) == told_as
        assert fetch_transaction_status(other, str(int(number) + 1_000_000)) == "aborted"
