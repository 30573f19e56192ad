"""The test bed itself: what the other tests rely on."""

from __future__ import annotations

from collections.abc import Callable

import psycopg
import pytest

from tests.testbed.database import Database, Role
from tests.testbed.postgres_server import PostgresServer


def test_database_is_fresh_and_writable(database: Database) -> None:
    """A test starts with a database of its own, without tables."""
    database.execute("CREATE TABLE t (id int); INSERT INTO t VALUES (1)")
    assert database.query("SELECT id FROM t") == [(1,)]


def test_role_with_password_is_checked_by_the_server(
    database: Database, make_role: Callable[..., Role]
) -> None:
    """A wrong password is refused by the server itself, a right one accepted."""
    role = make_role(password="right")
    with database.connect(role) as connection:
        assert connection.info.user == role.name
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        database.connect(Role(role.name, "wrong"))


def test_database_goes_away_despite_prepared_transaction(database: Database) -> None:
    """Even a prepared transaction does not keep a test's database alive."""
    database.execute("CREATE TABLE t (id int)")
    with database.connect(autocommit=False) as connection:
        connection.execute("INSERT INTO t VALUES (1)")
        connection.execute("PREPARE TRANSACTION 'left behind'")


def test_standby_is_in_recovery(standby: PostgresServer) -> None:
    """The standby answers reads and refuses writes."""
    with standby.connect() as connection:
        assert connection.execute("SELECT pg_is_in_recovery()").fetchone() == (True,)
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            connection.execute("CREATE TABLE t (id int)")
