"""The mark by which the next run knows the backend of a killed one, through all its scripts."""

from __future__ import annotations

import pytest

from hook.core.sessions.lock_key import migration_lock_key, work_mark_key
from hook.errors import ExitCode
from hook.postgres.facts import fetch_server_facts
from tests.testbed.attempt_bench import Bench
from tests.testbed.gate import Gate, run_settings
from tests.testbed.run_context import eventually

MARK = work_mark_key(migration_lock_key("public", "flyway_schema_history"))
LOOK = (
    "INSERT INTO seen SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid()"
    " AND locktype = 'advisory' AND mode = 'ShareLock'"
)
BASE = "CREATE TABLE seen (marks int); CREATE TABLE t (); CREATE SEQUENCE attempts"


@pytest.fixture(autouse=True)
def _released(gate: Gate) -> None:
    """Begin with what the scripts write to."""
    assert gate.run({"V1__base.sql": BASE}).exit_code is ExitCode.OK


@pytest.mark.parametrize(
    ("before", "conf"),
    [
        ("SELECT 1", ""),
        ("SELECT pg_advisory_unlock_all()", ""),
        ("DO $$ BEGIN PERFORM pg_advisory_unlock_all(); END $$", "executeInTransaction=false"),
        ("DISCARD ALL", "executeInTransaction=false"),
    ],
)
def test_script_is_marked_whatever_the_one_before_gave_back(
    gate: Gate, before: str, conf: str
) -> None:
    """Also where that is the last of a group, or has no transaction."""
    report = gate.run({"V2__b.sql": before, "V2__b.sql.conf": conf, "V3__c.sql": LOOK})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.database.query("SELECT marks FROM seen") == [(1,)]


def test_attempt_is_marked_whatever_the_one_before_gave_back(gate: Gate) -> None:
    """It was rolled back before it came to where the mark is set again."""
    script = (
        "SELECT pg_advisory_unlock_all() WHERE nextval('attempts') = 1;\n"
        f"LOCK TABLE t IN ACCESS SHARE MODE;\n{LOOK}"
    )
    gate.limit(run_settings(ladder=[0.1, 30]))
    with gate.database.connect(autocommit=False) as holder:
        holder.execute("LOCK TABLE t")
        running = gate.start({"V2__b.sql": script})
        eventually(lambda: bool(gate.events.named("retry.scheduled")))
        holder.rollback()
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.migrations[0].attempts > 1
    assert gate.database.query("SELECT marks FROM seen") == [(1,)]


def test_mark_is_counted_once(gate: Gate) -> None:
    """However many scripts there are, a pool gets its backend back without it."""
    unmark = f"SELECT pg_advisory_unlock_shared({MARK});\n{LOOK}"
    report = gate.run({"V2__b.sql": "SELECT 1", "V3__c.sql": LOOK, "V4__d.sql": unmark})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.database.query("SELECT marks FROM seen") == [(1,), (0,)]


def test_state_of_a_session_alone_is_no_work(bench: Bench) -> None:
    """`check` enters it to look for blockers; a run beside it would wait for its mark."""
    facts = fetch_server_facts(bench.session)
    history = bench.engine.read_history(bench.session, facts)
    bench.engine.enter_session(bench.session, history, facts)
    look = "SELECT count(*) FROM pg_catalog.pg_locks WHERE locktype = 'advisory'"
    assert bench.database.query(look) == [(0,)]
