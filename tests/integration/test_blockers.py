"""The blockers gate with real sessions in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from psycopg.errors import QueryCanceled

from hook.clock import Interrupt
from hook.core.outcome import Status
from hook.core.sql.locks import LockMode, LockRequest, LockTarget
from hook.core.sql.sql_text import quote_literal
from hook.core.text import one_line
from hook.errors import ExitCode, Interrupted
from hook.stages import Context
from tests.fakes import FakeEvents
from tests.testbed.blockers_gate import ALTER, INSERT, ORDERS, BlockersGate
from tests.testbed.database import Database
from tests.testbed.run_context import eventually, is_running, meanwhile, open_session, target_of


@pytest.fixture
def gate(database: Database, ctx: Context, interrupt: Interrupt) -> Iterator[BlockersGate]:
    """Return the gate in front of a table, as the superuser."""
    database.execute(ORDERS)
    with open_session(target_of(database), interrupt) as session:
        yield BlockersGate(ctx, session)


def test_quiet_database_passes(gate: BlockersGate) -> None:
    """Nobody there; the run's own sessions do not count."""
    (finding,) = gate.look(ALTER)
    assert finding.status is Status.PASSED


def test_sessions_of_the_same_run_do_not_count(
    database: Database, calm: Interrupt, gate: BlockersGate
) -> None:
    """The lock and ledger sessions of this run are left out, those of another are not."""
    with open_session(target_of(database), calm) as own:
        own.run("BEGIN; SELECT * FROM orders")
        assert gate.look(ALTER)[0].status is Status.PASSED
    with open_session(target_of(database), calm, "r2") as other:
        other.run("BEGIN; SELECT * FROM orders")
        assert gate.look(ALTER)[0].code is ExitCode.BLOCKED


def test_idle_reader_blocks_an_alter_and_not_an_insert(
    database: Database, gate: BlockersGate
) -> None:
    """The modes decide: the reader's lock stands against AccessExclusiveLock only."""
    with database.connect(autocommit=False) as reader:
        reader.execute("SET application_name = 'web'")
        reader.execute("SELECT * FROM orders")
        (finding,) = gate.look(ALTER)
        assert finding.code is ExitCode.BLOCKED
        pid = reader.info.backend_pid
        assert f"pid {pid} (user postgres, web, client 127.0.0.1) holds " in (finding.message)
        # The primary key is locked along with the table, and is no table of ours.
        assert "holds AccessShareLock on orders, AccessExclusiveLock is wanted" in finding.message
        assert f"SELECT pg_terminate_backend({pid});" in finding.hint
        assert gate.look(INSERT)[0].status is Status.PASSED


def test_running_query_blocks(database: Database, gate: BlockersGate) -> None:
    """A query at work holds its lock as well."""
    with database.connect() as worker:

        def work() -> None:
            with pytest.raises(QueryCanceled):
                worker.execute("SELECT pg_sleep(60) FROM (SELECT count(*) FROM orders) AS x")

        with meanwhile(work):
            eventually(lambda: is_running(database, "FROM orders"))
            findings = gate.look(ALTER)
            database.execute(f"SELECT pg_cancel_backend({worker.info.backend_pid})")
    assert "active for" in findings[0].message


def test_blocker_that_leaves_during_the_wait_passes(
    database: Database, gate: BlockersGate, events: FakeEvents
) -> None:
    """The wait tells whom it waits for, and ends when they go."""
    with database.connect(autocommit=False) as reader:
        reader.execute("SELECT * FROM orders")

        def leave() -> None:
            eventually(lambda: bool(events.named("retry.scheduled")))
            reader.rollback()

        with meanwhile(leave):
            findings = gate.look(ALTER, seconds=30)
        assert [item.status for item in findings] == [Status.PASSED]
        assert f"pid {reader.info.backend_pid}" in events.told[0][1]
        (told,) = events.named("retry.scheduled")
        assert f"'pid': {reader.info.backend_pid}," in str(told["blockers"])


def test_stop_request_ends_the_wait(
    database: Database, gate: BlockersGate, interrupt: Interrupt, events: FakeEvents
) -> None:
    """SIGTERM is not kept waiting by somebody else's transaction."""

    def stop() -> None:
        eventually(lambda: bool(events.named("retry.scheduled")))
        interrupt.set("SIGTERM")

    with database.connect(autocommit=False) as reader:
        reader.execute("SELECT * FROM orders")
        with meanwhile(stop), pytest.raises(Interrupted):
            gate.look(ALTER, seconds=30)


