"""JDBC URLs as libpq parameters."""

from __future__ import annotations

import pytest
from psycopg.conninfo import make_conninfo

from hook.settings.jdbc import parse_jdbc

LOCAL = {"host": "localhost", "port": "5432"}


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("shop", LOCAL | {"dbname": "shop"}),
        ("/", LOCAL),
        ("//db/shop", {"host": "db", "port": "5432", "dbname": "shop"}),
        ("//db:6432/shop", {"host": "db", "port": "6432", "dbname": "shop"}),
        ("//db", {"host": "db", "port": "5432"}),
        ("//a:1,b/shop", {"host": "a,b", "port": "1,5432", "dbname": "shop"}),
        ("//[::1]:5433/shop", {"host": "::1", "port": "5433", "dbname": "shop"}),
        ("//db/my%20shop", {"host": "db", "port": "5432", "dbname": "my shop"}),
        ("//db/my+shop%2B", {"host": "db", "port": "5432", "dbname": "my shop+"}),
        ("my+shop", LOCAL | {"dbname": "my shop"}),
    ],
)
@pytest.mark.parametrize("wrapper", ["", "p6spy:", "aws-wrapper:"])
def test_jdbc_place_becomes_host_port_and_database(
    wrapper: str, place: str, expected: dict[str, str]
) -> None:
    """Each form of the URL names the place that pgjdbc would connect to."""
    assert parse_jdbc(f"jdbc:{wrapper}postgresql:{place}", {}).parameters == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("user=shop&password=p%26q", {"user": "shop", "password": "p&q"}),
        ("options=-c+work_mem=5MB", {"options": "-c work_mem=5MB"}),
        ("password=p%2Bq", {"password": "p+q"}),
        ("sslmode=require&sslrootcert=/ca", {"sslmode": "require", "sslrootcert": "/ca"}),
        ("ssl=true", {"sslmode": "verify-full"}),
        ("ssl", {"sslmode": "verify-full"}),
        ("ssl=true&sslmode=require", {"sslmode": "require"}),
        ("ssl=TRUE", {"sslmode": "verify-full"}),
        ("ssl=false", {}),
        ("sslfactory=org.postgresql.ssl.NonValidatingFactory", {"sslmode": "require"}),
        ("ssl=true&sslfactory=x.NonValidatingFactory", {"sslmode": "require"}),
        ("sslmode=verify-full&sslfactory=x.NonValidatingFactory", {"sslmode": "verify-full"}),
        ("currentSchema=app,public", {"options": "-c search_path=app,public"}),
        (
            "options=-c%20lock_timeout=1s&currentSchema=a,%20b",
            {"options": "-c lock_timeout=1s -c search_path=a,\\ b"},
        ),
        ("ApplicationName=shop", {"application_name": "shop"}),
        ("targetServerType=preferSecondary", {"target_session_attrs": "prefer-standby"}),
        ("targetServerType=any", {"target_session_attrs": "any"}),
        ("targetServerType=secondary", {"target_session_attrs": "standby"}),
        ("targetServerType=slave", {"target_session_attrs": "standby"}),
        ("targetServerType=preferSlave", {"target_session_attrs": "prefer-standby"}),
        ("targetServerType=primary", {"target_session_attrs": "primary"}),
        ("targetServerType=preferPrimary", {"target_session_attrs": "primary"}),
        ("targetServerType=master", {"target_session_attrs": "primary"}),
        ("loadBalanceHosts=true", {"load_balance_hosts": "random"}),
        ("loadBalanceHosts=True", {"load_balance_hosts": "random"}),
        ("loadBalanceHosts=false&tcpKeepAlive=false&socketTimeout=never", {}),
        ("connectTimeout=7", {"connect_timeout": "7"}),
        ("loginTimeout=7", {"connect_timeout": "7"}),
        ("connectTimeout=7&loginTimeout=0", {"connect_timeout": "7"}),
        ("loginTimeout=0&connectTimeout=0", {"connect_timeout": "0"}),
        ("connectTimeout=7&loginTimeout=10", {"connect_timeout": "7"}),
        ("loginTimeout=5&connectTimeout=10", {"connect_timeout": "5"}),
        (
            "gssEncMode=disable&kerberosServerName=pg&service=s",
            {"gssencmode": "disable", "krbsrvname": "pg", "service": "s"},
        ),
        (
            "sslcert=/c&sslkey=/k.pem&sslpassword=p",
            {"sslcert": "/c", "sslkey": "/k.pem", "sslpassword": "p"},
        ),
        ("socketTimeout=30&tcpKeepAlive=true", {"tcp_user_timeout": "30000", "keepalives": "1"}),
        ("channelBinding=require", {"channel_binding": "require"}),
    ],
)
def test_jdbc_parameter_becomes_libpq_parameter(query: str, expected: dict[str, str]) -> None:
    """A parameter that matters keeps its meaning, and libpq knows the result."""
    parameters = parse_jdbc(f"jdbc:postgresql://db/shop?{query}", {}).parameters
    place = {"host": "db", "port": "5432", "dbname": "shop"}
    assert parameters == place | expected
    make_conninfo(**parameters)


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("", {}),
        ("//", {}),
        ("///", {}),
        ("shop", {"dbname": "shop"}),
        ("///shop", LOCAL | {"dbname": "shop"}),
        ("//db/", {"host": "db", "port": "5432"}),
        ("//:9/shop", {"host": "localhost", "port": "9", "dbname": "shop"}),
    ],
)
def test_jdbc_service_says_what_the_url_leaves_open(place: str, expected: dict[str, str]) -> None:
    """Measured with pgjdbc 42.7.7: a place of its own goes before that of the service."""
    parameters = parse_jdbc(f"jdbc:postgresql:{place}?service=s", {}).parameters
    assert parameters == expected | {"service": "s"}


