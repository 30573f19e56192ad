"""Callbacks on the record of a run."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Self

from hook.core.execution.no_callbacks import NoCallbacks
from hook.core.execution.progress import Progress, merged
from hook.pipeline.journal import Journal, Stopped
from hook.pipeline.recovery import answers
from hook.stages import Outcome

if TYPE_CHECKING:
    from hook.core.execution.callback_book import CallbackBook
    from hook.core.scripts.events import Event
    from hook.pipeline.reading import Reading, Release
    from hook.stages import Callbacks
    from hook.stages.callbacks.cover import Cover
    from hook.stages.callbacks.running import RunningCallbacks


@dataclass(frozen=True, slots=True)
class Firing:
    """Runs callbacks as a stage each, and notes how far they have changed the database."""

    journal: Journal
    callbacks: Callbacks
    running: RunningCallbacks | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is Stopped:
            self._sum_up()
        if self.running is not None:
            self.running.close()

    def fire(self, *events: Event) -> None:
        """Run the callbacks of *events*.

        Raises:
            Stopped: One of them failed.
        """
        if not self.callbacks.has(*events):
            return

        def run() -> Outcome[None]:
            self.callbacks.run(*events)
            return Outcome(self.callbacks.take_findings(), None)

        try:
            self.journal.stage("callbacks", run)
        finally:
            self._note()

    def fire_after(self, error: Exception, *events: Event) -> None:
        """Run the callbacks of *events* after *error*, which nothing takes the place of."""
        self.callbacks.run_after(error, *events)
        # "Rolled back" would be read of what the error tells, and that was not begun.
        if self.callbacks.progress is not Progress.ROLLED_BACK:
            self._note()
        findings = self.callbacks.take_findings()
        if findings:
            self.journal.stage("callbacks", lambda: Outcome(findings, None))

    def _sum_up(self) -> None:
        """Say in the verdict that callbacks ran, when they alone did."""
        has_said_more = self.journal.migrations or self.journal.summary
        if self.callbacks.progress is Progress.COMMITTED and not has_said_more:
            self.journal.summary = "callbacks ran, nothing applied"

    def _note(self) -> None:
        self.journal.progress = merged(self.journal.progress, self.callbacks.progress)


def begin_callbacks(
    journal: Journal,
    reading: Reading,
    release: Release,
    book: CallbackBook | None,
    cover: Cover | None = None,
) -> Firing:
    """Return what runs the callbacks of *book*, under *cover* if any; close it in the end.

    Raises:
        Stopped: The settings do not say how.
    """
    if book is None or not book.callbacks:
        return Firing(journal, NoCallbacks())
    from hook.stages.callbacks.cover import UNCOVERED  # noqa: PLC0415 - likewise
    from hook.stages.callbacks.running import RunningCallbacks  # noqa: PLC0415 - rarely needed

    rules = journal.quietly("settings", reading.callback_rules)
    schema = journal.quietly("settings", lambda: rules.engine.history_schema(release.facts))
    if cover is None:
        cover = UNCOVERED._replace(has_survived=partial(answers, release.session))
    running = RunningCallbacks(journal.ctx, rules, book, schema, release.facts, cover)
    return Firing(journal, running, running)
