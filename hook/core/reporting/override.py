"""Gates that somebody set aside for a run, and until when that holds."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from hook.core.outcome import Finding, failed, warned
from hook.errors import ExitCode

UNTIL = "PRESYNC_OVERRIDE_UNTIL"
_RULE = "override"


class Override(NamedTuple):
    """A gate that somebody set aside for this run, and why.

    Attributes:
        until: When that ends, in UTC, none where nobody said.
    """

    gate: str
    reason: str
    until: datetime | None = None

    @property
    def end(self) -> str | None:
        """Return when it ends, to the second."""
        return None if self.until is None else f"{self.until:%Y-%m-%dT%H:%M:%SZ}"

    @property
    def term(self) -> str:
        """Return how long it holds, to stand behind what it is about."""
        return "without an end" if self.until is None else f"until {self.end}"

    def is_over(self, now: datetime) -> bool:
        """Tell whether it holds no longer."""
        return self.until is not None and now >= self.until


def judge_overrides(overrides: Sequence[Override], now: datetime) -> tuple[Finding, ...]:
    """Refuse *overrides* that are over by *now*; those that hold are told as warnings."""
    return tuple(_expired(item) if item.is_over(now) else _told(item) for item in overrides)


def _expired(item: Override) -> Finding:
    return failed(
        ExitCode.CONFIG,
        _RULE,
        f"{UNTIL}: the override of gate {item.gate} ended at {item.end}, and is not applied",
        f"Take PRESYNC_OVERRIDE away, or set {UNTIL} to a later end if its reason still holds.",
        gate=item.gate,
        reason=item.reason,
        until=item.end,
    )


def _told(item: Override) -> Finding:
    return warned(
        _RULE,
        f"gate {item.gate} is overridden {item.term}: {item.reason}",
        f"Take PRESYNC_OVERRIDE away after this run, or set {UNTIL} to when it ends by itself."
        if item.until is None
        else "",
        gate=item.gate,
        reason=item.reason,
        until=item.end,
    )
