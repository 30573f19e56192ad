"""What the server's refusals mean for the exit code."""

from __future__ import annotations

import pytest

from hook.core.execution.refusal import refused_connection, refused_query
from hook.core.execution.sqlstate import ServerMessage
from hook.errors import ConnectionLost, ExitCode, QueryFailed


def _refusal(sqlstate: str, hint: str = "") -> ServerMessage:
    return ServerMessage("FATAL", sqlstate, "no", hint=hint)


@pytest.mark.parametrize(
    ("sqlstate", "code"),
    [
        ("28P01", ExitCode.AUTH),
        ("28000", ExitCode.AUTH),
        ("42501", ExitCode.AUTH),
        ("3D000", ExitCode.CONFIG),
        ("57P04", ExitCode.CONFIG),
        ("42704", ExitCode.CONFIG),
        ("22023", ExitCode.CONFIG),
        ("0A000", ExitCode.UNSUPPORTED),
        ("57P03", ExitCode.UNREACHABLE),
        ("53300", ExitCode.UNREACHABLE),
        ("53200", ExitCode.UNREACHABLE),
        ("57P01", ExitCode.UNREACHABLE),
        ("08006", ExitCode.UNREACHABLE),
        ("08P01", ExitCode.UNREACHABLE),
        ("55000", ExitCode.UNREACHABLE),
        ("XX000", ExitCode.UNREACHABLE),
    ],
)
def test_refused_connection_has_the_exit_code_of_its_sqlstate(
    sqlstate: str, code: ExitCode
) -> None:
    """Only what waiting may mend asks to be tried again."""
    error = refused_connection(_refusal(sqlstate), "u@h:5432/d")
    assert error.exit_code is code
    assert error.message == f"u@h:5432/d: no ({sqlstate})"


def test_database_that_takes_no_connections_is_told_how_it_does_again() -> None:
    """No wait for memory or disk mends that, but whoever has forbidden them may come back."""
    hint = refused_connection(_refusal("55000"), "u@h:5432/d").hint
    assert "ALLOW_CONNECTIONS" in hint


@pytest.mark.parametrize(
    ("sqlstate", "code"),
    [
        ("42501", ExitCode.AUTH),
        ("57P01", ExitCode.UNREACHABLE),
        ("53100", ExitCode.UNREACHABLE),
        ("25006", ExitCode.UNREACHABLE),
        ("55P03", ExitCode.CONTENTION),
        ("57014", ExitCode.BUDGET),
        ("0A000", ExitCode.UNSUPPORTED),
        ("42P01", ExitCode.BUG),
        ("XX001", ExitCode.BUG),
    ],
)
def test_refused_query_has_the_exit_code_of_its_sqlstate(sqlstate: str, code: ExitCode) -> None:
    """A read fails for a reason that somebody can mend, or it is a bug."""
    assert refused_query(_refusal(sqlstate), "s").exit_code is code


@pytest.mark.parametrize(("sqlstate", "expected"), [("57P01", True), ("53100", False)])
def test_refused_query_tells_whether_another_connection_helps(
    sqlstate: str,
    expected: bool,  # noqa: FBT001 - a table of cases
) -> None:
    """A full disk is as full for the next one."""
    assert isinstance(refused_query(_refusal(sqlstate), "s"), ConnectionLost) is expected


def test_refused_query_keeps_the_sqlstate_of_a_surprise() -> None:
    """The caller may know what an undefined table means."""
    error = refused_query(_refusal("42P01"), "s")
    assert isinstance(error, QueryFailed)
    assert error.sqlstate == "42P01"


@pytest.mark.parametrize("sqlstate", ["28P01", "53300", "22023"])
def test_hint_of_the_server_comes_first(sqlstate: str) -> None:
    """The server knows its own case better than the table does."""
    assert refused_connection(_refusal(sqlstate, "Do this."), "w").hint == "Do this."
    assert refused_connection(_refusal(sqlstate), "w").hint
