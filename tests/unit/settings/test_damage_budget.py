"""The damage budget as people write it."""

from __future__ import annotations

import pytest

from hook.core.sessions.damage_budget import DamageBudget
from hook.core.sessions.ending import Endable
from hook.errors import ConfigError
from hook.settings import Settings
from hook.settings.damage_budget import parse_damage_budget
from hook.settings.load import Need, load_settings
from hook.settings.sources import Inputs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10,20", DamageBudget(10, 20)),
        (" 0.5 , 0.5 ", DamageBudget(0.5, 0.5)),
        ("off", None),
        (" OFF ", None),
    ],
)
def test_budget_is_two_numbers_or_off(text: str, expected: DamageBudget | None) -> None:
    """Per attempt first, then per run."""
    assert parse_damage_budget(text) == expected


@pytest.mark.parametrize(
    "text", ["", "10", "10,", "10,20,30", "10s,20s", "-1,2", "nan,inf", "1e3,1e4", "٣,٤", "none"]
)
def test_budget_without_clear_meaning_is_refused(text: str) -> None:
    """One number, units, signs or another alphabet are not guessed at."""
    with pytest.raises(ValueError, match="such as 10,20"):
        parse_damage_budget(text)


@pytest.mark.parametrize("text", ["0,20", "0,0", "0.000,1"])
def test_budget_of_nothing_is_refused(text: str) -> None:
    """Zero may mean two opposite things."""
    with pytest.raises(ValueError, match="off sets no limit"):
        parse_damage_budget(text)


def test_run_gets_no_less_than_an_attempt() -> None:
    """The budget of an attempt would never be reached."""
    with pytest.raises(ValueError, match="less for the run"):
        parse_damage_budget("20,10")


def load(**environment: str) -> Settings:
    """Return the settings of a process with these variables."""
    return load_settings(Inputs({}, environment), Need.NO_DATABASE)


def test_nobody_is_cancelled_by_default() -> None:
    """The default is a budget, and to leave others alone."""
    settings = load()
    assert settings.run.damage_budget == DamageBudget(10, 20)
    assert settings.blockers.cancels == frozenset()


def test_sql_of_others_is_told_only_when_asked_for() -> None:
    """Whoever forgets the setting tells nothing."""
    assert not load().blockers.shows_queries
    assert load(PRESYNC_SHOW_BLOCKER_QUERIES="true").blockers.shows_queries


def test_kinds_to_cancel_are_words() -> None:
    """Each once, in any order."""
    settings = load(PRESYNC_CANCEL_BLOCKERS="query, Idle-in-Transaction,query")
    assert settings.blockers.cancels == {Endable.QUERY, Endable.IDLE}
    with pytest.raises(ConfigError, match="'superuser' is not idle-in-transaction, query or"):
        load(PRESYNC_CANCEL_BLOCKERS="superuser")


def test_who_looks_at_nobody_cancels_nobody() -> None:
    """Without the watcher nobody knows who is in the way."""
    with pytest.raises(ConfigError, match="PRESYNC_CANCEL_BLOCKERS is set and PRESYNC_DAMAGE"):
        load(PRESYNC_CANCEL_BLOCKERS="query", PRESYNC_DAMAGE_BUDGET="off")
    assert load(PRESYNC_DAMAGE_BUDGET="off").run.damage_budget is None
