"""Which entries of the table of states are shown.

Source: Flyway's ``MigrationFilterImpl``: what is not applied has no date, and a repeatable
no version; both pass a lower limit and never an upper one.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from hook.core.schema_history.history import UNDO_TYPES, MigrationInfo, MigrationState
from hook.core.scripts.version import Version

_DATE = "%d/%m/%Y %H:%M"
# Flyway's names for states, where they differ from those here.
_RENAMED = {"MISSING_SUCCESS": MigrationState.MISSING, "FUTURE_SUCCESS": MigrationState.FUTURE}


class InfoFilter(NamedTuple):
    """What `info` was asked for.

    Attributes:
        since: First date that is shown, on the wall clock that the history has; as stored.
        until: First date that is not.
        states: Shown states, all when empty.
        is_for_scripts: Versions and descriptions only, in one line.
    """

    since: str = ""
    until: str = ""
    from_version: Version | None = None
    to_version: Version | None = None
    states: frozenset[MigrationState] = frozenset()
    is_for_scripts: bool = False

    def matches(self, info: MigrationInfo) -> bool:
        """Tell whether *info* is shown; rows that record an undo never are, as in Flyway."""
        installed_on = "" if info.row is None else info.row.installed_on
        version = info.version
        return (
            info.type not in UNDO_TYPES
            and (not installed_on or installed_on >= self.since)
            and (not self.until or "" < installed_on < self.until)
            and (self.from_version is None or version is None or version >= self.from_version)
            and (self.to_version is None or (version is not None and version <= self.to_version))
            and (not self.states or info.state in self.states)
        )


def parse_info_date(text: str) -> str:
    """Return the date *text*, ``dd/MM/yyyy HH:mm``, as the history has dates.

    Raises:
        ValueError: It is none.
    """
    try:
        found = datetime.strptime(text.strip(), _DATE)  # noqa: DTZ007 - the column has no zone
    except ValueError as error:
        raise ValueError(f"{text!r} is not a date like 13/10/2026 16:30") from error
    return found.strftime("%Y-%m-%d %H:%M:%S")


def parse_states(text: str) -> frozenset[MigrationState]:
    """Return the states that *text* names, comma-separated: ``pending,out_of_order``.

    Raises:
        ValueError: One of them is no state.
    """
    return frozenset(_states(text.split(",")))


def _states(words: Iterable[str]) -> Iterable[MigrationState]:
    known = {state.name: state for state in MigrationState} | _RENAMED
    for word in words:
        state = known.get(word.strip().upper().replace(" ", "_"))
        if state is None:
            names = ", ".join(sorted(name.lower() for name in known))
            raise ValueError(f"{word.strip()!r} is not one of {names}")
        yield state
