"""What of FLYWAY_INIT_SQL is said again."""

from __future__ import annotations

import pytest

from hook.core.init_sql import replayed_statements


@pytest.mark.parametrize(
    "text",
    [
        "SET ROLE app",
        "set session app.mode to 'a;b'",
        "SET SESSION AUTHORIZATION app",
        "RESET lock_timeout",
        "SELECT set_config('app.mode', 'x', false)",
        "SELECT app.init()",
        "DO $$ BEGIN PERFORM set_config('app.mode', 'x', false); END $$",
        "CALL app.init()",
    ],
)
def test_what_may_set_something_is_said_again(text: str) -> None:
    """A function may set what RESET ALL undoes."""
    assert replayed_statements(f"{text};") == (f"{text}\n",)


@pytest.mark.parametrize(
    "text",
    [
        "CREATE TEMP TABLE t (i int)",
        "INSERT INTO logins VALUES (1)",
        "PREPARE p AS SELECT 1",
        "LISTEN x",
        "SET LOCAL app.mode = 'x'",
        "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE",
        "BEGIN",
        "COMMIT",
        "-- nothing",
        "",
    ],
)
def test_what_lasts_is_not_done_twice(text: str) -> None:
    """The session keeps what RESET ALL does not undo."""
    assert replayed_statements(text) == ()


def test_statements_stay_in_order_and_comments_cannot_swallow_the_next() -> None:
    """They are joined with semicolons."""
    text = "SET a.a = 1;\nCREATE TEMP TABLE t ();\nSELECT 2 -- two"
    first, second = replayed_statements(text)
    assert first == "SET a.a = 1\n"
    assert second.startswith("SELECT 2")
    assert second.endswith("\n")