def test_jdbc_place_may_stand_among_the_parameters() -> None:
    """There it goes before the one in front of them; pgjdbc would connect to it."""
    url = parse_jdbc("jdbc:postgresql://db/shop?PGHOST=other&PGPORT=6432&PGDBNAME=till", {})
    assert url.parameters == {"host": "other", "port": "6432", "dbname": "till"}
    assert not url.ignored
    url = parse_jdbc("jdbc:postgresql://db/shop", {"PGHOST": "other"})
    assert (url.parameters["host"], url.ignored) == ("db", ("PGHOST",))


def test_jdbc_parameters_without_a_meaning_are_named() -> None:
    """What only a Java driver needs is ignored and told, under the name it was given."""
    url = parse_jdbc("jdbc:postgresql:shop?prepareThreshold=0&stringtype=unspecified&ssl=true", {})
    assert url.ignored == ("prepareThreshold", "stringtype")


def test_jdbc_parameter_in_another_case_has_no_meaning() -> None:
    """Measured with pgjdbc 42.7.7; how it would have one is told."""
    url = parse_jdbc("jdbc:postgresql://db/shop?currentschema=app&User=x", {})
    assert url.parameters == {"host": "db", "port": "5432", "dbname": "shop"}
    assert url.ignored == (
        "User (pgjdbc knows user)",
        "currentschema (pgjdbc knows currentSchema)",
    )


@pytest.mark.parametrize("right", ["ssl", "sslmode", "sslrootcert", "channelBinding", "gssEncMode"])
def test_protection_that_pgjdbc_would_pass_over_is_refused(right: str) -> None:
    """Flyway connects without it; nobody who wrote it wants that."""
    with pytest.raises(ValueError, match=rf"^has {right.upper()}, which .* spelled {right}$"):
        parse_jdbc(f"jdbc:postgresql://db/shop?{right.upper()}=canary", {})
    with pytest.raises(ValueError, match=rf"^has the property {right.upper()}, which"):
        parse_jdbc("jdbc:postgresql://db/shop", {right.upper(): "canary"})


def test_jdbc_url_wins_over_properties() -> None:
    """As in pgjdbc, a parameter of the URL beats a property of the same name."""
    properties = {"user": "property", "sslmode": "require"}
    parameters = parse_jdbc("jdbc:postgresql:shop?user=url", properties).parameters
    assert (parameters["user"], parameters["sslmode"]) == ("url", "require")


def test_jdbc_url_of_the_secrets_manager_is_refused_by_name() -> None:
    """Its driver would fetch the login; the reason says what to set instead."""
    with pytest.raises(ValueError, match=r"AWS Secrets Manager.*set FLYWAY_USER"):
        parse_jdbc("jdbc-secretsmanager:postgresql://db/shop?x=s3cr3t", {})


@pytest.mark.parametrize(
    "text",
    [
        "jdbc:mysql://u:s3cr3t@db/shop",
        "jdbc:postgresql://u:s3cr3t@db/shop",
        "jdbc:postgresql://db:s3cr3t/shop",
        "jdbc:postgresql:shop?targetServerType=s3cr3t",
        "jdbc:postgresql:shop?sslkey=/s3cr3t.p12",
        "jdbc:postgresql:shop?password=s3cr3t%",
    ],
)
def test_jdbc_url_that_cannot_be_meant_is_refused(text: str) -> None:
    """The reason says what is wrong without quoting the URL."""
    with pytest.raises(ValueError, match=r"^(is|has) ") as refused:
        parse_jdbc(text, {})
    assert "s3cr3t" not in str(refused.value)


def test_jdbc_url_hides_its_parameters_in_repr() -> None:
    """A password in the URL is not shown by accident."""
    assert "s3cr3t" not in repr(parse_jdbc("jdbc:postgresql:shop?password=s3cr3t", {}))
