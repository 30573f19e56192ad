"""Which entries of the table of states are shown."""

from __future__ import annotations

import pytest

from hook.core.schema_history.history import MigrationState
from hook.core.schema_history.info_filter import InfoFilter, parse_info_date, parse_states
from hook.core.scripts.version import Version
from tests.testbed.release import infos, migration, row

FILES = tuple(map(migration, ["V1__a.sql", "V2__b.sql", "V3__c.sql", "R__v.sql"]))
ROWS = (
    row(1, "V1__a.sql")._replace(installed_on="2026-03-01 12:00:00"),
    row(2, "V2__b.sql")._replace(installed_on="2026-03-02 12:00:30"),
)


def shown(wanted: InfoFilter) -> list[str]:
    """Return the names of what is shown."""
    return [
        info.version.text if info.version else info.description
        for info in infos(FILES, ROWS)
        if wanted.matches(info)
    ]


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        (InfoFilter(), "1 2 3 v"),
        (InfoFilter(since=parse_info_date("02/03/2026 12:00")), "2 3 v"),
        (InfoFilter(until=parse_info_date("2/3/2026 12:00")), "1"),
        (InfoFilter(from_version=Version.parse("2.0")), "2 3 v"),
        (InfoFilter(to_version=Version.parse("2.0")), "1 2"),
        (InfoFilter(states=parse_states("pending")), "3 v"),
        (InfoFilter(states=parse_states("Success, above_target")), "1 2"),
        (InfoFilter(from_version=Version.parse("2"), states=parse_states("success")), "2"),
    ],
)
def test_entries_are_chosen_as_flyway_does(wanted: InfoFilter, names: str) -> None:
    """What is not applied has no date, and a repeatable no version: no upper limit lets them."""
    assert shown(wanted) == names.split()


def test_rows_of_an_undo_are_never_shown() -> None:
    """Flyway hides them as well."""
    rows = (*ROWS, row(3, "V2__b.sql", kind="UNDO_SQL"))
    assert not [
        info
        for info in infos(FILES, rows)
        if info.type == "UNDO_SQL" and InfoFilter().matches(info)
    ]


def test_states_have_the_names_of_flyway() -> None:
    """Two are called otherwise here."""
    assert parse_states("out_of_order, Out of Order") == {MigrationState.OUT_OF_ORDER}
    assert parse_states("MISSING_SUCCESS,future_success") == {
        MigrationState.MISSING,
        MigrationState.FUTURE,
    }


@pytest.mark.parametrize("text", ["", "done", "pending,", "pending;failed"])
def test_unknown_states_are_refused(text: str) -> None:
    """With those that there are."""
    with pytest.raises(ValueError, match="is not one of above_target, "):
        parse_states(text)


@pytest.mark.parametrize("text", ["", "2026-03-01", "13/13/2026 10:00", "13/10/2026"])
def test_other_dates_are_refused(text: str) -> None:
    """With an example."""
    with pytest.raises(ValueError, match="is not a date like 13/10/2026 16:30"):
        parse_info_date(text)
