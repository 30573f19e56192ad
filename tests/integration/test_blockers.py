"""The blockers gate with real sessions in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from psycopg.errors import QueryCanceled

from hook.clock import Interrupt
from hook.core.blockers import BlockerPolicy
from hook.core.locks import LockMode, LockRequest, LockTarget
from hook.core.outcome import Finding, Status
from hook.errors import ExitCode, Interrupted
from hook.postgres.session import Session
from hook.stages import Context
from hook.stages.blockers import BlockersStage
from tests.fakes import FakeEvents
from tests.testbed.database import Database, Role
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.run_context import eventually, is_running, meanwhile, open_session, target_of

ALTER = LockRequest("orders", LockMode.ACCESS_EXCLUSIVE)
INSERT = LockRequest("public.orders", LockMode.ROW_EXCLUSIVE)
HALF_AN_HOUR = timedelta(minutes=30)

Look = Callable[..., tuple[Finding, ...]]


@pytest.fixture(autouse=True)
def _orders(database: Database) -> None:
    database.execute(
        "CREATE TABLE orders (id int PRIMARY KEY, state text); GRANT ALL ON orders TO PUBLIC"
    )


@pytest.fixture
def session(database: Database, interrupt: Interrupt) -> Iterator[Session]:
    """Return the session of the run, as the superuser."""
    with open_session(target_of(database), interrupt) as opened:
        yield opened


@pytest.fixture
def look(ctx: Context, session: Session) -> Look:
    """Return ``look(*requests, seconds=0, session=…, max_age=30m)``: what the gate finds."""

    def run(
        *requests: LockRequest,
        seconds: float = 0,
        session: Session = session,
        max_age: timedelta = HALF_AN_HOUR,
    ) -> tuple[Finding, ...]:
        stage = BlockersStage(BlockerPolicy(max_age), timedelta(seconds=seconds))
        return stage.run(ctx, session, requests)

    return run


@pytest.fixture
def unprivileged(
    database: Database, make_role: Callable[..., Role], calm: Interrupt
) -> Iterator[Session]:
    """Return a session of a role that sees nothing of the others."""
    with open_session(target_of(database, make_role()), calm) as opened:
        yield opened


def test_quiet_database_passes(look: Look) -> None:
    """Nobody there; the run's own sessions do not count."""
    (finding,) = look(ALTER)
    assert finding.status is Status.PASSED


def test_sessions_of_the_same_run_do_not_count(
    database: Database, calm: Interrupt, look: Look
) -> None:
    """The lock and ledger sessions of this run are left out, those of another are not."""
    with open_session(target_of(database), calm) as own:
        own.run("BEGIN; SELECT * FROM orders")
        assert look(ALTER)[0].status is Status.PASSED
    with open_session(target_of(database), calm, "r2") as other:
        other.run("BEGIN; SELECT * FROM orders")
        assert look(ALTER)[0].code is ExitCode.BLOCKED


def test_idle_reader_blocks_an_alter_and_not_an_insert(database: Database, look: Look) -> None:
    """The modes decide: the reader's lock stands against AccessExclusiveLock only."""
    with database.connect(autocommit=False) as reader:
        reader.execute("SET application_name = 'web'")
        reader.execute("SELECT * FROM orders")
        (finding,) = look(ALTER)
        assert finding.code is ExitCode.BLOCKED
        pid = reader.info.backend_pid
        assert f"pid {pid} (user postgres, web, client 127.0.0.1) idle in transaction" in (
            finding.message
        )
        # The primary key is locked along with the table, and is no table of ours.
        assert "holds AccessShareLock on orders, AccessExclusiveLock is wanted" in finding.message
        assert f"SELECT pg_terminate_backend({pid});" in finding.hint
        assert look(INSERT)[0].status is Status.PASSED


def test_running_query_blocks(database: Database, look: Look) -> None:
    """A query at work holds its lock as well."""
    with database.connect() as worker:

        def work() -> None:
            with pytest.raises(QueryCanceled):
                worker.execute("SELECT pg_sleep(60) FROM (SELECT count(*) FROM orders) AS x")

        with meanwhile(work):
            eventually(lambda: is_running(database, "FROM orders"))
            findings = look(ALTER)
            database.execute(f"SELECT pg_cancel_backend({worker.info.backend_pid})")
    assert "active for" in findings[0].message


def test_blocker_that_leaves_during_the_wait_passes(
    database: Database, look: Look, events: FakeEvents
) -> None:
    """The wait tells whom it waits for, and ends when they go."""
    with database.connect(autocommit=False) as reader:
        reader.execute("SELECT * FROM orders")

        def leave() -> None:
            eventually(lambda: bool(events.named("retry.scheduled")))
            reader.rollback()

        with meanwhile(leave):
            findings = look(ALTER, seconds=30)
        assert [item.status for item in findings] == [Status.PASSED]
        assert f"pid {reader.info.backend_pid}" in events.told[0][1]


