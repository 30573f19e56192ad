"""Which values may not be shown."""

from __future__ import annotations

import pytest

from hook.settings.secrets import find_secrets


@pytest.mark.parametrize("name", ["POSTGRES_HOST", "POSTGRES_DB", "PGHOST", "PGDATABASE"])
@pytest.mark.parametrize("text", ["postgresql://u:c4nary@h/d", "u:c4nary@h", "jdbc:x://u:c4nary@h"])
def test_password_of_a_url_in_the_place_of_a_name_is_found(name: str, text: str) -> None:
    """Whoever mistakes the variable must not find it in a log."""
    assert "c4nary" in find_secrets({name: text})


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:c4nary@h/d",
        "postgresql://:c4nary@/d",
        "jdbc:postgresql://h/d?user=u&password=c4nary&ssl=true",
        "host=h password=c4nary dbname=d",
        "host=h password = 'c4nary'",
        "postgresql+asyncpg://u:c4nary@h/d",
        "postgresql://h/d?sslpassword=c4nary",
    ],
)
@pytest.mark.parametrize("name", ["PRESYNC_URL", "FLYWAY_URL", "DATABASE_URL"])
def test_password_in_a_url_is_found(name: str, url: str) -> None:
    """In each form, in each variable that may hold one."""
    assert find_secrets({name: url}) == ("c4nary",)


@pytest.mark.parametrize(
    "url",
    ["postgresql://u:c4n@ry/?#%zz@h/d", "host=h password='c4n@ry/?#%zz", "x://u:c4n@ry/?#%zz@"],
)
def test_password_in_an_unreadable_url_is_found(url: str) -> None:
    """What cannot be parsed must not be shown either."""
    assert any("c4n@ry/?#%zz" in secret for secret in find_secrets({}, [url]))


def test_password_is_known_as_written_and_as_meant() -> None:
    """Both spellings of an encoded password are secrets."""
    assert set(find_secrets({}, ["postgresql://u:p%40ss@h/d"])) == {"p%40ss", "p@ss"}
    assert "p s+" in find_secrets({}, ["jdbc:postgresql://h/d?password=p+s%2B"])
    assert {r"it\'s", "it's"} <= set(find_secrets({}, [r"host=h password='it\'s'"]))


@pytest.mark.parametrize(
    "name",
    [
        *("PGPASSWORD", "POSTGRES_PASSWORD", "FLYWAY_PASSWORD", "FLYWAY_JDBC_PROPERTIES_PASSWORD"),
        *("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "PGBACKREST_REPO1_CIPHER_PASS"),
        *("FLYWAY_LICENSE_KEY", "FLYWAY_TOKEN", "FLYWAY_PLACEHOLDERS_API_TOKEN"),
    ],
)
def test_variable_that_holds_a_secret_is_known_by_its_name(name: str) -> None:
    """Each variable that presync or its libraries read a secret from."""
    assert find_secrets({name: "c4nary"}) == ("c4nary",)


@pytest.mark.parametrize(
    "name",
    [
        *("PRESYNC_PASSWORD_FILE", "AWS_ACCESS_KEY_ID", "PGSSLKEY", "PGPASSFILE", "POSTGRES_USER"),
        *("AWS_WEB_IDENTITY_TOKEN_FILE", "OTHER_PASSWORD"),
    ],
)
def test_variable_that_holds_a_path_or_a_name_is_no_secret(name: str) -> None:
    """Paths and names must stay readable; other programs' secrets are not printed anyway."""
    assert find_secrets({name: "/run/secret"}) == ()


def test_url_without_password_has_no_secret() -> None:
    """A port or a user is not mistaken for a password."""
    assert find_secrets({"PRESYNC_URL": "postgresql://u@h:5432/d?sslmode=require"}) == ()


@pytest.mark.parametrize(
    "sql",
    [
        "SET app.api_key = 'hunter2'",
        'set session "app"."Password" TO \'hunter2\'',
        "SELECT set_config('app.token', 'hunter2', false)",
    ],
)
def test_secret_parameter_of_init_sql_is_a_secret(sql: str) -> None:
    """The name says what the value is, as with placeholders."""
    text = f"SET app.mode = 'shown'; {sql}"
    assert find_secrets({"FLYWAY_INIT_SQL": text}) == ("hunter2",)
