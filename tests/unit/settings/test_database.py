"""Which database the environment names."""

from __future__ import annotations

import pytest

from hook.settings.database import Connection, resolve_connection
from hook.settings.unexpanded import explain_unexpanded
from tests.testbed.connections import POSTGRES, described, resolve


def test_sources_are_taken_in_order() -> None:
    """With all five set and agreeing, the first names source and password."""
    environment = POSTGRES | {
        "FLYWAY_URL": "jdbc:postgresql://db.infra:5433/shop",
        "FLYWAY_USER": "flyway",
        "FLYWAY_PASSWORD": "fly",
        "DATABASE_URL": "postgresql://app:app@db.infra:5433/shop",
        "PGHOST": "db.infra",
        "PGPORT": "5433",
        "PGUSER": "libpq",
        "PGDATABASE": "shop",
    }
    url = "postgresql://presync:pre@db.infra:5433/shop"
    expected = [
        ("PRESYNC_URL", "presync"),
        ("FLYWAY_URL", "flyway"),
        ("DATABASE_URL", "app"),
        ("POSTGRES_HOST", "shop"),
        ("PGHOST", "libpq"),
    ]
    seen = []
    steps = [(), ("FLYWAY_",), ("DATABASE_",), ("POSTGRES_",)]
    for number, (label, user) in enumerate(expected):
        for prefixes in steps[:number]:
            for prefix in prefixes:
                environment = {k: v for k, v in environment.items() if not k.startswith(prefix)}
        connection = resolve(url if number == 0 else None, **environment)
        assert described(connection) == f"{user}@db.infra:5433/shop"
        seen.append((connection.source, user))
        assert connection.source == label
    assert seen == expected


def test_nothing_set_is_no_target_and_no_problem() -> None:
    """Whether a database is needed is for the command to say."""
    assert resolve(HOME="/root") == Connection()


def test_postgres_variables_become_parameters() -> None:
    """The password is apart from the rest and in no rendering."""
    connection = resolve(**POSTGRES)
    assert connection.target is not None
    assert "password" not in connection.target.parameters
    assert connection.target.password == "s3cr3t"
    assert "s3cr3t" not in repr(connection)


def test_password_file_replaces_the_password_of_the_source() -> None:
    """A password from a file is the one that is used."""
    connection = resolve_connection(None, "from file", POSTGRES, {})
    assert connection.target is not None
    assert connection.target.password == "from file"


def test_port_of_a_kubernetes_service_is_not_taken_for_ours() -> None:
    """A Service called postgres sets POSTGRES_PORT to a URL in every pod of the namespace."""
    connection = resolve(POSTGRES_HOST="db", POSTGRES_PORT="tcp://10.0.0.7:5432", POSTGRES_DB="d")
    assert described(connection) == "db:5432/d"
    assert resolve(POSTGRES_PORT="tcp://10.0.0.7:5432") == Connection()


@pytest.mark.parametrize(
    ("environment", "label", "port"),
    [
        ({"POSTGRES_HOST": "db", "POSTGRES_PORT": "99999"}, "POSTGRES_PORT", "99999"),
        ({"POSTGRES_HOST": "a,b", "POSTGRES_PORT": "5432,pg"}, "POSTGRES_PORT", "pg"),
        ({"POSTGRES_HOST": "db", "PGPORT": "0"}, "PGPORT", "0"),
        ({"PGHOST": "db", "PGPORT": "-1"}, "PGPORT", "-1"),
        ({"DATABASE_URL": "postgresql://db:65536/shop"}, "DATABASE_URL", "65536"),
        ({"FLYWAY_URL": "jdbc:postgresql://db:99999/shop"}, "FLYWAY_URL", "99999"),
    ],
)
def test_port_that_no_server_can_have_is_a_problem(
    environment: dict[str, str], label: str, port: str
) -> None:
    """It is told at once, and where it stands: no wait would mend it."""
    (problem,) = resolve(**environment).problems
    assert problem.text == f"{label}: '{port}' is not a port, which is a number from 1 to 65535"
    assert label in problem.hint


