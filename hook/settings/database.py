"""Which database: the first source that is set, and whether the others agree.

In order: ``PRESYNC_URL``, ``FLYWAY_URL``, ``DATABASE_URL``, ``POSTGRES_HOST`` and its
kin, libpq's ``PG*``. What the chosen source leaves open is taken from ``PG*``, as
libpq would, so that what is told is what is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from hook.settings.connection_variables import JDBC_PROPERTY, as_flyway_takes
from hook.settings.conninfo import KEYWORDS, parse_conninfo, parse_loose_conninfo
from hook.settings.odd_places import Place, odd_places
from hook.settings.setting import Given, Origin, Problem
from hook.settings.target import ConnectionTarget, named_target
from hook.settings.unexpanded import is_unexpanded, unexpanded_problem

SOURCES = "PRESYNC_URL, FLYWAY_URL, DATABASE_URL, POSTGRES_HOST and its kin, or PGHOST and its kin"
_DRIVER = r"^(postgres(?:ql)?)\+[a-z0-9]+(?=://)"
_JDBC = "jdbc"
_DEFAULT_PORT = "5432"
_FLYWAY = {"FLYWAY_USER": "user", "FLYWAY_PASSWORD": "password"}
_POSTGRES = {
    "POSTGRES_HOST": "host",
    "POSTGRES_PORT": "port",
    "POSTGRES_USER": "user",
    "POSTGRES_PASSWORD": "password",
    "POSTGRES_DB": "dbname",
}
_LIBPQ = {
    "PGHOST": "host",
    "PGHOSTADDR": "hostaddr",
    "PGPORT": "port",
    "PGUSER": "user",
    "PGDATABASE": "dbname",
}

# libpq's are those of the manual, "Environment Variables"; other programs have names in PG, too.
_READ_AS_IT_IS = (
    r"(?:AWS_|PRESYNC_|FLYWAY_)|(?:DATABASE_URL|PG(?:APPNAME|CHANNELBINDING|CLIENTENCODING"
    r"|CONNECT_TIMEOUT|DATABASE|DATESTYLE|GEQO|GSS[A-Z]+|HOST|HOSTADDR|KRBSRVNAME"
    r"|LOADBALANCEHOSTS|M(?:AX|IN)PROTOCOLVERSION|OAUTH[A-Z]+|OPTIONS|PASSFILE|PASSWORD|PORT"
    r"|REQUIREAUTH|REQUIREPEER|REQUIRESSL|SERVICE|SERVICEFILE|SSL[A-Z_]+|SYSCONFDIR"
    r"|TARGETSESSIONATTRS|TZ|USER))$"
)

_Environment = Mapping[str, str]
_LIBPQ_FORM = (
    "postgresql://user:password@host:5432/database, characters such as @ : / ? # % of a password"
    " percent-encoded, or as host='…' dbname='…' user='…'"
)
_JDBC_FORM = "jdbc:postgresql://host:5432/database, user and password in variables of their own"


class Source:
    """Something that names a database. *label* is told, its values are not."""

    def __init__(
        self, label: str, parameters: Mapping[str, str], notes: tuple[str, ...] = ()
    ) -> None:
        self.label = label
        self.parameters = parameters
        self.notes = notes


class Connection(NamedTuple):
    """What the sources say together. *target* is none when nothing usable is set."""

    target: ConnectionTarget | None = None
    source: str = ""
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


def resolve_connection(
    url: Given | None,
    password: str | None,
    environment: _Environment,
    files: Mapping[str, Given],
) -> Connection:
    """Return the connection that *url*, or else *environment*, names.

    Args:
        url: ``PRESYNC_URL``, from wherever it was given.
        password: From a file; it replaces the one of the source.
        environment: All variables. A value that Kubernetes left unexpanded counts as
            unset here; it is a problem of its own.
        files: What Flyway's files set, by variable; the same variable is stronger.
    """
    own, unresolved = as_flyway_takes(environment)
    told = _overlaid(own, files)
    usable = {name: value for name, value in told.items() if not is_unexpanded(value)}
    labels = {name: given.label for name, given in files.items() if not environment.get(name)}
    if url is not None and is_unexpanded(url.text):
        url = None
    needed, unneeded = (unresolved, ()) if url is None else ((), unresolved)
    problems = [*needed, *_stray_login(_overlaid(environment, files), labels)]
    candidates = list(_candidates(url, usable, labels))
    if not candidates or isinstance(candidates[0], Problem):
        problems += [item for item in candidates[:1] if isinstance(item, Problem)]
        return Connection(problems=tuple(problems))
    chosen, *others = [item for item in candidates if isinstance(item, Source)]
    unread = [item.text for item in (*candidates, *unneeded) if isinstance(item, Problem)]
    parameters = dict(chosen.parameters)
    own_password = parameters.pop("password", None)
    return Connection(
        named_target(parameters, own_password if password is None else password, usable),
        chosen.label,
        (
            *problems,
            *odd_places(Place(chosen.label, chosen.parameters, usable)),
            *_conflicts(chosen, others),
        ),
        (
            *chosen.notes,
            *_odd_passwords(usable),
            *(f"{text}; {chosen.label} is used" for text in unread),
        ),
    )


def _overlaid(environment: _Environment, files: Mapping[str, Given]) -> dict[str, str]:
    """Return *environment* with what *files* say in place of what is unset."""
    unset = {name: given.text for name, given in files.items() if not environment.get(name)}
    return unset | {name: text for name, text in environment.items() if name not in unset}


def unexpanded_sources(environment: _Environment) -> Iterator[Problem]:
    """Yield a problem for each variable with a literal ``$(NAME)`` that is read by its own name.

    That is a source of the database, or what libpq and boto3 read by themselves.
    """
    for name, value in environment.items():
        if is_unexpanded(value) and (name in _POSTGRES or re.match(_READ_AS_IT_IS, name)):
            yield unexpanded_problem(name, value, environment)


def _candidates(
    url: Given | None, environment: _Environment, labels: Mapping[str, str]
) -> Iterator[Source | Problem]:
    if url is not None:
        yield _read(_presync_url, url, environment)
    for name, read in (("FLYWAY_URL", _flyway_url), ("DATABASE_URL", _database_url)):
        if environment.get(name):
            given = Given(environment[name], Origin.ENVIRONMENT, labels.get(name, name))
            yield _read(read, given, environment)
    if environment.get("POSTGRES_HOST") or environment.get("POSTGRES_DB"):
        label = "POSTGRES_HOST" if environment.get("POSTGRES_HOST") else "POSTGRES_DB"
        yield Source(label, _filled(_postgres_variables(environment), environment))
    libpq = _named(_LIBPQ, environment)
    if environment.get("PGSERVICE"):
        # The other variables are weaker than the service's file, and libpq reads them itself.
        yield Source("PGSERVICE", {"service": environment["PGSERVICE"]})
    elif libpq.keys() & {"host", "hostaddr", "dbname"}:
        yield Source("PGHOST" if "host" in libpq else "PG*", _filled(libpq, environment))


def _read(
    read: Callable[[str, _Environment], Source], given: Given, environment: _Environment
) -> Source | Problem:
    form = _JDBC_FORM if read is _flyway_url else _LIBPQ_FORM
    try:
        source = read(given.text, environment)
    except ValueError as error:
        return Problem(f"{given.label} {error}", given.origin, f"Write it as {form}.")
    notes = tuple(f"{given.label}: {note}" for note in source.notes)
    return Source(given.label, source.parameters, notes)


def _presync_url(text: str, environment: _Environment) -> Source:
    return Source("", _filled(parse_conninfo(text), environment))


def _database_url(text: str, environment: _Environment) -> Source:
    """Read an application's URL: with a driver in its scheme, parameters of its framework."""
    parameters = parse_loose_conninfo(re.sub(_DRIVER, r"\1", text))
    foreign = sorted(parameters.keys() - KEYWORDS)
    own = {name: value for name, value in parameters.items() if name not in foreign}
    return Source("", _filled(own, environment), _ignored(foreign))


