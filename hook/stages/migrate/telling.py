"""Tells what happens to one unit of migrations while it happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hook.core.execution.attempt_events import (
    OF_MIGRATION,
    tell_answers,
    tell_in_the_way,
    tell_retry,
)
from hook.core.execution.work import tell_progress
from hook.core.reporting.report import AppliedMigration

if TYPE_CHECKING:
    from hook.core.execution.attempt import Attempt
    from hook.core.execution.group import Unit
    from hook.core.execution.work import Underway
    from hook.postgres.retry_gate import Asking
    from hook.stages import Events, Watch


@dataclass(frozen=True, slots=True)
class Telling:
    """The events of *unit*."""

    events: Events
    unit: Unit

    def started(self, number: int, of: int) -> None:
        """Tell that the first attempt begins, the unit being script *number* *of* so many."""
        together = f" in one transaction of {len(self.unit)}" if len(self.unit) > 1 else ""
        for at, script in enumerate(self.unit, number):
            what = "applying" if script.is_run else "recording and not running"
            version = script.migration.version
            self.events(
                "migration.started",
                f"{what} {script.migration.script}{together}",
                script=script.migration.script,
                version=None if version is None else version.text,
                transactional=script.in_transaction,
                executed=script.is_run,
                number=at,
                of=of,
            )

    def progress(self, underway: Underway, watch: Watch) -> None:
        """Tell what the attempt is at, and what *watch* knows of it."""
        message, facts = tell_progress(underway, watch.find_progress(), watch.find_blockers())
        name = self._name
        self.events("migration.progress", f"{name} {message}", script=name, **facts)

    def answers(self, attempt: Attempt) -> None:
        """Tell what the server had to say besides errors."""
        for told in tell_answers(attempt, OF_MIGRATION, self._name):
            self.events(told.event, told.message, **told.fields)

    def retry(self, attempts: int, at_most: int, last: Attempt | None) -> None:
        """Tell that another attempt follows *last*, and why."""
        told = tell_retry(last, self._name, self._name, attempts, at_most)
        self.events(told.event, told.message, **told.fields)

    def in_the_way(self, asking: Asking, attempt: int, at_most: int) -> None:
        """Tell who is in the way of the next *attempt*, and whether it is made."""
        what = f"{self._name}: attempt {attempt} of {at_most}"
        told = tell_in_the_way(what, self._name, asking.found, is_made=not asking.is_withholding)
        self.events(told.event, told.message, **told.fields)

    def lost(self, attempt: Attempt) -> None:
        """Tell that the connection is lost."""
        name = self._name
        message = f"{name}: connection lost, finding out what became of it"
        failure = attempt.failure
        self.events(
            "connection.lost",
            message,
            level="warning",
            script=name,
            **({"sqlstate": failure.sqlstate} if failure else {}),
        )

    def applied(self, applied: AppliedMigration) -> None:
        """Tell that one of them is applied."""
        what = "applied" if applied.executed else "recorded and not run:"
        self.events(
            "migration.applied",
            f"{what} {applied.script} in {applied.duration_ms} ms",
            script=applied.script,
            version=applied.version,
            executed=applied.executed,
            duration_ms=applied.duration_ms,
            attempts=applied.attempts,
        )

    @property
    def _name(self) -> str:
        """Return the script, or the first and the last one of several."""
        first, last = self.unit[0].migration.script, self.unit[-1].migration.script
        return first if len(self.unit) == 1 else f"{first} … {last}"
