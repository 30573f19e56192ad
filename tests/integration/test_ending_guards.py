"""Whom the server is not told to end, whatever was seen of them a moment before."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg.rows import TupleRow

from hook.clock import Interrupt
from hook.core.sessions.census import Party
from hook.core.sessions.contention import LockWait, Look
from hook.core.sessions.ending import Endable
from hook.postgres.contention import end_session, fetch_census
from hook.postgres.session import Session
from tests.testbed.database import Database, Role
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.run_context import eventually, open_session, target_of

Connection = psycopg.Connection[TupleRow]
WORKER = (
    "SELECT pid FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'"
    " AND datname = current_database() AND query LIKE 'autovacuum: VACUUM %public.{}%'"
)
LAME = {
    "autovacuum": "on",
    "autovacuum_naptime": "1s",
    "autovacuum_vacuum_cost_delay": "100ms",
    "autovacuum_vacuum_cost_limit": "1",
}
# A table cannot be due for that earlier; and for nothing else, this one.
AGED = """\
CREATE TABLE aged WITH (autovacuum_enabled = false, autovacuum_freeze_max_age = 100000) AS
SELECT id, repeat('x', 100) FROM generate_series(1, 20000) AS id
"""
TRANSACTIONS = (
    "DO $$ BEGIN FOR i IN 1..100100 LOOP PERFORM txid_current(); COMMIT; END LOOP; END $$"
)
DEAD = """\
CREATE TABLE dead AS SELECT id, repeat('x', 100) FROM generate_series(1, 20000) AS id;
DELETE FROM dead
"""


@pytest.fixture
def session(database: Database, calm: Interrupt) -> Iterator[Session]:
    """Return the session that ends others, as a superuser."""
    with open_session(target_of(database), calm) as opened:
        yield opened


@pytest.fixture
def app(make_role: Callable[..., Role]) -> Role:
    """Return the role of an application."""
    return make_role()


@contextlib.contextmanager
def idler(database: Database, role: Role | None) -> Iterator[Connection]:
    """Sit in a transaction that is open."""
    with contextlib.closing(database.connect(role, autocommit=False)) as other:
        other.execute("SELECT 1")
        yield other


def seen(session: Session, pid: int) -> Party:
    """Return what *session* sees of the backend *pid* as of one that is in the way."""
    waits = (LockWait(session.pid, (pid,), 0),)
    (party,) = fetch_census(session, Look(session.pid, True, 1, waits)).blockers  # noqa: FBT003 - its second field
    return party


def is_there(database: Database, pid: int) -> bool:
    """Tell whether the backend *pid* is."""
    return bool(database.query(f"SELECT FROM pg_stat_activity WHERE pid = {pid}"))


def vacuuming(database: Database, table: str) -> int:
    """Return who vacuums *table* on behalf of the server, once somebody does."""
    at_work = WORKER.format(table)
    eventually(lambda: bool(database.query(at_work)))
    return int(database.query(at_work)[0][0])


def test_session_that_was_looked_at_is_ended(
    database: Database, session: Session, app: Role
) -> None:
    """Against this the others of this file are read."""
    with idler(database, app) as other:
        pid = other.info.backend_pid
        assert end_session(session, seen(session, pid), Endable.IDLE)
        eventually(lambda: not is_there(database, pid))


def test_backend_that_came_later_is_left_alone(
    database: Database, session: Session, app: Role
) -> None:
    """The server gives process ids away again."""
    with idler(database, app) as gone, idler(database, app) as other:
        before, party = seen(session, gone.info.backend_pid), seen(session, other.info.backend_pid)
        assert before.identity and party.identity  # noqa: PT018 - one fact: both can be seen
        for identity in (
            (before.identity[0], party.identity[1]),
            (party.identity[0], before.identity[1]),
        ):
            assert not end_session(session, party._replace(identity=identity), Endable.IDLE)
        elsewhere = party.row._replace(pid=gone.info.backend_pid)
        assert not end_session(session, party._replace(row=elsewhere), Endable.IDLE)
        assert not end_session(session, party._replace(identity=None), Endable.IDLE)
        assert other.execute("SELECT 1").fetchone() == (1,)
        assert gone.execute("SELECT 1").fetchone() == (1,)


def test_session_that_has_moved_on_is_left_alone(
    database: Database, session: Session, app: Role
) -> None:
    """What it does now was not looked at."""
    with idler(database, app) as other:
        party = seen(session, other.info.backend_pid)
        other.execute("SELECT 1")
        assert not end_session(session, party, Endable.IDLE)
        assert other.execute("SELECT 1").fetchone() == (1,)


def test_session_of_another_database_is_left_alone(
    make_database: Callable[[], Database], session: Session, app: Role
) -> None:
    """It holds no lock there that a migration here could wait for."""
    with idler(make_database(), app) as other:
        assert not end_session(session, seen(session, other.info.backend_pid), Endable.IDLE)
        assert other.execute("SELECT 1").fetchone() == (1,)


def test_superuser_is_left_alone(database: Database, session: Session) -> None:
    """Whoever became one after the choice as well: the role is looked up once more."""
    with idler(database, None) as other:
        assert not end_session(session, seen(session, other.info.backend_pid), Endable.IDLE)
        assert other.execute("SELECT 1").fetchone() == (1,)


def test_session_of_the_same_run_is_left_alone(
    database: Database, session: Session, app: Role
) -> None:
    """It is known by its name, whoever it belongs to."""
    ((name,),) = session.fetch("SELECT current_setting('application_name')")
    with idler(database, app) as other:
        other.execute("SELECT set_config('application_name', %s, false)", [name])
        assert not end_session(session, seen(session, other.info.backend_pid), Endable.IDLE)
        assert other.execute("SELECT 1").fetchone() == (1,)


def test_replication_is_left_alone(
    database: Database, session: Session, make_role: Callable[..., Role]
) -> None:
    """Also of a role that is no superuser, and of this very database."""
    url = database.url_for(make_role(attributes="REPLICATION"))
    with psycopg.connect(url, autocommit=True, replication="database") as standby:
        pid = standby.info.backend_pid
        query = f"SELECT datname, backend_type FROM pg_stat_activity WHERE pid = {pid}"
        assert database.query(query) == [(database.name, "walsender")]
        assert not end_session(session, seen(session, pid), Endable.IDLE)
        standby.execute("IDENTIFY_SYSTEM")


def test_vacuum_that_prevents_wraparound_is_left_alone(
    make_server: Callable[..., PostgresServer], calm: Interrupt
) -> None:
    """It would begin anew at once, and the server stops when it never ends."""
    database = Database(make_server(LAME), "postgres")
    for statement in (AGED, TRANSACTIONS, DEAD):
        database.execute(statement)
    aged, dead = vacuuming(database, "aged"), vacuuming(database, "dead")
    with open_session(target_of(database), calm) as session:
        party = seen(session, aged)
        assert party.row.prevents_wraparound
        assert not end_session(session, party, Endable.AUTOVACUUM)
        assert end_session(session, seen(session, dead), Endable.AUTOVACUUM)
    eventually(lambda: not is_there(database, dead))
    assert is_there(database, aged)
