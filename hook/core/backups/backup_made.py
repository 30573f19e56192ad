"""What is told of a backup that the run had made; the gates judge it, not its maker."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from hook.core.outcome import Finding, passed, warned
from hook.core.span import describe_span

RULE = "backup-trigger"


class Made(NamedTuple):
    """A backup that was waited for.

    Attributes:
        name: As its maker calls it.
        maker: What made it.
        is_adopted: Somebody else had begun it.
        waited: How long it was waited for.
    """

    name: str
    maker: str
    is_adopted: bool
    waited: timedelta

    @property
    def facts(self) -> dict[str, object]:
        """Return what the report tells of it."""
        return {
            "backup": self.name,
            "trigger": self.maker,
            "adopted": self.is_adopted,
            "waited_ms": self.waited // timedelta(milliseconds=1),
        }


def tell_ended(made: Made) -> Finding:
    """Return the finding for a backup whose maker says that it ended well."""
    origin = "ran already" if made.is_adopted else "was begun"
    message = f"{made.name} {origin}, and ended after {describe_span(made.waited)}"
    return passed(RULE, message, **made.facts)


def tell_failed(made: Made, detail: str) -> Finding:
    """Return the finding for a backup whose maker says that it failed."""
    message = (
        f"{made.name} failed after {describe_span(made.waited)}: {detail or 'no reason given'}"
    )
    return warned(RULE, message, "See the log of what made it.", **made.facts)


def tell_unfinished(made: Made, setting: str) -> Finding:
    """Return the finding for a backup that took longer than *setting* allows."""
    message = f"{made.name} has not ended after {describe_span(made.waited)} ({setting})"
    return warned(
        RULE, message, f"Raise {setting}, or run again when that backup is there.", **made.facts
    )


def tell_silent(made: Made, reason: str) -> Finding:
    """Return the finding for a backup that could not be watched to its end."""
    message = f"{made.name} could not be watched any longer: {reason}"
    return warned(RULE, message, "See whether it ends, then run again.", **made.facts)
