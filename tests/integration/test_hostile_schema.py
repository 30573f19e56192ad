"""A role in whose search path everything that pg_catalog has stands for something else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from hook import bootstrap
from hook.clock import Interrupt, SystemClock
from hook.core.outcome import Policy
from hook.core.reporting.report import Report
from hook.core.schema_history.orders import Orders
from hook.core.sessions.lock_key import migration_lock_key
from hook.errors import ExitCode
from hook.postgres.facts import fetch_server_facts
from hook.postgres.lost_backend import await_backend_end
from hook.settings import BlockerSettings, Settings
from hook.stages import Context
from tests.testbed.database import Role
from tests.testbed.gate import WORDING, Gate, deciding, run_settings, settings_for
from tests.testbed.run_context import open_session, target_of

SHADOWS = (Path(__file__).parents[1] / "testbed" / "hostile.sql").read_text()
SEEN = "CREATE TABLE public.seen AS SELECT pg_catalog.current_setting('search_path') AS path"
FILES = {
    "V1__a.sql": f"{SEEN}; CREATE TABLE public.t (id int)",
    "V2__b.sql": "CREATE INDEX CONCURRENTLY i ON public.t (id)",
    "V3__c.sql": "ALTER TABLE public.t ADD c int",
}
LOOKS: dict[str, Callable[[Settings, Context], Report]] = {
    "check": bootstrap.check,
    "plan": bootstrap.plan,
    "info": bootstrap.info,
    "validate": bootstrap.validate,
    "verify": bootstrap.verify,
}
CONFIRMED = Orders(is_confirmed=True)


@pytest.fixture
def captive(gate: Gate, make_role: Callable[..., Role]) -> Role:
    """Return the role that *gate* now runs as."""
    role = make_role()
    gate.database.execute(SHADOWS)
    gate.database.execute(
        f"GRANT ALL ON SCHEMA public TO {role.name};"
        f"ALTER ROLE {role.name} SET search_path = hostile, pg_catalog"
    )
    gate.settings = settings_for(target_of(gate.database, role), gate.folder)
    gate.settings = gate.settings._replace(
        blockers=BlockerSettings(Policy.ENFORCE, timedelta(minutes=30), timedelta(0))
    )
    gate.set_schema("public")
    with gate.database.connect(role) as connection:
        for trap in ("SELECT now()", "SELECT 1 + 1", "SELECT ''::text", "SELECT 1 FROM pg_class c"):
            with pytest.raises(psycopg.Error):
                connection.execute(f"{trap} WHERE 1 = 1 -- {trap}".encode())
    return role


@pytest.mark.usefixtures("captive")
def test_run_is_not_captured_and_scripts_see_their_path(gate: Gate) -> None:
    """Every stage asks the catalog itself; a script has what Flyway would give it."""
    report = gate.run(FILES)
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.database.query("SELECT path FROM public.seen") == [
        ('"public",hostile, pg_catalog',)
    ]
    gate.release({"V4__d.sql": "SELECT 1"})
    for name, look in LOOKS.items():
        expected = ExitCode.NOT_YET if name == "verify" else ExitCode.OK
        report = look(gate.settings, gate.context())
        assert report.exit_code is expected, report.verdict


@pytest.mark.usefixtures("captive")
def test_history_is_edited_uncaptured(gate: Gate) -> None:
    """Baseline and repair write what they say."""
    gate.release({"V1__a.sql": "SELECT 1", "V2__b.sql": "SELECT 2"})
    report = bootstrap.baseline(gate.settings, gate.context(), CONFIRMED, WORDING)
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.run().exit_code is ExitCode.OK
    gate.database.execute("UPDATE flyway_schema_history SET checksum = 1 WHERE version = '2'")
    report = bootstrap.repair(gate.settings, gate.context(), CONFIRMED, WORDING)
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.run().exit_code is ExitCode.OK


@pytest.mark.usefixtures("captive")
def test_what_a_script_has_done_and_held_is_noted_uncaptured(gate: Gate) -> None:
    """Functions of the schema are looked at; some have names of what keeps something."""
    setup = (
        "CREATE FUNCTION public.f() RETURNS void LANGUAGE sql AS 'INSERT INTO public.t VALUES (1)'"
    )
    assert gate.run({"V1__a.sql": f"{FILES['V1__a.sql']}; {setup}"}).exit_code is ExitCode.OK
    files = {
        "V2__b.sql": "SET work_mem = '5MB';\nSELECT public.f();\nCREATE TEMP TABLE work ();\n"
        "DO $$BEGIN LOCK TABLE public.t; END$$",
        "V2__b.sql.conf": "executeInTransaction=false",
    }
    gate.settings = gate.settings._replace(
        blockers=BlockerSettings(Policy.OFF, timedelta(minutes=30), timedelta(0))
    )
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE public.t IN ROW EXCLUSIVE MODE")
        report = gate.run(files)
    assert report.exit_code is ExitCode.PARTIAL, report.verdict
    assert (
        "left behind: everything up to line 3, gone with its session: temporary table work,"
        " what function hostile."
    ) in deciding(report).message


@pytest.mark.usefixtures("captive")
def test_others_are_named_uncaptured(gate: Gate) -> None:
    """Who holds the migration lock, and who holds a lock on a table."""
    assert gate.run({"V1__a.sql": FILES["V1__a.sql"]}).exit_code is ExitCode.OK
    gate.release({"V3__c.sql": FILES["V3__c.sql"]})
    gate.limit(run_settings(lock_wait=0))
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE public.t")
        report = gate.run()
        assert report.exit_code is ExitCode.BLOCKED, report.verdict
        assert f"pid {other.info.backend_pid}" in deciding(report).message
    with gate.database.connect() as other:
        key = migration_lock_key("public", "flyway_schema_history")
        other.execute("SELECT pg_advisory_lock(%s)", [key])
        report = gate.run()
        assert report.exit_code is ExitCode.LOCKED, report.verdict
        assert str(other.info.backend_pid) in deciding(report).message


def test_lost_backend_is_looked_for_uncaptured(
    gate: Gate, captive: Role, interrupt: Interrupt
) -> None:
    """It is ended when it does not go by itself."""
    target = target_of(gate.database, captive)
    with open_session(target, interrupt) as lost, open_session(target, interrupt) as session:
        await_backend_end(session, fetch_server_facts(lost), SystemClock(interrupt))
        assert lost.is_lost
