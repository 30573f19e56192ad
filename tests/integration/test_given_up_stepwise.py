"""Scripts that are asked what their session holds, given up where the ledger does not tell."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hook.clock import Interrupt
from hook.errors import ExitCode
from tests.testbed.database import Role
from tests.testbed.gate import Gate, deciding, run_settings, settings_for
from tests.testbed.proxy import Proxy
from tests.testbed.run_context import eventually

ALONE = {"V2__x.sql.conf": "executeInTransaction=false"}
BASE = """\
CREATE TABLE t (n int);
CREATE FUNCTION add(n int) RETURNS int LANGUAGE sql AS 'INSERT INTO t VALUES (n) RETURNING n';
"""
SCRIPT = "SET application_name = 'set';\nSELECT add(1);\nDO $$BEGIN LOCK TABLE u; END$$;\n"
ROWS = "SELECT n FROM t ORDER BY n"
FAILED = [(2, "2", "V2__x.sql", False)]
OURS = "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'set'"
WAITING = f"SELECT {OURS} AND wait_event_type = 'Lock'"
UP_TO = "left behind: everything up to line 2"


@pytest.fixture
def role(gate: Gate, make_role: Callable[..., Role]) -> Role:
    """Return the role of the gate's runs, to which nothing belongs but what it creates."""
    base = f"{BASE}CREATE TABLE u ();\n"
    assert gate.run({"V1__base.sql": base, **ALONE}).exit_code is ExitCode.OK
    role = make_role()
    gate.hand_to(role)
    gate.limit(run_settings(ladder=[60]))
    return role


def stop_behind(gate: Gate, change: str) -> str:
    """Stop a run in line 3 once *change* was made; return its verdict and what it advises."""
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE u")
        running = gate.start({"V2__x.sql": SCRIPT})
        eventually(lambda: bool(gate.database.query(WAITING)))
        gate.database.execute(change)
        gate.interrupt.set("SIGTERM")
        report = running.report()
    assert report.exit_code is ExitCode.INTERRUPTED, report.verdict
    finding = deciding(report)
    return f"{finding.message}. {finding.hint}"


@pytest.mark.parametrize(
    "change",
    [
        "DELETE FROM presync_run",
        "UPDATE presync_run SET report = report #- '{{cut_off,done}}'",
        "REVOKE SELECT ON presync_run FROM {role}",
        "DROP TABLE presync_run",
        "ALTER TABLE presync_run RENAME report TO told",
    ],
)
def test_script_of_which_the_ledger_does_not_tell_has_a_failed_row(
    gate: Gate, role: Role, calm: Interrupt, change: str
) -> None:
    """Nothing else keeps the next run from its first statement."""
    told = stop_behind(gate, change.format(role=role.name))
    assert UP_TO in told
    assert "the next run goes on" not in told
    assert gate.history()[1:] == FAILED
    gate.interrupt = calm
    assert gate.run().exit_code is ExitCode.FAILED_BEFORE
    assert gate.database.query(ROWS) == [(1,)]


def test_who_finds_no_note_and_can_write_no_row_sends_nobody_on(gate: Gate, role: Role) -> None:
    """The next run would begin at the first statement, and only the verdict can say so."""
    told = stop_behind(
        gate,
        f"DELETE FROM presync_run; REVOKE INSERT ON flyway_schema_history FROM {role.name}",
    )
    assert f"{UP_TO}, no row in the schema history" in told
    assert "before the next run, which would repeat it" in told
    assert gate.history()[1:] == []


@pytest.mark.usefixtures("role")
def test_run_that_loses_the_server_between_two_attempts_leaves_it_to_the_next(
    gate: Gate, proxy: Proxy
) -> None:
    """What the session had only the next run can read, and it had nothing."""
    gate.settings = settings_for(proxy.target(gate.database), gate.folder)
    gate.limit(run_settings(ladder=[0.1, 60], deadline=40))
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE u")
        running = gate.start({"V2__x.sql": SCRIPT})
        eventually(lambda: bool(gate.events.named("retry.scheduled")))
        proxy.refuses = True
        gate.database.query(
            f"SELECT pg_terminate_backend(pid) {OURS.replace(' AND a', ' AND (a')}"
            " OR application_name LIKE 'presync/%')"
        )
        report = running.report()
    assert report.exit_code is ExitCode.PARTIAL, report.verdict
    assert f"{UP_TO}, no row in the schema history" in deciding(report).message
    assert deciding(report).hint.startswith("Run again: unless the ledger says")
    proxy.lead_to(gate.database.server)
    again = gate.run()
    assert again.exit_code is ExitCode.OK, again.verdict
    assert gate.database.query(ROWS) == [(1,)]


@pytest.mark.usefixtures("role")
def test_what_a_deferred_trigger_leaves_in_the_session_is_noted_with_its_statement(
    gate: Gate,
) -> None:
    """Behind the COMMIT nothing more can be said, if the ledger takes no correction."""
    gate.database.execute(
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN PERFORM pg_advisory_lock(7); RETURN NULL; END';"
        " CREATE CONSTRAINT TRIGGER keep AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED"
        " FOR EACH ROW EXECUTE FUNCTION keep();"
        " CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS"
        " 'BEGIN IF NEW.report #> ''{cut_off,done}'' = OLD.report #> ''{cut_off,done}''"
        " THEN RAISE ''no correction''; END IF; RETURN NEW; END';"
        " CREATE TRIGGER no BEFORE UPDATE ON presync_run FOR EACH ROW EXECUTE FUNCTION no()"
    )
    told = stop_behind(gate, "SELECT 1")
    assert f"{UP_TO}, gone with its session: advisory lock 0 7" in told
    assert gate.history()[1:] == FAILED