@pytest.mark.parametrize(
    ("environment", "label"),
    [
        ({"POSTGRES_HOST": "postgresql://u:c4nary@db/shop"}, "POSTGRES_HOST"),
        ({"POSTGRES_HOST": "u:c4nary@db", "POSTGRES_DB": "shop"}, "POSTGRES_HOST"),
        ({"PGHOST": "http://db"}, "PGHOST"),
        ({"PGHOST": "db other"}, "PGHOST"),
        ({"POSTGRES_HOST": "db", "POSTGRES_DB": "postgres://u:c4nary@db/shop"}, "POSTGRES_DB"),
        ({"PGHOST": "db", "PGDATABASE": "jdbc:postgresql://db/shop"}, "PGDATABASE"),
    ],
)
def test_url_in_the_place_of_a_name_is_a_problem(environment: dict[str, str], label: str) -> None:
    """It was waited for as a host, and shown with its password."""
    (problem,) = resolve(**environment).problems
    assert problem.text.startswith(f"{label} holds more than the name of a ")
    assert label in problem.hint
    assert "c4nary" not in f"{problem.text} {problem.hint}"


def test_port_behind_a_host_is_told_where_it_belongs() -> None:
    """It is taken for a part of the name, which never resolves."""
    (problem,) = resolve(POSTGRES_HOST="db:6000", POSTGRES_DB="shop").problems
    assert problem.text == "POSTGRES_HOST: 'db:6000' is a host and a port"
    assert problem.hint == (
        "Put db into POSTGRES_HOST, and 6000 where the port belongs, POSTGRES_PORT for example."
    )


@pytest.mark.parametrize(
    "host",
    ["/run/postgresql", "@abstract", "::1", "fe80::1%eth0", "a,b", "a, b", "a_b.c-d", "[::1]"],
)
def test_host_that_can_be_one_is_taken(host: str) -> None:
    """A socket, an address, several of them."""
    assert resolve(POSTGRES_HOST=host, POSTGRES_DB="jdbc").problems == ()


def test_newline_at_the_end_of_a_secret_is_told_or_cut() -> None:
    """`echo shop | base64` leaves one; it may be part of a password and of nothing else."""
    connection = resolve(POSTGRES_HOST="db\n", POSTGRES_DB="shop\n", POSTGRES_PASSWORD="p\n")
    assert described(connection) == "db:5432/shop"
    assert connection.target is not None
    assert connection.target.password == "p\n"
    assert connection.notes == (
        "POSTGRES_PASSWORD ends with a newline, which counts as part of the password",
    )
    assert described(resolve("postgresql://db/shop\n")) == "db:5432/shop"


def test_missing_parts_come_from_libpq_variables() -> None:
    """What the URL leaves open is what libpq would use, and is told so."""
    connection = resolve("postgresql://db/", PGDATABASE="shop", PGUSER="u", PGPORT="6000")
    assert described(connection) == "u@db:6000/shop"


def test_service_file_is_left_to_libpq() -> None:
    """With a service nothing is filled in, because a parameter would beat the service."""
    connection = resolve("service=shop", PGUSER="u")
    assert connection.target is not None
    assert dict(connection.target.parameters) == {"service": "shop"}


@pytest.mark.parametrize(
    ("environment", "unnamed"),
    [
        ({"POSTGRES_HOST": "db"}, {"user", "dbname"}),
        ({"POSTGRES_HOST": "db", "PGUSER": "u"}, {"dbname"}),
        ({"DATABASE_URL": "postgresql://db/shop"}, {"user"}),
        ({"FLYWAY_URL": "jdbc:postgresql://db/shop", "FLYWAY_USER": "u"}, set()),
        ({"PGSERVICE": "shop"}, set()),
        ({"POSTGRES_HOST": "db", "PGSERVICE": "shop"}, set()),
    ],
)
def test_target_knows_what_nobody_has_named(environment: dict[str, str], unnamed: set[str]) -> None:
    """The file of a service may name all of it."""
    target = resolve(**environment).target
    assert target is not None
    assert target.unnamed == unnamed


def test_service_is_stronger_than_the_variables_beside_it() -> None:
    """As for libpq, and so for psql: what its file leaves open is taken from them."""
    connection = resolve(PGSERVICE="shop", PGHOST="db", PGDATABASE="other", PGUSER="u")
    assert connection.source == "PGSERVICE"
    assert connection.target is not None
    assert dict(connection.target.parameters) == {"service": "shop"}
    assert described(connection) == "service shop"


def test_application_url_is_read_kindly() -> None:
    """An application's driver and parameters do not make its URL useless, and are told."""
    connection = resolve(DATABASE_URL="postgresql+psycopg://u:p@db/shop?schema=app&sslmode=require")
    assert described(connection) == "u@db:5432/shop"
    assert connection.notes == (
        "DATABASE_URL: parameters without a meaning here are ignored: schema",
    )


