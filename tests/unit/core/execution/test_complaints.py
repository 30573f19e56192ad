"""What is wrong with the files of a release: told at once, each hint once."""

from __future__ import annotations

import pytest

from hook.core.execution.complaints import Complaints
from hook.core.sql.lexer import SqlSyntaxError
from hook.errors import BadMigrationSet, ConfigError, ExitCode


def _fail(error: Exception) -> None:
    raise error


def test_all_that_is_wrong_is_told_at_once() -> None:
    """Whoever corrects the first file need not run again to hear of the second."""
    complaints = Complaints()
    with complaints.about("V1__a.sql"):
        _fail(SqlSyntaxError(3, "unterminated string"))
    with complaints.about("V2__b.sql"):
        _fail(BadMigrationSet(("V2__b.sql:1: x", "V2__b.sql:2: y"), "Correct them."))
    complaints.add(("V3__c.sql:1: z",))
    (finding,) = complaints.findings("own-rule")
    assert (finding.code, finding.rule) == (ExitCode.BAD_SET, "own-rule")
    assert finding.problems == (
        "V1__a.sql:3: unterminated string",
        "V2__b.sql:1: x",
        "V2__b.sql:2: y",
        "V3__c.sql:1: z",
    )
    assert finding.hint == "Correct the named lines. Correct them."


def test_nothing_is_refused_for_nothing() -> None:
    """An empty list of problems is none."""
    complaints = Complaints()
    with complaints.about("V1__a.sql"):
        pass
    complaints.add(())
    assert complaints.findings() == ()


def test_what_is_no_fault_of_a_file_goes_on() -> None:
    """It ends the run by itself."""
    with pytest.raises(ConfigError), Complaints().about("V1__a.sql"):
        _fail(ConfigError(("x",)))
