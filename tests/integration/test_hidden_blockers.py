"""What the blockers gate makes of sessions that the server hides, or runs itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from hook.clock import Interrupt
from hook.core.outcome import Status
from hook.errors import ExitCode
from hook.stages import Context
from tests.testbed.blockers_gate import ALTER, ORDERS, BlockersGate
from tests.testbed.database import Database, Role
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.run_context import eventually, open_session, target_of


@pytest.fixture
def unprivileged(
    database: Database, make_role: Callable[..., Role], calm: Interrupt, ctx: Context
) -> Iterator[BlockersGate]:
    """Return the gate as a role that sees nothing of the others."""
    database.execute(ORDERS)
    with open_session(target_of(database, make_role()), calm) as session:
        yield BlockersGate(ctx, session)


def test_unprivileged_role_sees_every_holder(
    database: Database, unprivileged: BlockersGate
) -> None:
    """Locks are visible to every role: nobody holds one unseen."""
    with database.connect(autocommit=False) as reader:
        reader.execute("SELECT * FROM orders")
        findings = unprivileged.look(ALTER)
        assert (findings[0].rule, findings[0].code) == ("blocker-lock", ExitCode.BLOCKED)
        assert f"pid {reader.info.backend_pid} (user postgres" in findings[0].message


def test_unprivileged_role_does_not_clear_a_transaction_it_cannot_date(
    database: Database, unprivileged: BlockersGate
) -> None:
    """A hidden transaction that stays may be hours old: unknown, with the grant to make."""
    with database.connect(autocommit=False) as idler:
        idler.execute("SELECT 1")
        (finding,) = unprivileged.look(ALTER, seconds=0.5)
        assert (finding.status, finding.code) == (Status.UNKNOWN, ExitCode.BLOCKED)
        assert f"pid {idler.info.backend_pid}" in finding.message
        assert "GRANT pg_read_all_stats TO" in finding.hint


def test_unprivileged_role_passes_idle_sessions_with_a_warning(
    database: Database, unprivileged: BlockersGate
) -> None:
    """Hidden sessions without a transaction are proven harmless, and still mentioned."""
    with database.connect():
        findings = unprivileged.look(ALTER)
        assert [item.status for item in findings] == [Status.PASSED, Status.WARNED]
        assert findings[1].message.startswith("1 session of other roles hides its age from")


def test_granted_role_sees_ages(
    database: Database, make_role: Callable[..., Role], calm: Interrupt, ctx: Context
) -> None:
    """With pg_read_all_stats nothing is hidden."""
    role = make_role()
    database.execute(f"GRANT pg_read_all_stats TO {role.name}")
    with (
        database.connect(autocommit=False) as idler,
        open_session(target_of(database, role), calm) as session,
    ):
        idler.execute("SELECT 1")
        findings = BlockersGate(ctx, session).look(ALTER)
    assert [item.status for item in findings] == [Status.PASSED]


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
    for role in (None, Role("somebody")):
        with open_session(target_of(database, role), calm) as session:
            findings = BlockersGate(ctx, session).look(ALTER)
        assert [(item.rule, item.status) for item in findings] == [
            ("blockers", Status.PASSED),
            ("blocker-autovacuum", Status.WARNED),
        ]
        assert "holds ShareUpdateExclusiveLock on orders" in findings[1].message