def _flyway_url(text: str, environment: _Environment) -> Source:
    login = _named(_FLYWAY, environment)
    if not text.startswith(_JDBC):
        return Source("", _filled(login | parse_conninfo(text), environment))
    properties = {
        name.removeprefix(JDBC_PROPERTY): value
        for name, value in environment.items()
        if name.startswith(JDBC_PROPERTY)
    }
    from hook.settings.jdbc import parse_jdbc  # noqa: PLC0415 - for few sources

    # As in Flyway: user and password are stronger than properties, the URL than both.
    url = parse_jdbc(text, {**properties, **login})
    return Source("", url.parameters, _ignored(url.ignored))


def _ignored(names: list[str] | tuple[str, ...]) -> tuple[str, ...]:
    if not names:
        return ()
    return (f"parameters without a meaning here are ignored: {', '.join(names)}",)


def _stray_login(environment: _Environment, labels: Mapping[str, str]) -> Iterator[Problem]:
    if environment.get("FLYWAY_URL"):
        return
    for name in environment:
        if (name in _FLYWAY or name.startswith(JDBC_PROPERTY)) and environment[name]:
            label = labels.get(name, name)
            yield Problem(
                f"{label} is set and FLYWAY_URL is not",
                hint=f"Set FLYWAY_URL, or remove {label}.",
            )


