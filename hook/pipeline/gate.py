"""The gate: may this release go out on this database, now? It answers by doing the work."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import TYPE_CHECKING

from hook.core.schema_history.missing_schema import is_complete
from hook.pipeline.journal import Journal, Stopped
from hook.pipeline.reading import Reading, reach_database

if TYPE_CHECKING:
    from hook.core.reporting.report import Report
    from hook.pipeline.migration import Writing


def run_gate(
    journal: Journal, reading: Callable[[], Reading], writing: Callable[[], Writing]
) -> Report:
    """Bring the database to the level that the release needs, or refuse and say why.

    Args:
        journal: The run's record.
        reading: Builds the stages that every run goes through.
        writing: Builds the stages that only a run with pending migrations needs.
    """
    with ExitStack() as held:
        with suppress(Stopped):
            _bring_up_to_date(journal, reading, writing, held)
        return journal.report()


def _bring_up_to_date(
    journal: Journal, build: Callable[[], Reading], writing: Callable[[], Writing], held: ExitStack
) -> None:
    reading = journal.quietly("settings", build)
    with reach_database(journal, reading) as reached:
        release = reading.resolve_release(journal, reached)
        if release.migration_set.callbacks:
            from hook.pipeline import callback_run  # noqa: PLC0415 - rarely needed

            if callback_run.is_needed(release):
                stages = journal.quietly("settings", writing)
                callback_run.run_with_callbacks(journal, reading, stages, release, held)
                return
        read = reading.read_to_run(journal, release)
        if not read.plan.pending and is_complete(read.history, creates_schemas=True):
            reading.confirm(journal, read)
            return
        from hook.pipeline.migration import migrate_locked, start_history  # noqa: PLC0415 - rarely needed

        carry_out = migrate_locked if read.plan.pending else start_history
        carry_out(journal, reading, journal.quietly("settings", writing), read, held)
