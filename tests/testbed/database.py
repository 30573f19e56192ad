"""Databases and roles that live as long as one test."""

from __future__ import annotations

import contextlib
import itertools
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.rows import TupleRow

from tests.testbed.postgres_server import PASSWORD_GROUP, PostgresServer

_numbers = itertools.count(1)
_MOMENT = 0.1


@dataclass(frozen=True, slots=True)
class Role:
    """A role that may log in; with a password it has to give it over TCP."""

    name: str
    password: str = ""


@dataclass(frozen=True, slots=True)
class Database:
    """One fresh database on *server*."""

    server: PostgresServer
    name: str

    @property
    def url(self) -> str:
        """Return the URL for the superuser."""
        return self.server.url(self.name)

    @property
    def conninfo(self) -> str:
        """Return the keyword string for the superuser."""
        return self.server.conninfo(self.name)

    def url_for(self, role: Role) -> str:
        """Return the URL for *role*, with its password if it has one."""
        return self.server.url(self.name, role.name, role.password)

    def connect(
        self, role: Role | None = None, *, autocommit: bool = True
    ) -> psycopg.Connection[TupleRow]:
        """Return a connection, as the superuser unless *role* is given."""
        url = self.url_for(role) if role else self.url
        return psycopg.connect(url, autocommit=autocommit)

    def execute(self, text: str) -> None:
        """Run *text* (one or many statements) as the superuser, autocommit."""
        with self.connect() as connection:
            connection.execute(text.encode())

    def query(self, text: str) -> list[TupleRow]:
        """Return the rows of the statement *text*, run as the superuser."""
        with self.connect() as connection:
            return connection.execute(text.encode()).fetchall()


@contextlib.contextmanager
def created_database(server: PostgresServer, template: str = "template1") -> Iterator[Database]:
    """Create a database as a copy of *template*; drop it afterwards, connected or not."""
    database = Database(server, f"t{os.getpid()}_{next(_numbers)}")
    name = sql.Identifier(database.name)
    with server.connect() as admin:
        admin.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(name, sql.Identifier(template))
        )
        try:
            yield database
        finally:
            _roll_back_prepared(database, admin)
            let_leave(database.name, admin)
            admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))


def _roll_back_prepared(database: Database, admin: psycopg.Connection[TupleRow]) -> None:
    """Roll back what would keep *database* from being dropped, from inside as it must be.

    Connects only when there is something, as the rule is that there is nothing.
    """
    gids = admin.execute(
        "SELECT gid FROM pg_prepared_xacts WHERE database = %s", [database.name]
    ).fetchall()
    for (gid,) in gids:
        with database.connect() as inside:
            inside.execute(sql.SQL("ROLLBACK PREPARED {}").format(sql.Literal(gid)))


def let_leave(database: str, admin: psycopg.Connection[TupleRow]) -> None:
    """Give the backends of connections that were closed just now a moment to end.

    What copies or drops a database looks for them, and again only after 100 ms.
    """
    ends = time.monotonic() + _MOMENT
    present = "SELECT FROM pg_stat_activity WHERE datname = %s"
    while time.monotonic() < ends and admin.execute(present, [database]).rowcount:
        time.sleep(0.001)


@contextlib.contextmanager
def created_role(database: Database, password: str = "", attributes: str = "") -> Iterator[Role]:
    """Create a login role with *attributes*; drop it and what it owns in *database*."""
    role = Role(f"r{os.getpid()}_{next(_numbers)}", password)
    name = sql.Identifier(role.name)
    with database.connect() as admin:
        admin.execute(sql.SQL("CREATE ROLE {} LOGIN " + attributes).format(name))
        if password:
            admin.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(name, sql.Literal(password)))
            admin.execute(sql.SQL("GRANT {} TO {}").format(sql.Identifier(PASSWORD_GROUP), name))
    try:
        yield role
    finally:
        with database.connect() as admin:
            admin.execute(sql.SQL("DROP OWNED BY {}").format(name))
            admin.execute(sql.SQL("DROP ROLE {}").format(name))
