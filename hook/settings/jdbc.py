"""JDBC URLs of pgjdbc as libpq parameters, so that ``FLYWAY_URL`` keeps its meaning.

Source: pgjdbc's ``PGProperty`` and "Connecting to the Database",
https://jdbc.postgresql.org/documentation/use/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from hook.settings.conninfo import decode_percent, parse_hosts

_PREFIX = re.compile(r"jdbc:(?:p6spy:|aws-wrapper:)?postgresql:")
_DEFAULT_PORT = "5432"

_RENAMED = {
    "user": "user",
    "password": "password",
    "sslmode": "sslmode",
    "sslrootcert": "sslrootcert",
    "sslcert": "sslcert",
    "sslkey": "sslkey",
    "sslpassword": "sslpassword",
    "options": "options",
    "applicationname": "application_name",
    "channelbinding": "channel_binding",
    "gssencmode": "gssencmode",
    "kerberosservername": "krbsrvname",
    "service": "service",
}
# Stronger than what stands in front of the question mark.
_PLACE = {"pghost": "host", "pgport": "port", "pgdbname": "dbname"}
_CONNECT_TIMEOUTS = ("logintimeout", "connecttimeout")
# By the names in small letters, those that pgjdbc knows; the others have no meaning here.
_SPELLING = {
    name.lower(): name
    for name in (
        "ApplicationName", "PGDBNAME", "PGHOST", "PGPORT", "channelBinding", "connectTimeout",
        "currentSchema", "gssEncMode", "kerberosServerName", "loadBalanceHosts", "loginTimeout",
        "options", "password", "service", "socketTimeout", "ssl", "sslcert", "sslfactory", "sslkey",
        "sslmode", "sslpassword", "sslrootcert", "targetServerType", "tcpKeepAlive", "user",
    )
}  # fmt: skip
# Who spells one of these wrong believes in a protection that is not there.
_PROTECTIONS = ("channelbinding", "gssencmode", "ssl")
_SESSION_ATTRIBUTES = {
    "any": "any",
    "primary": "primary",
    "master": "primary",
    "secondary": "standby",
    "slave": "standby",
    "preferslave": "prefer-standby",
    "prefersecondary": "prefer-standby",
    # libpq knows no "prefer-primary"; nothing is migrated on a standby anyway.
    "preferprimary": "primary",
}
_NEEDS_OTHER_FORM = (".p12", ".pfx")


@dataclass(frozen=True, slots=True)
class JdbcUrl:
    """A JDBC URL in libpq's words. *ignored* are parameters without a meaning here."""

    parameters: Mapping[str, str] = field(repr=False)
    ignored: tuple[str, ...] = ()


def parse_jdbc(text: str, properties: Mapping[str, str]) -> JdbcUrl:
    """Return what *text* and the connection *properties* say to libpq.

    Parameters of the URL win over *properties*, as in pgjdbc, which passes over names in
    another case than its own.

    Raises:
        ValueError: It is not a PostgreSQL URL, or a parameter of TLS is not spelled as pgjdbc
            does; the reason never quotes a value.
    """
    if text.startswith("jdbc-secretsmanager:"):
        raise ValueError(
            "is for the driver of AWS Secrets Manager, which is not supported; mount the secret"
            " and set FLYWAY_USER and FLYWAY_PASSWORD"
        )
    prefix = _PREFIX.match(text)
    if prefix is None:
        raise ValueError("is not a JDBC URL of PostgreSQL (jdbc:postgresql://host:5432/database)")
    before_query, _, query = text[prefix.end() :].partition("?")
    given: dict[str, str] = {}
    spelled = {name.lower(): name for name in properties if name.lower() in _PLACE}
    misspelled = set()
    for name, value in _told(properties, query):
        right = _SPELLING.get(name.lower(), name)
        if right == name:
            given[name.lower()] = value
            spelled[name.lower()] = name
        elif right.lower().startswith(_PROTECTIONS):
            kind = "the property " if name in properties else ""
            raise ValueError(f"has {kind}{name}, which pgjdbc passes over: it is spelled {right}")
        else:
            misspelled.add(f"{name} (pgjdbc knows {right})")
    place = _place(before_query)
    if "service" in given:
        # Whatever the URL leaves open is in the definition of the service.
        place = _named_place(before_query, place)
    place |= {_PLACE[name]: given[name] for name in given.keys() & _PLACE.keys()}
    parameters = place | _translated(given)
    known = {"currentschema", *_RENAMED, *_TRANSLATORS, *_PLACE, *_CONNECT_TIMEOUTS}
    ignored = spelled.keys() - (given.keys() & known)
    names = (*misspelled, *(spelled[name] for name in ignored))
    return JdbcUrl(parameters, tuple(sorted(names)))