def test_old_transaction_blocks_whatever_it_touches(database: Database, gate: BlockersGate) -> None:
    """The limit counts for every transaction of the database."""
    with database.connect(autocommit=False) as idler:
        idler.execute("SELECT 1")
        assert gate.look(ALTER)[0].status is Status.PASSED
        (finding,) = gate.look(ALTER, max_age=timedelta(microseconds=1))
        assert (finding.rule, finding.code) == ("blocker-age", ExitCode.BLOCKED)


def test_prepared_transaction_blocks(database: Database, gate: BlockersGate) -> None:
    """It has no session, holds its locks all the same, and is named by its gid."""
    with database.connect(autocommit=False) as writer:
        writer.execute("INSERT INTO orders VALUES (1)")
        writer.execute("PREPARE TRANSACTION 'left-behind'")
    (finding,) = gate.look(ALTER)
    assert (finding.rule, finding.code) == ("blocker-prepared", ExitCode.BLOCKED)
    assert "left-behind (owner postgres)" in finding.message
    assert "holds RowExclusiveLock on orders" in finding.message
    assert "ROLLBACK PREPARED 'left-behind';" in finding.hint
    assert [item.status for item in gate.look(INSERT)] == [Status.PASSED, Status.WARNED]


@pytest.mark.parametrize("gid", ["it's", "a\nb", 'back\\slash "\t\u2028é', "\u202eright to left"])
def test_prepared_transaction_is_ended_as_the_hint_says(
    database: Database, gate: BlockersGate, gid: str
) -> None:
    """Copied from its one line, whatever the transaction manager has named it."""
    with database.connect(autocommit=False) as writer:
        writer.execute("INSERT INTO orders VALUES (1)")
        writer.execute(f"PREPARE TRANSACTION {quote_literal(gid)}".encode())
    (finding,) = gate.look(ALTER)
    assert one_line(finding.hint) == finding.hint
    database.execute(finding.hint.partition(" or ")[2])
    assert gate.look(ALTER)[0].status is Status.PASSED


def test_prepared_transaction_is_told_its_own_locks_only(
    database: Database, gate: BlockersGate
) -> None:
    """Of two, the one that is in the way is the one to finish."""
    database.execute("CREATE TABLE users (id int)")
    for table in ("orders", "users"):
        with database.connect(autocommit=False) as writer:
            writer.execute(f"INSERT INTO {table} VALUES (1)")
            writer.execute(f"PREPARE TRANSACTION 'of-{table}'")
    findings = gate.look(ALTER)
    assert [item.code for item in findings if "of-orders" in item.message] == [ExitCode.BLOCKED]
    assert [item.code for item in findings if "of-users" in item.message] == [ExitCode.OK]


def test_session_that_has_been_idle_for_long_blocks_nobody(
    database: Database, gate: BlockersGate
) -> None:
    """The connections of a pool are older than any limit, and so is what they ran last."""
    with database.connect() as pooled:
        pooled.execute("SELECT count(*) FROM orders")
        (finding,) = gate.look(ALTER, max_age=timedelta(microseconds=1))
    assert finding.status is Status.PASSED


def test_predicate_lock_blocks_nobody(database: Database, gate: BlockersGate) -> None:
    """What a serializable transaction has read is marked by a lock for which nobody waits."""
    with database.connect(autocommit=False) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL SERIALIZABLE")
        reader.execute("SELECT * FROM orders")
        marks = "SELECT DISTINCT mode FROM pg_locks WHERE mode = 'SIReadLock'"
        assert database.query(marks) == [("SIReadLock",)]
        assert gate.look(INSERT)[0].status is Status.PASSED
        (finding,) = gate.look(ALTER)
    assert [lock["held"] for lock in finding.facts["locks"]] == ["AccessShareLock"]  # type: ignore[attr-defined] # a list of them


