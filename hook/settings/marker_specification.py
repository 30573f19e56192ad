"""The settings of the marker that a run leaves in the server's log."""

from __future__ import annotations

from datetime import timedelta

from hook.core.outcome import Policy
from hook.settings.durations import parse_positive_duration
from hook.settings.setting import Group, Setting, own, settings_in
from hook.settings.words import choice_of

MARKER_POLICY: Setting[Policy] = own(
    Group.MARKER,
    "marker_policy",
    choice_of(Policy),
    "enforce",
    "enforce|warn|off",
    "What it does to the run that no marker can be made, or that its WAL is not archived.",
)
MARKER_WAIT: Setting[timedelta] = own(
    Group.MARKER,
    "marker_wait",
    parse_positive_duration,
    "60s",
    "DURATION",
    "How long the WAL of the marker may take to get into the repository.",
)
MARKER_SETTINGS = settings_in(globals())
