"""The test bed itself: what the other tests rely on."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from tests.testbed.binaries import NoServerPrograms, find_binaries
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


def test_wrong_folder_for_the_server_is_refused(tmp_path: Path) -> None:
    """A server that was asked for and is not there is an error, not another server."""
    with pytest.raises(NoServerPrograms, match="has no initdb, pg_ctl, postgres"):
        find_binaries(str(tmp_path))


def test_server_of_its_own_takes_settings_and_restarts(
    make_server: Callable[..., PostgresServer],
) -> None:
    """A test may configure, stop and start a cluster that is only its own."""
    own = make_server({"max_connections": "7"})
    own.stop()
    with pytest.raises(psycopg.OperationalError):
        own.connect()
    own.start()
    with own.connect() as connection:
        assert connection.execute("SHOW max_connections").fetchone() == ("7",)
