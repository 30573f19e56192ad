"""Where the database is and who we are to it, ready for libpq."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

# A peer that vanished is noticed after a minute in every state of the connection:
# keepalives find it while we wait, the user timeout while we send.
KEEPALIVES = {
    "keepalives": "1",
    "keepalives_idle": "30",
    "keepalives_interval": "10",
    "keepalives_count": "3",
    "tcp_user_timeout": "60000",
}


@dataclass(frozen=True, slots=True)
class ConnectionTarget:
    """The one server and database that a run works on.

    Attributes:
        parameters: libpq's parameters by keyword, without ``password``. A missing one
            takes libpq's own default.
            https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
        password: Kept apart so that no rendering of the target can show it.
        unnamed: Which of ``user`` and ``dbname`` nobody has named; libpq takes the user of the
            operating system, and the user's name for the database.
    """

    parameters: Mapping[str, str]
    password: str | None = field(default=None, repr=False)
    unnamed: frozenset[str] = frozenset()

    def describe(self) -> str:
        """Return ``user@host:port/db``; what libpq would fill in by default is left out."""
        user = self.parameters.get("user", "")
        host = self.parameters.get("host") or self.parameters.get("hostaddr", "")
        port = self.parameters.get("port", "")
        database = self.parameters.get("dbname", "")
        login = f"{user}@" if user else ""
        service = self.parameters.get("service", "")
        place = f"{host}:{port}" if port else host or (f"service {service}" if service else "")
        return f"{login}{place}/{database}" if database else f"{login}{place}"


def named_target(
    parameters: Mapping[str, str], password: str | None, environment: Mapping[str, str]
) -> ConnectionTarget:
    """Return the target, which knows what neither it nor a service names."""
    is_of_service = "service" in parameters or environment.get("PGSERVICE")
    names = frozenset() if is_of_service else frozenset({"user", "dbname"})
    return ConnectionTarget(parameters, password, names - parameters.keys())
