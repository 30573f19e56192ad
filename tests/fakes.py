"""Stand-ins that satisfy the protocols of the code under test."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@dataclass(slots=True)
class FakeClock:
    """A `Clock` that moves only when someone sleeps on it or advances it."""

    current: datetime = NOON
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        """Return the current time of the fake."""
        return self.current

    def monotonic(self) -> float:
        """Return seconds since `NOON`."""
        return (self.current - NOON).total_seconds()

    def sleep(self, seconds: float) -> None:
        """Note the wish and let the time pass."""
        self.slept.append(seconds)
        self.advance(seconds)

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass."""
        self.current += timedelta(seconds=seconds)


@dataclass(slots=True)
class FakeEvents:
    """An `Events` that remembers what it was told."""

    told: list[tuple[str, str, dict[str, object]]] = field(default_factory=list)
    pace: timedelta = timedelta(seconds=10)

    def __call__(self, event: str, message: str, /, **fields: object) -> None:
        """Remember one event."""
        self.told.append((event, message, fields))

    def named(self, event: str) -> list[dict[str, object]]:
        """Return the fields of every *event*, in order."""
        return [fields for name, _, fields in self.told if name == event]