def test_ignored_jdbc_parameters_are_told_once() -> None:
    """A parameter of the Java driver is no problem and no secret."""
    connection = resolve(FLYWAY_URL="jdbc:postgresql://db/shop?prepareThreshold=0")
    assert connection.notes == (
        "FLYWAY_URL: parameters without a meaning here are ignored: prepareThreshold",
    )


@pytest.mark.parametrize(
    ("url", "other", "expected"),
    [
        (
            "postgresql://a/shop",
            {"PGHOST": "b"},
            "PRESYNC_URL names a:5432/shop and PGHOST names b",
        ),
        (
            "postgresql://a/shop",
            {"PGDATABASE": "blog"},
            "PRESYNC_URL names a:5432/shop and PG* names database blog",
        ),
        (
            "postgresql://u:s3cr3t@db/shop",
            {"DATABASE_URL": "postgresql://u:s3cr3t@db/blog"},
            "PRESYNC_URL names db:5432/shop and DATABASE_URL names db:5432/blog",
        ),
        (
            "host=db.infra dbname=shop",
            POSTGRES,
            "PRESYNC_URL names db.infra:5432/shop and POSTGRES_HOST names db.infra:5433/shop",
        ),
    ],
)
def test_two_sources_that_differ_are_both_named(
    url: str, other: dict[str, str], expected: str
) -> None:
    """Server, port and database of both are told, login and password of neither."""
    (problem,) = resolve(url, **other).problems
    assert problem.text.startswith(expected)
    assert "s3cr3t" not in problem.text


@pytest.mark.parametrize(
    ("url", "other"),
    [
        ("postgresql://DB.infra:5433/shop", POSTGRES),
        ("postgresql://u@db.infra:5433", POSTGRES),
        ("postgresql:///shop", {"PGHOST": "db"}),
        ("postgresql://a,b/shop", {"DATABASE_URL": "postgresql://b,a/shop"}),
        ("postgresql://db/shop", {"PGDATABASE": "shop"}),
        ("postgresql://db/shop", {"DATABASE_URL": "mysql://db/blog"}),
    ],
)
def test_sources_that_do_not_contradict_agree(url: str, other: dict[str, str]) -> None:
    """A source that says less, or the same in other words, is no conflict."""
    assert resolve(url, **other).problems == ()


def test_unreadable_source_is_a_problem_only_when_it_is_needed() -> None:
    """The application's MySQL URL is no concern of ours, unless nothing else is set."""
    alone = resolve(DATABASE_URL="mysql://u:s3cr3t@db/blog")
    assert len(alone.problems) == 1
    beside = resolve("postgresql://db/shop", DATABASE_URL="mysql://u:s3cr3t@db/blog")
    assert not beside.problems
    assert len(beside.notes) == 1
    assert "s3cr3t" not in repr((alone, beside))


def test_unexpanded_source_is_passed_over() -> None:
    """A literal reference is told as such, and not as a second, conflicting server."""
    connection = resolve(FLYWAY_URL="jdbc:postgresql://$(POSTGRES_HOST):5433/shop", **POSTGRES)
    assert described(connection) == "shop@db.infra:5433/shop"


def test_unexpanded_reference_is_explained() -> None:
    """The reader learns Kubernetes' rule and which of its two cases this is."""
    text = "jdbc:postgresql://$(POSTGRES_HOST)/shop?password=s3cr3t"
    message, hint = explain_unexpanded("FLYWAY_URL", text, POSTGRES)
    assert message.startswith("FLYWAY_URL holds a literal $(POSTGRES_HOST), which Kubernetes")
    assert message.endswith("POSTGRES_HOST is defined only after it")
    assert hint.startswith("Move POSTGRES_HOST above FLYWAY_URL")
    assert "s3cr3t" not in message + hint
    assert explain_unexpanded("FLYWAY_URL", text, {})[0].endswith("POSTGRES_HOST is not defined")
    assert "Or leave FLYWAY_URL out" in hint
    assert "leave" not in explain_unexpanded("POSTGRES_HOST", "$(DB_HOST)", {})[1]


def test_reference_to_itself_is_explained() -> None:
    """Nothing can be moved above itself."""
    message, hint = explain_unexpanded("POSTGRES_HOST", "$(POSTGRES_HOST)", POSTGRES)
    assert message.endswith("$(POSTGRES_HOST), which Kubernetes left alone: its own name")
    assert hint == "Give POSTGRES_HOST a value, or take it from a Secret by valueFrom."