def _told(properties: Mapping[str, str], query: str) -> Iterator[tuple[str, str]]:
    """Yield name and value of each parameter, the stronger ones last."""
    yield from ((name, value) for name, value in properties.items() if name.lower() not in _PLACE)
    for pair in filter(None, query.split("&")):
        name, _, value = pair.partition("=")
        yield name, _decoded(value)


def _place(text: str) -> dict[str, str]:
    """Return host, port, login and database of ``//host:port/db``, ``/`` or ``db``."""
    if not text.startswith("//"):
        database = _decoded(text.removeprefix("/"))
        place = {"host": "localhost", "port": _DEFAULT_PORT}
        return place | ({"dbname": database} if database else {})
    authority, _, database = text.removeprefix("//").partition("/")
    parameters = parse_hosts(authority)
    hosts = parameters.get("host", "localhost").split(",")
    ports = parameters.get("port", "").split(",")
    ports += [""] * (len(hosts) - len(ports))
    parameters["host"] = ",".join(host or "localhost" for host in hosts)
    parameters["port"] = ",".join(port or _DEFAULT_PORT for port in ports)
    return parameters | ({"dbname": _decoded(database)} if database else {})


def _named_place(text: str, place: Mapping[str, str]) -> dict[str, str]:
    """Return of the *place* that *text* is what it says itself, as pgjdbc does with a service."""
    says_host = text.startswith("//") and text.strip("/")
    return {name: value for name, value in place.items() if says_host or name == "dbname"}


def _decoded(text: str) -> str:
    # pgjdbc decodes as forms are: there a plus sign is a space, unlike in libpq's URIs.
    return decode_percent(text.replace("+", " "))


def _translated(given: Mapping[str, str]) -> dict[str, str]:
    parameters = {_RENAMED[name]: value for name, value in given.items() if name in _RENAMED}
    if waits := [given[name] for name in _CONNECT_TIMEOUTS if name in given]:
        # Seconds; of both the shorter one ends the wait, and 0 is none at all.
        parameters["connect_timeout"] = min(
            waits, key=lambda wait: (not wait.strip("0"), len(wait), wait)
        )
    if parameters.get("sslkey", "").endswith(_NEEDS_OTHER_FORM):
        raise ValueError("has an sslkey in PKCS#12, which libpq cannot read; convert it to PEM")
    for name, translate in _TRANSLATORS.items():
        if name in given:
            parameters = translate(given[name]) | parameters
    if "currentschema" in given:
        own = parameters.get("options", "")
        parameters["options"] = f"{own} {_search_path(given['currentschema'])}".strip()
    return parameters


def _ssl(value: str) -> dict[str, str]:
    # A bare ``ssl`` counts as true in pgjdbc.
    return {"sslmode": "verify-full"} if not value or _is_true(value) else {}


def _is_true(value: str) -> bool:
    return value.lower() == "true"  # Java's Boolean.parseBoolean


def _ssl_factory(value: str) -> dict[str, str]:
    return {"sslmode": "require"} if value.endswith("NonValidatingFactory") else {}


def _search_path(schemas: str) -> str:
    # In ``options`` a space separates and a backslash escapes.
    escaped = schemas.replace("\\", "\\\\").replace(" ", "\\ ")
    return f"-c search_path={escaped}"


def _target_server(value: str) -> dict[str, str]:
    attributes = _SESSION_ATTRIBUTES.get(value.lower())
    if attributes is None:
        raise ValueError("has a targetServerType that pgjdbc does not know")
    return {"target_session_attrs": attributes}


def _balance(value: str) -> dict[str, str]:
    return {"load_balance_hosts": "random"} if _is_true(value) else {}


def _keep_alive(value: str) -> dict[str, str]:
    return {"keepalives": "1"} if _is_true(value) else {}


def _socket_timeout(value: str) -> dict[str, str]:
    # Seconds in pgjdbc, milliseconds in libpq.
    return {"tcp_user_timeout": str(int(value) * 1000)} if re.fullmatch("[0-9]{1,6}", value) else {}


_TRANSLATORS = {
    # The factory that checks nothing weakens ssl=true, never a stated sslmode.
    "sslfactory": _ssl_factory,
    "ssl": _ssl,
    "targetservertype": _target_server,
    "loadbalancehosts": _balance,
    "tcpkeepalive": _keep_alive,
    "sockettimeout": _socket_timeout,
}
