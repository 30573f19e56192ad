"""How long a property test may take: what a loaded machine makes of it says nothing.

The same tree is asked the same: who changes one line finds out about that, and not by chance
about another.
"""

from __future__ import annotations

from hypothesis import HealthCheck, settings

settings.register_profile(
    "presync", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("presync")
