"""Hosts, ports and names of databases that can be none, so that no wait would mend them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from hook.settings.setting import Problem

_HIGHEST_PORT = 65535
_VARIABLES = {
    "host": ("POSTGRES_HOST", "PGHOST"),
    "port": ("POSTGRES_PORT", "PGPORT"),
    "dbname": ("POSTGRES_DB", "PGDATABASE"),
}
# A host that begins so is a socket.
_SOCKET = ("/", "@")
_URL = re.compile(r"(?:jdbc:|postgres(?:ql)?://)", re.IGNORECASE)
_HOST_AND_PORT = re.compile(r"([^:]+):([0-9]{1,5})")


class Place(NamedTuple):
    """What a source says of where the database is.

    Attributes:
        label: Of the source.
        parameters: Its own, and what it left open.
        environment: All variables, one of which may be the origin of a parameter.
    """

    label: str
    parameters: Mapping[str, str]
    environment: Mapping[str, str]

    def items(self, keyword: str) -> Iterator[tuple[str, str]]:
        """Yield each item of the list in *keyword*, behind the name of who says it."""
        for item in filter(None, self.parameters.get(keyword, "").split(",")):
            said = (name for name in _VARIABLES[keyword] if item.strip() in self._items_of(name))
            yield next(said, self.label), item

    def _items_of(self, name: str) -> list[str]:
        return [item.strip() for item in self.environment.get(name, "").split(",")]


def odd_places(place: Place) -> Iterator[Problem]:
    """Yield a problem for each host, port and database that cannot be one.

    What may be a URL, and so hold a password, is not shown.
    """
    yield from _bad_hosts(place)
    yield from _bad_ports(place)
    for label, _ in filter(lambda said: _URL.match(said[1]), place.items("dbname")):
        yield _more_than("database", label)


def _bad_hosts(place: Place) -> Iterator[Problem]:
    for label, host in place.items("host"):
        if host.strip().startswith(_SOCKET):
            continue
        if re.search(r"[/@]|\S\s+\S", host):
            yield _more_than("host", label)
        elif found := _HOST_AND_PORT.fullmatch(host):
            yield Problem(
                f"{label}: {host!r} is a host and a port",
                hint=f"Put {found[1]} into {label}, and {found[2]} where the port belongs,"
                " POSTGRES_PORT for example.",
            )


def _more_than(what: str, label: str) -> Problem:
    return Problem(
        f"{label} holds more than the name of a {what}",
        hint=f"Put a URL into DATABASE_URL or PRESYNC_URL, and the {what} alone into {label}.",
    )


def _bad_ports(place: Place) -> Iterator[Problem]:
    for label, port in place.items("port"):
        if re.fullmatch(r"\s*[0-9]{1,5}\s*", port) and 0 < int(port) <= _HIGHEST_PORT:
            continue
        yield Problem(
            f"{label}: {port!r} is not a port, which is a number from 1 to {_HIGHEST_PORT}",
            hint=f"Correct the port in {label}.",
        )
