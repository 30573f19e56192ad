"""The run's row in the ledger: begun before the first script, finished with the report."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from hook.core.execution.progress import Progress
from hook.core.outcome import deciding_finding
from hook.core.reporting.ledger import (
    Beginning,
    Ending,
    begun_script,
    failed_script_of,
    goes_on_after,
)
from hook.errors import DatabaseUnreachable, ExitCode
from hook.log.json_text import redacted_json
from hook.stages import Outcome

if TYPE_CHECKING:
    from hook.core.execution.prepared import PreparedScript
    from hook.core.execution.step_note import StepNote
    from hook.core.outcome import Finding
    from hook.core.reporting.past_run import BegunScript
    from hook.core.reporting.report import Report
    from hook.core.reporting.wording import Wording
    from hook.core.schema_history.history import History
    from hook.pipeline.journal import Journal
    from hook.stages.ledger import Entry, LedgerStage


class Record(NamedTuple):
    """Who writes the row, and how.

    Attributes:
        actor: ``namespace``, ``pod``, ``job`` and ``job_uid``, none where unknown.
    """

    stage: LedgerStage
    wording: Wording
    actor: Mapping[str, str | None]

    def begin(
        self,
        journal: Journal,
        history: History,
        cut_off: BegunScript | None = None,
        noted: Mapping[str, str] = MappingProxyType({}),
    ) -> Entry | None:
        """Write the row into the ledger beside *history*; the journal completes it in the end.

        Args:
            journal: Of the run.
            history: Of the schema.
            cut_off: See `Beginning`.
            noted: See `PastRun.noted`.

        Returns:
            What `note` needs, none when nothing could be written.

        Raises:
            Stopped: A stop was requested, or the time of the run is over.
        """
        migration_set = journal.migration_set
        beginning = Beginning(
            journal.command,
            journal.ctx.run_id,
            journal.started_at,
            "" if migration_set is None else migration_set.digest,
            journal.before.get("version"),
            self.actor,
            journal.marker,
            cut_off,
            noted,
            history.table,
        )
        before = journal.progress
        # The row may be there, however the stage is left.
        journal.progress = Progress.UNKNOWN
        outcome = journal.attempt(
            "ledger", lambda: self.stage.begin(journal.ctx, history.schema, beginning)
        )
        decided, entry = deciding_finding(outcome.findings), outcome.value
        if decided is None or decided.code is not ExitCode.UNREACHABLE:
            journal.progress = before
        journal.stop_if_decided(outcome.findings)
        if entry is not None:
            journal.closing = lambda report: self._finish(entry, report)
            self.wording.note_keeper(journal.closing)
        return entry

    def note(self, journal: Journal, entry: Entry, script: PreparedScript) -> StepNote | None:
        """Take down that *script*, which is in no transaction, is begun.

        Returns:
            What it takes down of itself then, none where that is not possible.

        Raises:
            HookError: A stop was requested, or the time of the run is over; or the row says
                that nothing of *script* is run without a note.
        """
        findings = self.stage.note(journal.ctx, entry, begun_script(script))
        if findings:
            journal.stage("ledger", lambda: Outcome(findings, None))
            if script.migration.script in entry.noted:
                raise DatabaseUnreachable(
                    f"that {script.migration.script} is begun could not be noted in the ledger",
                    "Run again; nothing of it was run.",
                )
            return None
        return self.steps(entry, script)

    def steps(self, entry: Entry, script: PreparedScript) -> StepNote | None:
        """Return what *script*, of which the row tells already, takes down of itself."""
        return entry.ledger.step_note(entry.key) if script.text else None

    def _finish(self, entry: Entry, report: Report) -> tuple[Finding, ...]:
        redactor = self.wording.redactor
        failed = failed_script_of(report)
        if failed is not None:
            failed = failed._replace(message=redactor.text(failed.message))
        after = report.after.get("version")
        ending = Ending(
            report.finished_at,
            redactor.text(report.verdict),
            int(report.exit_code),
            None if after is None else str(after),
            failed,
            redacted_json(self.wording.as_object(report), redactor),
            goes_on_after(report),
        )
        return self.stage.finish(entry, ending)
