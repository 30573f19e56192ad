"""Where the names of a login come from, in words."""

from __future__ import annotations

import pytest

from hook.core.execution.unnamed import advise_names, describe_unnamed
from hook.errors import ConfigError, DatabaseRejected, DatabaseUnreachable

BOTH = frozenset({"user", "dbname"})


@pytest.mark.parametrize(
    ("unnamed", "told"),
    [
        ({"user"}, "Name the user: none is set, and libpq takes the operating system's. Check."),
        ({"dbname"}, "Name the database: none is set, and libpq takes the user's name. Check."),
        (
            BOTH,
            (
                "Name the user and the database: none is set, and libpq takes the operating"
                " system's user for both. Check."
            ),
        ),
        (set(), "Check."),
    ],
)
def test_refused_login_is_advised_to_name_what_is_not(unnamed: set[str], told: str) -> None:
    """In front of the other advice: a right password for the wrong user is none."""
    assert advise_names(DatabaseRejected("no", "Check."), unnamed).hint == told
    assert advise_names(ConfigError(("no",), "Check."), unnamed).hint == told


def test_server_that_is_not_there_has_nothing_to_do_with_names() -> None:
    """Nobody has looked at them."""
    assert advise_names(DatabaseUnreachable("no", "Wait."), BOTH).hint == "Wait."


def test_names_of_a_session_are_told_with_where_they_come_from() -> None:
    """Nothing is said of those that somebody has set."""
    assert describe_unnamed(frozenset(), "root", "root") == ""
    assert describe_unnamed(BOTH, "root", "root") == (
        "; no user is named, and libpq takes the operating system's: it is root now"
        "; no database is named, and libpq takes the user's name: root"
    )