def _postgres_variables(environment: _Environment) -> dict[str, str]:
    named = _named(_POSTGRES, environment)
    # For a Service called "postgres" Kubernetes sets POSTGRES_PORT=tcp://10.0.0.1:5432.
    if "://" in named.get("port", ""):
        del named["port"]
    return named


def _named(names: Mapping[str, str], environment: _Environment) -> dict[str, str]:
    """Return what is set under *names*; only a password may have blanks around it."""
    found = {keyword: environment.get(name, "") for name, keyword in names.items()}
    trimmed = {
        keyword: value if keyword == "password" else value.strip()
        for keyword, value in found.items()
    }
    return {keyword: value for keyword, value in trimmed.items() if value}


def _odd_passwords(environment: _Environment) -> Iterator[str]:
    for name in ("FLYWAY_PASSWORD", "POSTGRES_PASSWORD", "PGPASSWORD"):
        if environment.get(name, "").endswith("\n"):
            yield f"{name} ends with a newline, which counts as part of the password"


def _filled(parameters: Mapping[str, str], environment: _Environment) -> dict[str, str]:
    """Return *parameters* with what libpq would take from ``PG*`` for the missing ones."""
    if "service" in parameters or environment.get("PGSERVICE"):
        return dict(parameters)
    filled = _named(_LIBPQ, environment)
    if parameters.keys() & {"host", "hostaddr"}:
        filled.pop("host", None)
        filled.pop("hostaddr", None)
    filled |= parameters
    if filled.keys() & {"host", "hostaddr"}:
        filled.setdefault("port", _DEFAULT_PORT)
    return filled


def _conflicts(chosen: Source, others: list[Source]) -> Iterator[Problem]:
    for other in others:
        if _differ(_servers(chosen), _servers(other)) or _differ(
            chosen.parameters.get("dbname"), other.parameters.get("dbname")
        ):
            yield Problem(
                f"{chosen.label} names {_place(chosen)} and {other.label} names {_place(other)}",
                hint="Remove one of the two, or let both name the same server and database.",
            )


def _differ(one: object, other: object) -> bool:
    return bool(one) and bool(other) and one != other


def _servers(source: Source) -> frozenset[tuple[str, str]]:
    parameters = source.parameters
    hosts = (parameters.get("host") or parameters.get("hostaddr", "")).lower()
    ports = parameters.get("port", "").split(",")
    names = hosts.split(",") if hosts else []
    if len(ports) == 1:
        ports *= len(names)
    return frozenset(zip(names, (port or _DEFAULT_PORT for port in ports), strict=False))


def _place(source: Source) -> str:
    """Return host, port and database; no user, so that nothing like a login is shown."""
    names = ("host", "hostaddr", "port", "dbname")
    named = {name: source.parameters[name] for name in names if source.parameters.get(name)}
    if named.keys() == {"dbname"}:
        return f"database {named['dbname']}"
    return ConnectionTarget(named).describe()
