"""The damage budget as people write it: ``10,20`` or ``off``."""

from __future__ import annotations

import re

from hook.core.sessions.damage_budget import DamageBudget

_SECONDS = re.compile(r"[0-9]{1,9}(\.[0-9]{1,3})?")


def parse_damage_budget(text: str) -> DamageBudget | None:
    """Return the budget that *text* names, none for ``off``.

    Raises:
        ValueError: It is not two numbers above zero, the greater one last. Zero is refused:
            whether it meant no damage or no limit decides whether anything is ever applied.
    """
    if text.strip().lower() == "off":
        return None
    words = [word.strip() for word in text.split(",")]
    if len(words) != len(DamageBudget._fields) or not all(map(_SECONDS.fullmatch, words)):
        raise ValueError(
            f"{text!r} is not off, or blocked-backend-seconds per attempt and per run such as 10,20"
        )
    attempt, run = map(float, words)
    if not attempt:
        raise ValueError(f"{text!r} leaves nothing for an attempt; off sets no limit")
    if run < attempt:
        raise ValueError(f"{text!r} leaves less for the run than for one attempt")
    return DamageBudget(attempt, run)
