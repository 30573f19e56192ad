"""The one line that tells what runs: what it is made of, and how it is cut."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.reporting.live_line import LiveLine, fit

WIDE = 200
BUILDING = {"command": "CREATE INDEX", "phase": "building index", "percent": 42}
STATEMENT = {"line": 7, "statement": "CREATE INDEX i ON t (name)"}


def started(number: int = 2) -> dict[str, Any]:
    """Return the fields of the event that a script is begun."""
    return {"script": f"V{number}__x.sql", "number": number, "of": 5}


@pytest.fixture
def line() -> LiveLine:
    """Return the line of a script that began at second 100."""
    live = LiveLine()
    assert not live.take("migration.started", started(), 100.0)
    return live


def test_line_tells_which_script_of_how_many_and_for_how_long(line: LiveLine) -> None:
    """At once, whatever else is known."""
    assert line.describe(172.9, WIDE) == "2 of 5  V2__x.sql  1m 12s"


def test_line_tells_the_latest_progress(line: LiveLine) -> None:
    """Bar, percent and phase of the server, and the statement of the script."""
    assert line.take("migration.progress", {"percent": 3, "command": "A", "phase": "b"}, 101.0)
    assert line.take("migration.progress", {**BUILDING, **STATEMENT}, 102.0)
    assert line.describe(102.0, WIDE) == (
        "2 of 5  V2__x.sql  2s  [########............]  42 %  CREATE INDEX: building index"
        "  line 7, CREATE INDEX i ON t (name)"
    )


def test_narrow_line_has_no_bar(line: LiveLine) -> None:
    """The number says the same in less room."""
    line.take("migration.progress", BUILDING, 102.0)
    assert line.describe(102.0, 71) == "2 of 5  V2__x.sql  2s  42 %  CREATE INDEX: building index"


def test_line_tells_whom_it_waits_for(line: LiveLine) -> None:
    """The process that the phase waits for, and who is in the way of a lock."""
    told = {"command": "C", "phase": "waiting", "waits_for": 7, "in_the_way": "pid 8 (user app)"}
    line.take("migration.progress", told, 102.0)
    assert line.describe(102.0, WIDE).endswith(
        "2s  C: waiting  waiting for pid 7  in the way: pid 8 (user app)"
    )


def test_line_tells_of_attempts_that_failed(line: LiveLine) -> None:
    """What was known of the failed one is known no longer, and time goes on."""
    line.take("migration.progress", BUILDING, 102.0)
    assert not line.take("retry.scheduled", {"script": "V2__x.sql", "attempts": 1}, 103.0)
    assert line.describe(104.0, WIDE) == "2 of 5  V2__x.sql  4s  after attempt 1"


def test_line_tells_of_all_scripts_of_a_transaction(line: LiveLine) -> None:
    """They begin together."""
    line.take("migration.started", started(3), 100.0)
    line.take("migration.started", started(4), 100.0)
    assert line.describe(101.0, WIDE) == "2 to 4 of 5  V2__x.sql … V4__x.sql  1s"


def test_line_tells_of_a_callback(line: LiveLine) -> None:
    """It has no number."""
    line.take("migration.applied", started(), 101.0)
    line.take("callback.started", {"script": "afterMigrate.sql"}, 110.0)
    assert line.take("callback.progress", STATEMENT, 112.0)
    assert line.describe(113.0, WIDE) == (
        "callback afterMigrate.sql  3s  line 7, CREATE INDEX i ON t (name)"
    )


@pytest.mark.parametrize(
    "event", ["migration.applied", "callback.finished", "stage.finished", "run.finished"]
)
def test_line_is_empty_when_nothing_runs(line: LiveLine, event: str) -> None:
    """And begins anew with the next script."""
    line.take("migration.progress", BUILDING, 102.0)
    assert not line.take(event, {}, 103.0)
    assert line.describe(103.0, WIDE) == ""
    line.take("migration.started", started(3), 104.0)
    assert line.describe(105.0, WIDE) == "3 of 5  V3__x.sql  1s"


def test_retry_of_another_stage_is_none_of_a_script() -> None:
    """Nothing runs while the migration lock is waited for."""
    line = LiveLine()
    assert not line.take("retry.scheduled", {"stage": "lock"}, 1.0)
    assert line.describe(2.0, WIDE) == ""


@pytest.mark.parametrize(
    ("text", "columns", "fitted"),
    [
        ("abc", 3, "abc"),
        ("abcd", 3, "a…"),
        ("ab cd", 5, "ab cd"),
        ("ab cd", 4, "ab…"),
        ("表表表", 6, "表表表"),
        ("表表表", 5, "表…"),
        ("a表", 3, "a表"),
        ("表", 1, ""),
        ("ab", 0, ""),
    ],
)
def test_text_is_cut_to_the_columns_of_a_terminal(text: str, columns: int, fitted: str) -> None:
    """What may be two columns wide counts as two, the mark of the cut as well."""
    assert fit(text, columns, "…") == fitted


@given(st.text(), st.integers(0, 30), st.sampled_from(["…", "..."]))
def test_fitted_text_is_never_too_wide(text: str, columns: int, mark: str) -> None:
    """Fitting what is fitted changes nothing, as it fits."""
    fitted = fit(text, columns, mark)
    assert fit(fitted, columns, mark) == fitted
    assert len(fitted) <= columns
