"""Counts what a storage answers, for whoever has to say how far a reading came."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

from hook.core.backups.overdue import Progress


class Tally:
    """The answers of one storage so far. Any thread may count, and any may look."""

    def __init__(self) -> None:
        """Begin with none."""
        self._lock = threading.Lock()
        self._answers = 0
        self._objects = 0
        self._last = time.monotonic()

    def count(self, objects: int = 0) -> None:
        """Note an answer, which lists *objects*."""
        with self._lock:
            self._answers += 1
            self._objects += objects
            self._last = time.monotonic()

    def progress(self) -> Progress:
        """Return how far it came."""
        with self._lock:
            silence = timedelta(seconds=time.monotonic() - self._last)
            return Progress(self._answers, self._objects, silence)
