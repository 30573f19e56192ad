"""The settings of who is in the way of a migration, and of who waits behind it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hook.core.outcome import Policy
from hook.settings.damage_budget import parse_damage_budget
from hook.settings.durations import parse_duration, parse_positive_duration
from hook.settings.setting import Group, Setting, own, settings_in
from hook.settings.words import choice_of, parse_list, parse_switch

if TYPE_CHECKING:
    from hook.core.sessions.damage_budget import DamageBudget
    from hook.core.sessions.ending import Endable


def _parse_endable(text: str) -> frozenset[Endable]:
    from hook.core.sessions.ending import Endable  # noqa: PLC0415 - rarely set

    return frozenset(map(choice_of(Endable), parse_list(text)))


BLOCKERS_POLICY: Setting[Policy] = own(
    Group.BLOCKERS,
    "blockers_policy",
    choice_of(Policy),
    "enforce",
    "enforce|warn|off",
    "What a bad finding of the gate does to the run.",
)
BLOCKER_MAX_AGE: Setting[timedelta] = own(
    Group.BLOCKERS,
    "blocker_max_age",
    parse_positive_duration,
    "30m",
    "DURATION",
    "A transaction or query older than this blocks.",
)
BLOCKER_WAIT: Setting[timedelta] = own(
    Group.BLOCKERS,
    "blocker_wait",
    parse_duration,
    "60s",
    "DURATION",
    "How long to wait for blockers to go.",
)
DAMAGE_BUDGET: Setting[DamageBudget | None] = own(
    Group.RUN,
    "damage_budget",
    parse_damage_budget,
    "10,20",
    "SECONDS,SECONDS|off",
    "Blocked-backend-seconds, per attempt and per run, before a migration gives up for others.",
)
CANCEL_BLOCKERS: Setting[frozenset[Endable] | None] = own(
    Group.BLOCKERS,
    "cancel_blockers",
    _parse_endable,
    None,
    "KIND,…",
    "Whom a migration may end that waits for them: idle-in-transaction, query, autovacuum.",
)
SHOW_BLOCKER_QUERIES: Setting[bool] = own(
    Group.BLOCKERS,
    "show_blocker_queries",
    parse_switch,
    "false",
    "true|false",
    "Tell the SQL of sessions in the way, and of those that wait, shortened.",
)

WATCH_SETTINGS = settings_in(globals())
