"""Draws on a terminal what runs at this moment, and takes it away for everything else.

Nothing else of the terminal is touched: the cursor stays visible and at the end of the
line, so that a process that is killed leaves no more than this one line.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import TextIO

from hook.core.reporting.live_line import LiveLine, fit
from hook.core.reporting.redaction import Redactor
from hook.core.text import one_line

# What takes no longer is told by its lines in the log, and would only flicker.
APPEARS_AFTER = 0.5
_REDRAW_SECONDS = 0.25
# ECMA-48: to the first column, and erase from there to the end of the line.
_ERASE = "\r\x1b[K"
_USUAL_COLUMNS = 80


class LiveTerminal:
    """One line at the foot of a terminal, see `hook.log.Live`.

    A thread draws it: the one that works may wait in a call for as long as it takes.
    """

    pace = timedelta(seconds=1)

    def __init__(
        self, stream: TextIO, redactor: Redactor, now: Callable[[], float] = time.monotonic
    ) -> None:
        """Draw on *stream*, a terminal; nothing is drawn, and no thread is there, as yet."""
        self._stream = stream
        self._redactor = redactor
        self._now = now
        self._line = LiveLine()
        self._drawn = ""
        self._lock = threading.RLock()
        self._closed = threading.Event()
        self._thread: threading.Thread | None = None

    def take(self, event: str, fields: Mapping[str, object]) -> bool:
        """Take note of *event*; tell whether it is drawn, and so need not be logged."""
        with self._lock:
            is_drawn = self._line.take(event, fields, self._now())
            if self._line.title and self._thread is None:
                self._thread = threading.Thread(target=self._keep_drawing, daemon=True)
                self._thread.start()
            if not self._line.title:
                self._erase()
        return is_drawn

    @contextmanager
    def cleared(self) -> Iterator[None]:
        """Leave the terminal to others while the context lasts."""
        with self._lock:
            self._erase()
            yield

    def close(self) -> None:
        """Erase the line for good."""
        self._closed.set()
        with self._lock:
            self._erase()

    def draw(self) -> None:
        """Draw the line as it is now, unless it is there already."""
        with self._lock:
            if self._closed.is_set() or self._now() - self._line.began < APPEARS_AFTER:
                return
            text = self._compose() if _is_in_front(self._stream) else ""
            if text != self._drawn:
                self._write(_ERASE + text)
                self._drawn = text

    def _keep_drawing(self) -> None:
        while not self._closed.wait(_REDRAW_SECONDS):
            self.draw()

    def _compose(self) -> str:
        columns = _columns_of(self._stream)
        text = one_line(self._redactor.text(self._line.describe(self._now(), columns)))
        # In the last column the terminal would be about to begin another row.
        return fit(self._as_shown(text), columns - 1, self._as_shown("…").replace("?", "..."))

    def _as_shown(self, text: str) -> str:
        """Return *text* as far as the terminal has its characters."""
        encoding = self._stream.encoding or "ascii"
        return text.encode(encoding, "replace").decode(encoding)

    def _erase(self) -> None:
        if self._drawn:
            self._write(_ERASE)
            self._drawn = ""

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):
            # The terminal is gone, which ends nothing else.
            self._closed.set()


def _columns_of(stream: TextIO) -> int:
    """Return the columns of the terminal at this moment: its window may be resized."""
    try:
        return os.get_terminal_size(stream.fileno()).columns or _USUAL_COLUMNS
    except (OSError, ValueError):
        return _USUAL_COLUMNS


def _is_in_front(stream: TextIO) -> bool:
    """Tell whether we may draw: in the background it is somebody else's terminal."""
    try:
        return os.tcgetpgrp(stream.fileno()) == os.getpgrp()
    except (OSError, ValueError):
        return True  # the terminal does not control us, and so has no foreground of ours
