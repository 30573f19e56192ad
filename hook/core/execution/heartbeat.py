"""How often a wait speaks: at once, then every ten seconds, and of what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hook.core.execution.work import Underway

EVERY = timedelta(seconds=10)


@dataclass(slots=True)
class Heartbeat:
    """Tells when a wait may report itself again, so that it never floods the log."""

    every: timedelta = EVERY
    _last: float | None = None

    def is_due(self, now: float) -> bool:
        """Tell whether to speak at *now* (monotonic seconds), and note that we did."""
        if self._last is not None and now - self._last < self.every.total_seconds():
            return False
        self._last = now
        return True


class Pulse(NamedTuple):
    """Who is told what an attempt is at, and how often."""

    tell: Callable[[Underway], None]
    every: timedelta = EVERY
