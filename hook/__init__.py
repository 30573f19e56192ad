"""presync: the gate between a rollout and its PostgreSQL database."""

from __future__ import annotations

__version__ = "0.1.0"
