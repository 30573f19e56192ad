"""Which scripts share a transaction."""

from __future__ import annotations

import pytest

from hook.core.execution.group import Grouping, grouped, units_of
from hook.core.execution.prepared import PreparedScript
from hook.errors import BadMigrationSet
from tests.testbed.release import migration, prepared_script

IN_TRANSACTION = "CREATE TABLE t ()"
ALONE = "CREATE INDEX CONCURRENTLY i ON t (a)"


def scripts(*texts: str) -> tuple[PreparedScript, ...]:
    """Return scripts with these texts, in order."""
    return tuple(
        prepared_script(migration(f"V{number}__x.sql"), text.encode())
        for number, text in enumerate(texts, 1)
    )


def names(units: tuple[tuple[PreparedScript, ...], ...]) -> list[list[str]]:
    """Return the scripts of each unit."""
    return [[script.migration.script for script in unit] for unit in units]


def test_each_script_alone_is_a_unit() -> None:
    """Whatever it is."""
    units = units_of(scripts(IN_TRANSACTION, ALONE), Grouping.EACH)
    assert names(units) == [["V1__x.sql"], ["V2__x.sql"]]


def test_scripts_of_a_group_are_one_unit() -> None:
    """In running order."""
    together = grouped(scripts(IN_TRANSACTION, IN_TRANSACTION), allows_mixed=False)
    assert names(units_of(together, Grouping.ALL)) == [["V1__x.sql", "V2__x.sql"]]


def test_nothing_is_no_unit() -> None:
    """An empty group would be an empty transaction."""
    assert units_of((), Grouping.ALL) == ()


def test_group_of_scripts_that_refuse_a_transaction_runs_one_by_one() -> None:
    """There is nothing to roll back together."""
    together = grouped(scripts(ALONE, ALONE), allows_mixed=False)
    assert names(units_of(together, Grouping.ALL)) == [["V1__x.sql"], ["V2__x.sql"]]


def test_group_of_both_kinds_is_refused_by_name() -> None:
    """Every script that does not fit is named, with the reason."""
    with pytest.raises(BadMigrationSet) as refused:
        grouped(scripts(IN_TRANSACTION, ALONE, ALONE), allows_mixed=False)
    reason = "CREATE INDEX CONCURRENTLY cannot run in a transaction"
    group = "and FLYWAY_GROUP=true puts it into one transaction with V1__x.sql"
    expected = tuple(f"{script}: {reason}, {group}" for script in ("V2__x.sql", "V3__x.sql"))
    assert refused.value.problems == expected


def test_mixed_group_has_no_transaction_at_all() -> None:
    """As with Flyway; the scripts that could have one are told apart by the reason."""
    together = grouped(scripts(IN_TRANSACTION, ALONE), allows_mixed=True)
    assert [script.in_transaction for script in together] == [False, False]
    assert [script.migration.in_transaction for script in together] == [False, False]
    assert "FLYWAY_MIXED=true" in together[0].reason
    assert len(units_of(together, Grouping.ALL)) == 2
