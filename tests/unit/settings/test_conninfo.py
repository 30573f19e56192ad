"""libpq's connection strings."""

from __future__ import annotations

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import pq
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from hook.settings.conninfo import KEYWORDS, parse_conninfo

GOOD = [
    "postgresql://shop:p%40ss@db.infra:6432/shop?sslmode=require&connect_timeout=3",
    "postgres://db",
    "postgresql://",
    "postgresql:///shop",
    "postgresql://user@/shop?host=/run/postgresql",
    "postgresql://[::1]:5432/shop",
    "postgresql://a:1,b:2,c/shop",
    "postgresql://%2Frun%2Fpostgresql/shop",
    "postgresql://u:@h/d",
    "postgresql://h/d?ssl=true",
    "postgresql://h/d?options=-c%20search_path%3Da",
    "postgresql://h/caf%C3%A9",
    "host=db port=5432 dbname=shop user=shop password=x",
    "host = db  dbname='my shop' password='it\\'s \\\\ here'",
    "password=a\\ b host=db",
    "password='' host=db",
    "password=a'b host=db",
    " host=db ",
    "",
]
BAD = [
    "postgresql://u:p@ss@h/d",
    "postgresql://u:p/ss@h/d",
    "postgresql://u:50%@h/d",
    "postgresql://h:port/d",
    "postgresql://h/d?sslmode",
    "postgresql://h/d?schema=public",
    "postgresql://h/%FF",
    "mysql://u:secret@h/d",
    "jdbc:postgresql://h/d?password=secret",
    "host=db password=hunter two",
    "host=db password='hunter",
    "secret",
]


@pytest.mark.parametrize("text", GOOD)
def test_conninfo_is_read_as_libpq_reads_it(text: str) -> None:
    """Both forms give the parameters that libpq itself gives."""
    assert parse_conninfo(text) == conninfo_to_dict(text)


@pytest.mark.parametrize("text", BAD)
def test_bad_conninfo_is_refused_without_quoting_it(text: str) -> None:
    """What cannot be read may be a password, so no part of it is repeated."""
    with pytest.raises(ValueError, match=r"^(is|has) ") as refused:
        parse_conninfo(text)
    for part in ("ss@h", "p/ss", "50%@", "secret", "hunter", "two"):
        assert part not in str(refused.value)


def test_jdbc_url_is_told_where_it_belongs() -> None:
    """It is what somebody has at hand who comes from Flyway."""
    with pytest.raises(ValueError, match="is a JDBC URL, which FLYWAY_URL takes"):
        parse_conninfo(" jdbc:postgresql://h/d")


def test_keywords_cover_the_libpq_at_hand() -> None:
    """A parameter that this libpq knows is never refused as unknown."""
    assert {option.keyword.decode() for option in pq.Conninfo.get_defaults()} <= KEYWORDS


PRINTABLE = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=20)


@given(PRINTABLE, PRINTABLE)
def test_conninfo_written_by_libpq_is_read_back(password: str, database: str) -> None:
    """Quoting and escapes survive, whatever the password holds."""
    text = make_conninfo(host="db", password=password, dbname=database)
    assert parse_conninfo(text) == {"host": "db", "password": password, "dbname": database}


@given(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=30))
def test_conninfo_never_accepts_what_libpq_refuses(text: str) -> None:
    """Text that libpq cannot read is refused here already, with a readable reason."""
    try:
        parameters = parse_conninfo(text)
    except ValueError:
        return
    try:
        expected = conninfo_to_dict(text)
    except (psycopg.ProgrammingError, UnicodeError):
        pytest.fail(f"libpq refuses {text!r}")
    assert parameters == expected
