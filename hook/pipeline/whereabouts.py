"""Which stage a run is at, for whoever has to tell that it hangs there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hook.clock import Interrupt


class Whereabouts:
    """Keeps the stage of an interrupt; a stage may be a part of another."""

    def __init__(self, interrupt: Interrupt) -> None:
        """Be at none yet."""
        self._interrupt = interrupt
        self._under_way = ""

    @contextmanager
    def at(self, stage: str) -> Iterator[None]:
        """Be at *stage*, and afterwards at the one that it is a part of.

        What comes behind an outermost stage is told as a part of that: it must not look like
        what is in front of the first.
        """
        outer, self._under_way = self._under_way, stage
        self._interrupt.stage = stage
        try:
            yield
        finally:
            self._under_way = outer
            self._interrupt.stage = outer or stage
