"""Which connection an environment names."""

from __future__ import annotations

from hook.settings.database import Connection, resolve_connection
from hook.settings.setting import Given, Origin

POSTGRES = {
    "POSTGRES_HOST": "db.infra",
    "POSTGRES_PORT": "5433",
    "POSTGRES_USER": "shop",
    "POSTGRES_PASSWORD": "s3cr3t",
    "POSTGRES_DB": "shop",
}


def resolve(url: str | None = None, **environment: str) -> Connection:
    """Return the connection for the variables given."""
    given = None if url is None else Given(url, Origin.ENVIRONMENT, "PRESYNC_URL")
    return resolve_connection(given, None, environment, {})


def described(connection: Connection) -> str:
    """Return the target, which must exist and be without problems."""
    assert not connection.problems
    assert connection.target is not None
    return connection.target.describe()
