"""Which database the variables of Flyway name, and as whom."""

from __future__ import annotations

import pytest

from hook.settings.database import resolve_connection
from hook.settings.setting import Given, Origin
from tests.testbed.connections import POSTGRES, described, resolve


def test_flyway_url_takes_login_from_its_own_variables() -> None:
    """Parameters of the URL beat FLYWAY_USER, as with Flyway."""
    environment = {"FLYWAY_USER": "u", "FLYWAY_PASSWORD": "p"}
    connection = resolve(FLYWAY_URL="jdbc:postgresql://db/shop?user=v", **environment)
    assert described(connection) == "v@db:5432/shop"
    assert connection.target is not None
    assert connection.target.password == "p"
    plain = resolve(FLYWAY_URL="postgresql://db/shop", **environment)
    assert described(plain) == "u@db:5432/shop"


def test_flyway_connection_properties_are_read() -> None:
    """A property variable is a parameter of the JDBC URL."""
    connection = resolve(
        FLYWAY_URL="jdbc:postgresql://db/shop", FLYWAY_JDBC_PROPERTIES_SSLMODE="require"
    )
    assert connection.target is not None
    assert connection.target.parameters["sslmode"] == "require"


def test_reference_in_a_variable_of_flyway_stands_for_another_variable() -> None:
    """Flyway resolves it in what belongs to an environment; what it cannot is refused."""
    environment = {
        "FLYWAY_URL": "jdbc:postgresql://${env.AT}/shop",
        "FLYWAY_USER": "${env.WHO}",
        "AT": "db",
    }
    assert described(resolve(**environment, WHO="me")) == "me@db:5432/shop"
    (problem,) = resolve(**environment).problems
    assert problem.text == "FLYWAY_USER: the variable WHO is not set"


def test_reference_that_nobody_reads_is_told_only() -> None:
    """With a URL of presync's own, the login of Flyway's is of no use."""
    environment = {
        "FLYWAY_URL": "jdbc:postgresql://db/shop",
        "FLYWAY_PASSWORD": "${vault.shop}",
    }
    assert resolve(**environment).problems
    connection = resolve("postgresql://me@db/shop", **environment)
    assert described(connection) == "me@db:5432/shop"
    assert not connection.problems
    (note,) = connection.notes
    assert note.startswith("FLYWAY_PASSWORD: ")
    assert note.endswith("; PRESYNC_URL is used")


def test_flyway_connection_properties_are_in_small_letters() -> None:
    """So Flyway takes them from its environment, and pgjdbc passes over what has a capital."""
    connection = resolve(
        FLYWAY_URL="jdbc:postgresql://db/shop",
        FLYWAY_JDBC_PROPERTIES_currentSchema="app",
        FLYWAY_JDBC_PROPERTIES_OPTIONS="-c a.b=1",
    )
    assert connection.target is not None
    assert connection.target.parameters["options"] == "-c a.b=1"
    (note,) = connection.notes
    assert note.endswith(": currentschema (pgjdbc knows currentSchema)")


def test_property_of_the_environment_is_stronger_than_that_of_a_file() -> None:
    """Whatever its case is; what a file spells is what pgjdbc gets."""
    name = "FLYWAY_JDBC_PROPERTIES_"
    told = {name + "options": "-c a.b=2", name + "currentSchema": "app"}
    files = {key: Given(text, Origin.FILE, key) for key, text in told.items()}
    environment = {"FLYWAY_URL": "jdbc:postgresql://db/shop", name + "OPTIONS": "-c a.b=1"}
    connection = resolve_connection(None, None, environment, files)
    assert connection.target is not None
    assert connection.target.parameters["options"] == "-c a.b=1 -c search_path=app"


@pytest.mark.parametrize(
    ("query", "user", "expected"),
    [("", "", "property"), ("", "variable", "variable"), ("?user=url", "variable", "url")],
)
def test_flyway_user_is_between_url_and_properties(query: str, user: str, expected: str) -> None:
    """The order is that of Flyway and pgjdbc: the URL, the user, the properties."""
    connection = resolve(
        FLYWAY_URL=f"jdbc:postgresql://db/shop{query}",
        FLYWAY_USER=user,
        FLYWAY_JDBC_PROPERTIES_USER="property",
    )
    assert described(connection) == f"{expected}@db:5432/shop"


@pytest.mark.parametrize("name", ["FLYWAY_USER", "FLYWAY_PASSWORD", "FLYWAY_JDBC_PROPERTIES_SSL"])
def test_flyway_login_without_flyway_url_is_refused(name: str) -> None:
    """A variable that has no effect is named instead of being ignored."""
    connection = resolve(**POSTGRES, **{name: "s3cr3t"})
    assert [problem.text for problem in connection.problems] == [
        f"{name} is set and FLYWAY_URL is not"
    ]
