"""What a baseline script stands for although it never runs, and what that refuses."""

from __future__ import annotations

import pytest

from hook.core.outcome import Finding, Status
from hook.core.schema_history.drift import judge_history
from hook.core.schema_history.history import HistoryRow
from hook.core.schema_history.history_rules import HistoryRules, parse_ignore_pattern
from hook.errors import ExitCode
from tests.testbed.release import infos, migration, row

B5 = row(1, "B5__all.sql", kind="SQL_BASELINE")
V6, V7 = row(2, "V6__f.sql"), row(3, "V7__g.sql")


def deleted(*rows: HistoryRow) -> tuple[HistoryRow, ...]:
    """Return *rows* and the rows by which repair marks them as deleted."""
    marks = (each._replace(installed_rank=10 + each.installed_rank, type="DELETE") for each in rows)
    return (*rows, *marks)


def judge(
    files: str, rows: tuple[HistoryRow, ...], rules: HistoryRules | None = None
) -> tuple[Finding, ...]:
    """Return the findings on *files* (names) over *rows*."""
    rules = rules or HistoryRules()
    return judge_history(infos(tuple(map(migration, files.split())), rows, rules), rules)


def test_scripts_below_a_baseline_that_never_runs_are_drift() -> None:
    """They are neither applied nor pending; the hint tells how they are."""
    (found,) = judge("V6__f.sql V7__g.sql B7__all.sql V8__h.sql", deleted(B5))
    assert (found.code, found.rule) == (ExitCode.DRIFT, "history-passed-over")
    assert found.message == (
        "B7__all.sql does not run after the deleted baseline 5 (B5__all.sql), nor does what it"
        " covers: V6__f.sql, V7__g.sql"
    )
    assert found.hint == (
        "Put B5__all.sql back in the place of B7__all.sql, which may return once they are applied."
    )
    (found,) = judge("V5__e.sql V6__f.sql B6__some.sql B7__all.sql", deleted(B5))
    assert found.message.endswith("covers: V6__f.sql")


def test_scripts_that_were_applied_and_deleted_are_told_apart() -> None:
    """Whether what they did is still there nobody here knows: run again they might do harm."""
    (found,) = judge("V6__f.sql V7__g.sql B7__all.sql", deleted(B5, V7))
    assert found.message.endswith("covers: V6__f.sql, V7__g.sql")
    assert found.hint.startswith(
        "Take out of the release what was applied and is still there, of V7__g.sql. Put B5__all.sql"
    )


@pytest.mark.parametrize(("rows", "reached"), [((B5,), "5"), ((B5, V6), "6")])
def test_baseline_alone_above_all_that_was_applied_is_drift(
    rows: tuple[HistoryRow, ...], reached: str
) -> None:
    """What it holds beyond that is nowhere."""
    (found,) = judge("B7__all.sql V8__h.sql", deleted(*rows))
    assert (found.code, found.rule) == (ExitCode.DRIFT, "history-passed-over")
    assert found.message == (
        "B7__all.sql does not run after the deleted baseline 5 (B5__all.sql), and nothing else"
        f" takes the schema from {reached} to 7"
    )
    assert f"what it holds beyond {reached} into versioned scripts" in found.hint
    assert found.hint.endswith(f"give B7__all.sql the version {reached}.")


@pytest.mark.parametrize(
    ("files", "rows"),
    [
        pytest.param("B5__all.sql B7__all.sql", (), id="new database"),
        pytest.param("V6__f.sql V7__g.sql B7__all.sql", (), id="new database with scripts"),
        pytest.param("B5__all.sql V6__f.sql V7__g.sql B7__all.sql", (B5,), id="pending"),
        pytest.param("B5__all.sql V6__f.sql V7__g.sql B7__all.sql", (B5, V6, V7), id="applied"),
        pytest.param("V6__f.sql V7__g.sql B7__all.sql", (V6, V7), id="without any baseline"),
        pytest.param(
            "V6__f.sql V7__g.sql B7__all.sql", (*deleted(B5), V6, V7), id="only the baseline gone"
        ),
        pytest.param("B7__all.sql V8__h.sql", deleted(B5, V6, V7), id="all replaced by the newer"),
        pytest.param("B5__all.sql V6__f.sql V7__g.sql", deleted(B5), id="the way out"),
        pytest.param("V4__d.sql B5__all.sql", deleted(B5), id="the same one is back"),
        pytest.param("V6__f.sql V7__g.sql", deleted(B5), id="no other baseline"),
        pytest.param("V6__f.sql B7__all.sql V8__h.sql", (V6, row(3, "V8__h.sql")), id="past it"),
    ],
)
def test_what_is_applied_or_pending_is_not_passed_over(
    files: str, rows: tuple[HistoryRow, ...]
) -> None:
    """A baseline script is for new databases, and the others have or get what it holds."""
    assert judge(files, rows) == ()


@pytest.mark.parametrize(
    "files", ["V5__e.sql B5__x.sql B7__all.sql", "V5__e.sql B7__a.sql V8__h.sql"]
)
def test_baseline_script_above_what_a_schema_has_is_told(files: str) -> None:
    """V6 and V7 may have been squashed into it before this schema had them."""
    (found,) = judge(files, (row(1, "V5__e.sql"),))
    assert (found.status, found.rule) == (Status.WARNED, "history-unreached")
    assert found.message.startswith("B7__a")
    assert found.message.endswith(".sql does not run on a schema that is at 5")
    assert found.hint.startswith("If it holds more than the migrations up to 5, bring the rest")


def test_undone_version_is_none_that_the_schema_has() -> None:
    """It neither counts as the level of the schema nor hides what stands above it."""
    undone = (row(1, "V5__e.sql"), row(2, "V7__g.sql"), row(3, "U7__g.sql", kind="UNDO_SQL"))
    (found,) = judge("V5__e.sql B7__all.sql", undone)
    assert (found.status, found.rule) == (Status.WARNED, "history-unreached")
    assert found.message == "B7__all.sql does not run on a schema that is at 5"
    assert judge("V5__e.sql V7__g.sql B7__all.sql", undone) == ()


def test_what_is_passed_over_is_no_state_that_a_pattern_names() -> None:
    """Validation that is off makes it a warning, as it does with the rest."""
    files = "V6__f.sql V7__g.sql B7__all.sql"
    rules = HistoryRules(ignore_patterns=(parse_ignore_pattern("*:ignored"),))
    assert [item.code for item in judge(files, deleted(B5), rules)] == [ExitCode.DRIFT]
    (found,) = judge(files, deleted(B5), HistoryRules(validates=False))
    assert (found.status, found.rule) == (Status.WARNED, "history-passed-over")


def test_missing_baseline_beside_a_newer_one_is_not_to_be_marked_as_deleted() -> None:
    """Repair would leave a history on which the newer one stands for what never ran."""
    (found,) = judge("V6__f.sql V7__g.sql B7__all.sql", (B5,))
    assert (found.code, found.rule) == (ExitCode.DRIFT, "history-missing")
    assert found.hint.startswith("Put B5__all.sql back into the release: a newer baseline script")
    for files in ("V6__f.sql", "V6__f.sql B4__some.sql"):
        (found,) = judge(files, (B5,))
        assert found.hint.endswith("mark it as deleted with `presync repair`.")
