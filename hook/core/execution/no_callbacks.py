"""Callbacks that are not run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.core.execution.progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

    from hook.core.execution.callback_book import EachCallbacks
    from hook.core.outcome import Finding
    from hook.core.scripts.events import Event


class NoCallbacks:
    """Stands for `hook.stages.Callbacks` where there are none."""

    each: EachCallbacks | None = None
    progress = Progress.UNTOUCHED
    watch = None

    def stand_on(self, hold: Callable[[], None]) -> None:
        """Need no lock."""

    def has(self, *events: Event) -> bool:  # noqa: ARG002 - the protocol's signature
        """Return that there are none."""
        return False

    def run(self, *events: Event) -> None:
        """Run nothing."""

    def run_after(self, error: Exception, *events: Event) -> None:
        """Run nothing."""

    def take_findings(self) -> tuple[Finding, ...]:
        """Return nothing."""
        return ()