def test_prepared_transaction_of_another_database_is_not_told(
    make_database: Callable[..., Database], gate: BlockersGate
) -> None:
    """It holds nothing here, and nobody can finish it from here."""
    other = make_database()
    with other.connect(autocommit=False) as writer:
        writer.execute("CREATE TABLE orders (id int)")
        writer.execute("PREPARE TRANSACTION 'elsewhere'")
    (finding,) = gate.look(ALTER, max_age=timedelta(microseconds=1))
    assert finding.status is Status.PASSED


def test_dump_at_work_blocks(database: Database, gate: BlockersGate) -> None:
    """pg_dump is known by its application name, before and after it has its locks."""
    with database.connect(autocommit=False) as dump:
        dump.execute("SET application_name = 'pg_dump'")
        assert gate.look(ALTER)[0].rule == "blocker-dump"
        dump.execute("LOCK TABLE orders IN ACCESS SHARE MODE")
        (finding,) = gate.look(ALTER)
        assert finding.rule == "blocker-lock"
        assert "Wait until the dump has ended" in finding.hint
        assert [item.status for item in gate.look(INSERT)] == [Status.PASSED, Status.WARNED]


def test_queue_in_front_of_us_blocks(database: Database, gate: BlockersGate) -> None:
    """Somebody who waits for a conflicting lock is served before us."""
    with database.connect(autocommit=False) as reader, database.connect() as waiter:
        reader.execute("SELECT * FROM orders")

        def wait() -> None:
            waiter.execute("ALTER TABLE orders ADD COLUMN note text")

        with meanwhile(wait):
            eventually(lambda: is_running(database, "ALTER TABLE"))
            findings = gate.look(INSERT)
            reader.rollback()
    assert [item.rule for item in findings] == ["blocker-lock"]
    assert "waits for AccessExclusiveLock on orders" in findings[0].message


def test_lock_on_a_partition_blocks_its_parent(database: Database, gate: BlockersGate) -> None:
    """An ALTER of the parent takes every partition, of every level."""
    database.execute(
        "CREATE TABLE sale (id int, day int) PARTITION BY RANGE (id);"
        "CREATE TABLE sale_1 PARTITION OF sale FOR VALUES FROM (0) TO (9) PARTITION BY LIST (day);"
        "CREATE TABLE sale_1_1 PARTITION OF sale_1 FOR VALUES IN (1)"
    )
    with database.connect(autocommit=False) as reader:
        reader.execute("SELECT * FROM sale_1_1")
        (finding,) = gate.look(LockRequest("sale", LockMode.ACCESS_EXCLUSIVE))
        assert "on sale_1_1," in finding.message
        assert gate.look(ALTER)[0].status is Status.PASSED


def test_lock_on_the_table_of_a_named_index_blocks(database: Database, gate: BlockersGate) -> None:
    """DROP INDEX names the index; the catalog knows its table."""
    of_index = LockRequest("orders_pkey", LockMode.ACCESS_EXCLUSIVE, LockTarget.INDEXED_TABLE)
    with database.connect(autocommit=False) as reader:
        reader.execute("LOCK TABLE orders IN ACCESS SHARE MODE")
        (finding,) = gate.look(of_index)
        assert "on orders," in finding.message


def test_names_are_looked_up_as_written(database: Database, gate: BlockersGate) -> None:
    """Quotes, schemas, the search path, and names that do not exist or are none."""
    database.execute('CREATE SCHEMA app; CREATE TABLE app."Or""ders" (id int)')
    gate.session.fetch("SET search_path = app")
    names = ['"Or""ders"', 'app."Or""ders"', "not_yet", "a b", "x.y.z.w", "", '"', "1a"]
    requests = [LockRequest(name, LockMode.ACCESS_EXCLUSIVE) for name in names]
    with database.connect(autocommit=False) as reader:
        reader.execute('SELECT * FROM app."Or""ders"')
        (finding,) = gate.look(*requests)
        assert 'on "Or""ders"' in finding.message
    (finding,) = gate.look(*requests)
    assert finding.facts["relations"] == ['"Or""ders"', 'app."Or""ders"']


def test_other_databases_do_not_count(
    make_database: Callable[..., Database], gate: BlockersGate
) -> None:
    """A transaction in another database neither holds our tables nor our snapshots."""
    with make_database().connect(autocommit=False) as elsewhere:
        elsewhere.execute("SELECT 1")
        (finding,) = gate.look(ALTER, max_age=timedelta(microseconds=1))
        assert finding.status is Status.PASSED
