"""Builds what takes the migration lock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.bootstrap.reading import build_connect
from hook.stages.lock import LockStage

if TYPE_CHECKING:
    from hook.settings import Settings


def build_lock(settings: Settings) -> LockStage:
    """Return the stage that takes the migration lock.

    Raises:
        ConfigError: No database is configured.
    """
    target = settings.database.require_target()
    return LockStage(target, build_connect(settings), settings.run.lock_wait)
