"""How strictly each gate judges in this run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.core.outcome import Policy

if TYPE_CHECKING:
    from hook.settings import Settings


def policy_in_force(gate: str, policy: Policy, settings: Settings) -> Policy:
    """Return the policy of *gate* for this run; an override makes it a warning."""
    is_overridden = any(item.gate == gate for item in settings.overrides)
    return Policy.WARN if is_overridden and policy is Policy.ENFORCE else policy
