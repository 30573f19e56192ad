"""How far a long statement has come, as far as the server tells."""

from __future__ import annotations

from typing import NamedTuple


class Underway(NamedTuple):
    """What an attempt is at.

    Attributes:
        seconds: Since it began.
        line: Of the statement that runs, 0 when that is one of several in a message: the
            server tells nothing of them before it has run all.
        statement: Its head, empty likewise.
    """

    seconds: float
    line: int = 0
    statement: str = ""

    def describe(self) -> str:
        """Return ``running for 12s in line 3, CREATE INDEX i ON t (name)``."""
        at = f" in line {self.line}, {self.statement}" if self.line else ""
        return f"running for {self.seconds:.0f}s{at}"

    def facts(self) -> dict[str, object]:
        """Return the same, ready for JSON."""
        at = {"line": self.line, "statement": self.statement} if self.line else {}
        return {"elapsed_ms": round(self.seconds * 1000), **at}


class WorkProgress(NamedTuple):
    """One look at a row of the server's views ``pg_stat_progress_…``.

    Attributes:
        command: ``CREATE INDEX CONCURRENTLY``, ``VACUUM``, …
        phase: In the server's words; most statements have several.
        done: Of *total* in this phase.
        total: Zero when the server does not know it.
        waits_for: The process that it waits for in this phase, none when for nobody.
    """

    command: str
    phase: str
    done: int = 0
    total: int = 0
    waits_for: int | None = None

    @property
    def percent(self) -> int | None:
        """Return how much of the phase is done, none when nobody knows."""
        if self.total <= 0:
            return None
        return min(100, max(0, self.done * 100 // self.total))

    def describe(self) -> str:
        """Return ``CREATE INDEX: building index, 42 %``."""
        percent = "" if self.percent is None else f", {self.percent} %"
        waits_for = "" if self.waits_for is None else f", waiting for pid {self.waits_for}"
        return f"{self.command}: {self.phase}{percent}{waits_for}"

    def facts(self) -> dict[str, object]:
        """Return the same, ready for JSON."""
        facts: dict[str, object] = {
            "command": self.command,
            "phase": self.phase,
            "percent": self.percent,
            "waits_for": self.waits_for,
        }
        return {name: value for name, value in facts.items() if value is not None}


def tell_progress(
    underway: Underway, work: WorkProgress | None, in_the_way: str
) -> tuple[str, dict[str, object]]:
    """Return what is known of an attempt under way, in words and as facts."""
    how_far = "" if work is None else f": {work.describe()}"
    blockers = f"; in the way: {in_the_way}" if in_the_way else ""
    facts = underway.facts() | ({} if work is None else work.facts())
    if in_the_way:
        facts["in_the_way"] = in_the_way
    return f"{underway.describe()}{how_far}{blockers}", facts