def test_stop_request_ends_the_wait(
    database: Database, look: Look, interrupt: Interrupt, events: FakeEvents
) -> None:
    """SIGTERM is not kept waiting by somebody else's transaction."""

    def stop() -> None:
        eventually(lambda: bool(events.named("retry.scheduled")))
        interrupt.set("SIGTERM")

    with database.connect(autocommit=False) as reader:
        reader.execute("SELECT * FROM orders")
        with meanwhile(stop), pytest.raises(Interrupted):
            look(ALTER, seconds=30)


def test_old_transaction_blocks_whatever_it_touches(database: Database, look: Look) -> None:
    """The limit counts for every transaction of the database."""
    with database.connect(autocommit=False) as idler:
        idler.execute("SELECT 1")
        assert look(ALTER)[0].status is Status.PASSED
        (finding,) = look(ALTER, max_age=timedelta(microseconds=1))
        assert (finding.rule, finding.code) == ("blocker-age", ExitCode.BLOCKED)


def test_prepared_transaction_blocks(database: Database, look: Look) -> None:
    """It has no session, holds its locks all the same, and is named by its gid."""
    with database.connect(autocommit=False) as writer:
        writer.execute("INSERT INTO orders VALUES (1)")
        writer.execute("PREPARE TRANSACTION 'left-behind'")
    (finding,) = look(ALTER)
    assert (finding.rule, finding.code) == ("blocker-prepared", ExitCode.BLOCKED)
    assert "left-behind (owner postgres)" in finding.message
    assert "holds RowExclusiveLock on orders" in finding.message
    assert "ROLLBACK PREPARED 'left-behind';" in finding.hint
    assert [item.status for item in look(INSERT)] == [Status.PASSED, Status.WARNED]


def test_dump_at_work_blocks(database: Database, look: Look) -> None:
    """pg_dump is known by its application name, before and after it has its locks."""
    with database.connect(autocommit=False) as dump:
        dump.execute("SET application_name = 'pg_dump'")
        assert look(ALTER)[0].rule == "blocker-dump"
        dump.execute("LOCK TABLE orders IN ACCESS SHARE MODE")
        (finding,) = look(ALTER)
        assert finding.rule == "blocker-lock"
        assert "Wait until the dump has ended" in finding.hint
        assert [item.status for item in look(INSERT)] == [Status.PASSED, Status.WARNED]


def test_queue_in_front_of_us_blocks(database: Database, look: Look) -> None:
    """Somebody who waits for a conflicting lock is served before us."""
    with database.connect(autocommit=False) as reader, database.connect() as waiter:
        reader.execute("SELECT * FROM orders")

        def wait() -> None:
            waiter.execute("ALTER TABLE orders ADD COLUMN note text")

        with meanwhile(wait):
            eventually(lambda: is_running(database, "ALTER TABLE"))
            findings = look(INSERT)
            reader.rollback()
    assert [item.rule for item in findings] == ["blocker-lock"]
    assert "waits for AccessExclusiveLock on orders" in findings[0].message


def test_lock_on_a_partition_blocks_its_parent(database: Database, look: Look) -> None:
    """An ALTER of the parent takes every partition, of every level."""
    database.execute(
        "CREATE TABLE sale (id int, day int) PARTITION BY RANGE (id);"
        "CREATE TABLE sale_1 PARTITION OF sale FOR VALUES FROM (0) TO (9) PARTITION BY LIST (day);"
        "CREATE TABLE sale_1_1 PARTITION OF sale_1 FOR VALUES IN (1)"
    )
    with database.connect(autocommit=False) as reader:
        reader.execute("SELECT * FROM sale_1_1")
        (finding,) = look(LockRequest("sale", LockMode.ACCESS_EXCLUSIVE))
        assert "on sale_1_1," in finding.message
        assert look(ALTER)[0].status is Status.PASSED


def test_lock_on_the_table_of_a_named_index_blocks(database: Database, look: Look) -> None:
    """DROP INDEX names the index; the catalog knows its table."""
    of_index = LockRequest("orders_pkey", LockMode.ACCESS_EXCLUSIVE, LockTarget.INDEXED_TABLE)
    with database.connect(autocommit=False) as reader:
        reader.execute("LOCK TABLE orders IN ACCESS SHARE MODE")
        (finding,) = look(of_index)
        assert "on orders," in finding.message


