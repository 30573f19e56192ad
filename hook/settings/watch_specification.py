"""The settings of whoever watches what a migration costs others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.settings.damage_budget import parse_damage_budget
from hook.settings.setting import Group, Setting, own, settings_in

if TYPE_CHECKING:
    from hook.core.damage_budget import DamageBudget

DAMAGE_BUDGET: Setting[DamageBudget | None] = own(
    Group.RUN,
    "damage_budget",
    parse_damage_budget,
    "10,20",
    "SECONDS,SECONDS|off",
    "Blocked-backend-seconds, per attempt and per run, before a migration gives up for others.",
)

WATCH_SETTINGS = settings_in(globals())
