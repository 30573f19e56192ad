"""How much damage a run may do to others; apart, as every run reads the setting."""

from __future__ import annotations

from typing import NamedTuple


class DamageBudget(NamedTuple):
    """How much damage may be done, in blocked-backend-seconds.

    Attributes:
        attempt: By one attempt at a migration.
        run: By all attempts of a run together.
    """

    attempt: float
    run: float
