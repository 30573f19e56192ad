"""The place where one scenario is played: a database, a role and a folder."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.rows import TupleRow

from tests.interop.scenario import Preparation
from tests.testbed.database import let_leave
from tests.testbed.postgres_server import PostgresServer

# Placeholders put both names into checksums, so every run has the same ones.
DATABASE = "interop"
ROLE = "interop_app"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A database of its own on *server* and the migrations folder *root*."""

    server: PostgresServer
    role: str
    root: Path

    def connect(self, role: str = "") -> psycopg.Connection[TupleRow]:
        """Return an autocommit connection as *role*, the superuser unless given."""
        return self.server.connect(DATABASE, role or self.server.superuser)

    def settings(self, step: Mapping[str, str]) -> dict[str, str]:
        """Return the environment of both tools, with the variables of *step*."""
        url = f"jdbc:postgresql://{self.server.host}:{self.server.port}/{DATABASE}"
        environment = {
            "FLYWAY_URL": url,
            "FLYWAY_USER": self.role,
            "FLYWAY_LOCATIONS": f"filesystem:{self.root}",
        }
        return environment | {
            name: value.replace("{root}", str(self.root)).replace("{url}", url)
            for name, value in step.items()
        }

    def prepare(self, preparation: Preparation) -> None:
        """Change files and database as the scenario says."""
        if preparation.files:
            shutil.copytree(preparation.files, self.root, symlinks=True, dirs_exist_ok=True)
        for name in preparation.remove:
            (self.root / name).unlink()
        for name, content in (preparation.write or {}).items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for name, target in (preparation.links or {}).items():
            (self.root / name).symlink_to(target)
        self._run(preparation.admin_sql, self.server.superuser)
        self._run(preparation.sql, self.role)

    def _run(self, sql: str, role: str) -> None:
        if sql:
            with self.connect(role) as connection:
                connection.execute(sql.encode())


@contextmanager
def created_workspace(
    server: PostgresServer, root: Path, *, needs_superuser: bool
) -> Iterator[Workspace]:
    """Create role, database and folder; remove them afterwards.

    One at a time for each *server*: the names are always the same.
    """
    root.mkdir()
    strategy = "STRATEGY file_copy" if server.major >= 15 else ""
    with server.connect() as admin:
        admin.execute(f"CREATE ROLE {ROLE} LOGIN".encode())
        try:
            admin.execute(
                f"CREATE DATABASE {DATABASE} OWNER {ROLE} TEMPLATE template1 {strategy}".encode()
            )
            yield Workspace(server, server.superuser if needs_superuser else ROLE, root)
        finally:
            let_leave(DATABASE, admin)
            admin.execute(f"DROP DATABASE IF EXISTS {DATABASE} WITH (FORCE)".encode())
            admin.execute(f"DROP ROLE {ROLE}".encode())
            shutil.rmtree(root)
