"""Which errors are worth another attempt."""

from __future__ import annotations

import pytest

from hook.core.execution.sqlstate import (
    ServerMessage,
    is_refusal_to_write,
    is_state_of_server,
    is_transient,
    needs_new_session,
    retry_limit,
)


def _error(sqlstate: str, message: str = "", schema: str = "") -> ServerMessage:
    return ServerMessage("ERROR", sqlstate, message, schema=schema)


@pytest.mark.parametrize("sqlstate", ["40001", "40P01", "55P03"])
def test_contention_is_transient_on_the_same_session(sqlstate: str) -> None:
    """Lost against others, nothing wrong with the session."""
    assert is_transient(_error(sqlstate))
    assert not needs_new_session(_error(sqlstate))
    assert retry_limit(_error(sqlstate)) is None


@pytest.mark.parametrize(
    "sqlstate",
    [
        "08000", "08001", "08003", "08004", "08006", "25006", "25P03", "25P04", "53300",
        "57P01", "57P02", "57P03", "57P05",
    ],
)  # fmt: skip
def test_lost_session_is_transient_on_a_new_one(sqlstate: str) -> None:
    """The transaction is gone; so is the session."""
    assert is_transient(_error(sqlstate))
    assert needs_new_session(_error(sqlstate))
    assert retry_limit(_error(sqlstate)) is None


def test_transaction_that_its_script_made_read_only_comes_back_with_the_script() -> None:
    """No other server and no other session helps."""
    failure = _error("25006")._replace(by_script=True)
    assert is_refusal_to_write(failure)
    assert not needs_new_session(failure)
    assert retry_limit(failure) == 1


@pytest.mark.parametrize(
    "sqlstate",
    [
        "0A000", "22P02", "23502", "23503", "23505", "23514", "25001", "25P01", "25P02", "28P01",
        "2D000", "3D000", "3F000", "42501", "42601", "42703", "42P01", "53100", "53200", "53400",
        "55006", "55P04", "57014", "57P04", "58P01", "P0001", "XX000", "XX001", "",
    ],
)  # fmt: skip
def test_everything_else_is_not_transient(sqlstate: str) -> None:
    """The script, the data or a limit is to blame, or somebody cancelled: 57014."""
    assert not is_transient(_error(sqlstate))
    assert retry_limit(_error(sqlstate)) == 1


@pytest.mark.parametrize(
    "failure",
    [
        _error("XX000", "tuple concurrently updated"),
        _error("XX000", "tuple concurrently deleted"),
        _error("23505", "duplicate key value", schema="pg_catalog"),
    ],
)
def test_catalog_race_is_worth_three_attempts(failure: ServerMessage) -> None:
    """Two sessions changed one catalog row; that does not happen for ever."""
    assert is_transient(failure)
    assert not needs_new_session(failure)
    assert retry_limit(failure) == 3


def test_duplicate_in_a_table_of_a_user_is_not_transient() -> None:
    """Data that violates a constraint violates it again."""
    assert not is_transient(_error("23505", "duplicate key value", schema="public"))


@pytest.mark.parametrize("sqlstate", ["53000", "53100", "53200", "57000", "58000", "58030"])
def test_server_that_is_short_of_something_says_nothing_of_the_script(sqlstate: str) -> None:
    """It may succeed once the server is mended, and not before."""
    assert is_state_of_server(_error(sqlstate))
    assert not is_transient(_error(sqlstate))


@pytest.mark.parametrize(
    "sqlstate", ["53400", "55006", "58P01", "58P02", "XX000", "XX001", "22012", "42501", "57014"]
)
def test_limits_files_and_faults_come_back(sqlstate: str) -> None:
    """A limit that was set, a file that the script names, a broken block."""
    assert not is_state_of_server(_error(sqlstate))
