"""The settings of whoever watches what a migration costs others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.settings.damage_budget import parse_damage_budget
from hook.settings.setting import Group, Setting, own, settings_in

if TYPE_CHECKING:
    from hook.core.damage_budget import DamageBudget
    from hook.core.ending import Endable


def _parse_endable(text: str) -> frozenset[Endable]:
    from hook.core.ending import Endable  # noqa: PLC0415 - rarely set
    from hook.settings.words import choice_of, parse_list  # noqa: PLC0415 - likewise

    return frozenset(map(choice_of(Endable), parse_list(text)))


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

WATCH_SETTINGS = settings_in(globals())
