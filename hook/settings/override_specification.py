"""The settings of gates that are set aside for one run."""

from __future__ import annotations

from datetime import datetime

from hook.settings.setting import Group, Setting, own, settings_in
from hook.settings.words import parse_gates, parse_moment

OVERRIDE: Setting[tuple[str, ...] | None] = own(
    Group.OVERRIDE,
    "override",
    parse_gates,
    None,
    "GATE,…",
    "Gates to set aside for this run; needs a reason.",
)
OVERRIDE_REASON: Setting[str | None] = own(
    Group.OVERRIDE,
    "override_reason",
    str,
    None,
    "TEXT",
    "Why; it is printed and recorded.",
)
OVERRIDE_UNTIL: Setting[datetime | None] = own(
    Group.OVERRIDE,
    "override_until",
    parse_moment,
    None,
    "TIME",
    "When that ends, as `2026-12-01T18:00:00+01:00`; then a run with something pending is refused.",
)
OVERRIDE_SETTINGS = settings_in(globals())
