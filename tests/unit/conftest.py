"""How long a property test may take: what a loaded machine makes of it says nothing."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("presync", deadline=None)
settings.load_profile("presync")