def test_names_are_looked_up_as_written(database: Database, session: Session, look: Look) -> None:
    """Quotes, schemas, the search path, and names that do not exist or are none."""
    database.execute('CREATE SCHEMA app; CREATE TABLE app."Or""ders" (id int)')
    session.fetch("SET search_path = app")
    names = ['"Or""ders"', 'app."Or""ders"', "not_yet", "a b", "x.y.z.w", "", '"', "1a"]
    requests = [LockRequest(name, LockMode.ACCESS_EXCLUSIVE) for name in names]
    with database.connect(autocommit=False) as reader:
        reader.execute('SELECT * FROM app."Or""ders"')
        (finding,) = look(*requests)
        assert 'on "Or""ders"' in finding.message
    (finding,) = look(*requests)
    assert finding.facts["relations"] == ['"Or""ders"', 'app."Or""ders"']


def test_unprivileged_role_sees_every_holder(
    database: Database, unprivileged: Session, look: Look
) -> None:
    """Locks are visible to every role: nobody holds one unseen."""
    with database.connect(autocommit=False) as reader:
        reader.execute("SELECT * FROM orders")
        findings = look(ALTER, session=unprivileged)
        assert (findings[0].rule, findings[0].code) == ("blocker-lock", ExitCode.BLOCKED)
        assert f"pid {reader.info.backend_pid} (user postgres" in findings[0].message


def test_unprivileged_role_does_not_clear_a_transaction_it_cannot_date(
    database: Database, unprivileged: Session, look: Look
) -> None:
    """A hidden transaction that stays may be hours old: unknown, with the grant to make."""
    with database.connect(autocommit=False) as idler:
        idler.execute("SELECT 1")
        (finding,) = look(ALTER, session=unprivileged, seconds=0.5)
        assert (finding.status, finding.code) == (Status.UNKNOWN, ExitCode.BLOCKED)
        assert f"pid {idler.info.backend_pid}" in finding.message
        assert "GRANT pg_read_all_stats TO" in finding.hint


def test_unprivileged_role_passes_idle_sessions_with_a_warning(
    database: Database, unprivileged: Session, look: Look
) -> None:
    """Hidden sessions without a transaction are proven harmless, and still mentioned."""
    with database.connect():
        findings = look(ALTER, session=unprivileged)
        assert [item.status for item in findings] == [Status.PASSED, Status.WARNED]
        assert findings[1].message.startswith("1 session of other roles hides its age from")


def test_granted_role_sees_ages(
    database: Database, make_role: Callable[..., Role], calm: Interrupt, look: Look
) -> None:
    """With pg_read_all_stats nothing is hidden."""
    role = make_role()
    database.execute(f"GRANT pg_read_all_stats TO {role.name}")
    with (
        database.connect(autocommit=False) as idler,
        open_session(target_of(database, role), calm) as session,
    ):
        idler.execute("SELECT 1")
        assert [item.status for item in look(ALTER, session=session)] == [Status.PASSED]


def test_other_databases_do_not_count(make_database: Callable[..., Database], look: Look) -> None:
    """A transaction in another database neither holds our tables nor our snapshots."""
    with make_database().connect(autocommit=False) as elsewhere:
        elsewhere.execute("SELECT 1")
        (finding,) = look(ALTER, max_age=timedelta(microseconds=1))
        assert finding.status is Status.PASSED


def test_autovacuum_is_told_apart(
    make_server: Callable[..., PostgresServer], ctx: Context, calm: Interrupt
) -> None:
    """A worker that gives way is a warning, seen by every role."""
    lame = {
        "autovacuum": "on",
        "autovacuum_naptime": "1s",
        "autovacuum_vacuum_cost_delay": "100ms",
        "autovacuum_vacuum_cost_limit": "1",
    }
    database = Database(make_server(lame), "postgres")
    database.execute(
        "CREATE ROLE somebody LOGIN;"
        "CREATE TABLE orders AS SELECT id, repeat('x', 100) FROM generate_series(1, 50000) AS id;"
        "DELETE FROM orders"
    )
    at_work = (
        "SELECT 1 FROM pg_locks WHERE relation = 'orders'::regclass"
        " AND mode = 'ShareUpdateExclusiveLock'"
    )
    eventually(lambda: bool(database.query(at_work)))
    stage = BlockersStage(BlockerPolicy(HALF_AN_HOUR), timedelta(0))
    for role in (None, Role("somebody")):
        with open_session(target_of(database, role), calm) as session:
            findings = stage.run(ctx, session, (ALTER,))
        assert [(item.rule, item.status) for item in findings] == [
            ("blockers", Status.PASSED),
            ("blocker-autovacuum", Status.WARNED),
        ]
        assert "holds ShareUpdateExclusiveLock on orders" in findings[1].message
