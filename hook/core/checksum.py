"""Flyway's checksum, under the name by which others than presync import it."""

from __future__ import annotations

from hook.core.scripts.checksum import checksum

__all__ = ["checksum"]
