"""Tells which gates are set aside for a run, and by which clock that ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.core.reporting.override import Override, judge_overrides

if TYPE_CHECKING:
    from hook.core.outcome import Finding
    from hook.core.sessions.server import ServerFacts
    from hook.stages import Context


def tell_overrides(ctx: Context, overrides: tuple[Override, ...]) -> tuple[Override, ...]:
    """Log *overrides* as a command begins, and return those that hold."""
    now = ctx.clock.now()
    for item in overrides:
        told: dict[str, object] = {"gate": item.gate, "reason": item.reason, "until": item.end}
        if item.is_over(now):
            message = f"the override of gate {item.gate} ended at {item.end}: {item.reason}"
            ctx.events("override.ended", message, level="warning", **told)
        else:
            message = f"gate {item.gate} is overridden {item.term}: {item.reason}"
            ctx.events("gate.overridden", message, level="warning", **told)
    return tuple(item for item in overrides if not item.is_over(now))


def look_at_overrides(
    ctx: Context, overrides: tuple[Override, ...], server: ServerFacts
) -> tuple[Finding, ...]:
    """Judge *overrides* as the gates begin.

    This machine's clock and the server's count, whichever is later: a node that is behind
    does not revive what is over.
    """
    now = ctx.clock.now()
    return judge_overrides(overrides, max(now, now + server.clock_ahead))
