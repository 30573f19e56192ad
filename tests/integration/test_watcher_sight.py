"""Whoever watches a migration, and what happens when nobody can."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from hook.core.sessions.damage_budget import DamageBudget
from hook.errors import DatabaseUnreachable, ExitCode
from hook.postgres.session import Session
from hook.stages import Context, Subject
from hook.stages.migrate.ending import Ending
from hook.stages.migrate.watcher import Watcher
from tests.testbed.contention import ALTER, WATCHING, holder, patient, reasons, released
from tests.testbed.database import Database, Role
from tests.testbed.gate import Gate, deciding, run_settings
from tests.testbed.run_context import eventually, open_session, target_of


@pytest.fixture(autouse=True)
def _released(gate: Gate) -> Iterator[None]:
    """Begin with a table, and leave no session of the run behind."""
    with released(gate):
        yield


def test_quick_migration_opens_no_connection(gate: Gate, database: Database) -> None:
    """Who has ended before the first look pays for none."""
    opened: list[str] = []

    def connect(ctx: Context) -> Session:
        opened.append(ctx.run_id)
        raise DatabaseUnreachable("not to be opened")

    ctx = gate.context()
    watcher = Watcher(ctx, connect, DamageBudget(10, 20), Ending(ctx))
    with open_session(target_of(database), gate.interrupt) as session:
        watcher.begin(Subject(session.pid, 3600))
        assert watcher.over(session).run("SELECT pg_sleep(0.3)").failure is None
    assert opened == []


def test_lost_sight_ends_the_wait(gate: Gate) -> None:
    """Whoever ends the watching connection ends the wait of the migration as well."""
    patient(gate, 1000, 1000)

    def is_given_up() -> bool:
        # One that is ended before it has told anything is replaced at once.
        gate.database.query(f"SELECT pg_terminate_backend(pid) FROM ({WATCHING}) AS x")
        return bool(gate.events.named("retry.scheduled"))

    with holder(gate) as other:
        running = gate.start(ALTER)
        eventually(is_given_up)
        other.rollback()
        report = running.report()
    assert reasons(gate) == ["loss of sight"]
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.migrations[0].attempts == 2


def test_script_may_call_itself_what_it_likes(gate: Gate) -> None:
    """Its backend is found all the same."""
    script = "SET application_name = 'mine'; SELECT pg_sleep(3)"
    report = gate.run({"V2__x.sql": script})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.migrations[0].attempts == 1


def test_another_server_is_no_all_clear(gate: Gate, database: Database) -> None:
    """Where our backend is not, nobody waits for it: that says nothing."""
    ctx, nobody = gate.context(), 2**31 - 1
    target = target_of(database)
    watcher = Watcher(
        ctx, lambda _: open_session(target, gate.interrupt), DamageBudget(10, 20), Ending(ctx)
    )
    with open_session(target, gate.interrupt) as session:
        watcher.begin(Subject(nobody, 0.0))
        outcome = watcher.over(session).run("SELECT pg_sleep(60)")
        watcher.close()
    assert outcome.failure is not None
    assert outcome.failure.sqlstate == "57014"
    assert "the backend that migrates is not there" in watcher.end().given_up_for


def as_blind_role(gate: Gate, make_role: Callable[..., Role]) -> None:
    """Let *gate* migrate as a role that may open no connection to look from."""
    role = make_role(attributes="CONNECTION LIMIT 2")
    gate.database.execute(f"GRANT ALL ON SCHEMA public TO {role.name}")
    gate.database.execute(f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role.name}")
    target = target_of(gate.database, role)
    gate.settings = gate.settings._replace(database=gate.settings.database._replace(target=target))


def test_lock_timeout_that_nobody_could_look_at_is_told_as_unknown(
    gate: Gate, make_role: Callable[..., Role]
) -> None:
    """Somebody is in the way, and who it is cannot be found out."""
    as_blind_role(gate, make_role)
    # Shorter than it may go on without sight.
    gate.limit(run_settings(ladder=[1.5]))
    with holder(gate, "LOCK TABLE t"):
        report = gate.run({"V2__x.sql": "INSERT INTO t VALUES (2)"})
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    message = deciding(report).message
    assert "whom it waited for could not be found out: " in message
    assert "too many connections for role" in message


def test_no_sight_at_all_is_no_licence(gate: Gate, make_role: Callable[..., Role]) -> None:
    """Without a connection to look from, nothing goes on for long; the override is named."""
    as_blind_role(gate, make_role)
    patient(gate, 1000, 1000, rungs=1)
    report = gate.run({"V2__x.sql": "SELECT pg_sleep(60)"})
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    assert "too many connections for role" in deciding(report).message
    assert "PRESYNC_DAMAGE_BUDGET=off" in deciding(report).hint
    gate.limit(gate.settings.run._replace(damage_budget=None))
    assert gate.run({"V2__x.sql": "SELECT pg_sleep(3)"}).exit_code is ExitCode.OK


def test_index_built_concurrently_waits_for_nobody_of_ours(gate: Gate) -> None:
    """The watcher keeps no snapshot; and to lose it is no reason to leave half an index."""
    patient(gate, 0.001, 0.001)
    snapshot = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1"
    with gate.database.connect(autocommit=False) as other:
        other.execute(snapshot)
        running = gate.start({"V2__x.sql": "CREATE INDEX CONCURRENTLY i ON t (name)"})
        pids: list[object] = []
        for _ in range(2):
            eventually(lambda: gate.database.query(WATCHING)[:1] not in ([], pids))
            pids[:] = gate.database.query(WATCHING)
            gate.database.query(f"SELECT pg_terminate_backend(pid) FROM ({WATCHING}) AS x")
        other.rollback()
        report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.migrations[0].attempts == 1
    is_valid = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass"
    assert gate.database.query(is_valid) == [(True,)]
