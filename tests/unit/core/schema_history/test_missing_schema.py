"""A schema that is missing is refused only where nobody creates it."""

from __future__ import annotations

import pytest

from hook.core.outcome import failed
from hook.core.schema_history.history import History
from hook.core.schema_history.missing_schema import (
    is_complete,
    is_missing_schema,
    judge_missing_schema,
)
from hook.errors import ExitCode

ABSENT = History("app", "h", exists=False, missing_schemas=("app", "more"))


@pytest.mark.parametrize(
    ("history", "creates_schemas"),
    [
        (ABSENT, True),
        (History("app", "h", exists=False, missing_schemas=("more",)), False),
        (History("app", "h", exists=True), False),
    ],
)
def test_other_schemas_need_not_be_there(history: History, *, creates_schemas: bool) -> None:
    """Scripts may create them; the history cannot be where nothing is."""
    assert judge_missing_schema(history, creates_schemas=creates_schemas) == ()


def test_missing_schema_of_the_history_is_refused_and_known_again() -> None:
    """By its rule, whatever it says."""
    (finding,) = judge_missing_schema(ABSENT, creates_schemas=False)
    assert (finding.code, finding.message) == (ExitCode.CONFIG, "schema app does not exist")
    assert is_missing_schema(finding)
    assert not is_missing_schema(failed(ExitCode.CONFIG, "other", finding.message, finding.hint))


def test_history_is_complete_with_its_table_and_the_schemas_that_may_be_created() -> None:
    """Schemas that nobody creates leave nothing to do."""
    lacking = History("app", "h", exists=True, missing_schemas=("more",))
    assert is_complete(History("app", "h", exists=True), creates_schemas=True)
    assert not is_complete(History("app", "h", exists=False), creates_schemas=False)
    assert not is_complete(lacking, creates_schemas=True)
    assert is_complete(lacking, creates_schemas=False)
