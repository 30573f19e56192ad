"""What a run has found and done so far; it becomes the report, however the run ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from hook.core.execution.progress import Progress
from hook.core.outcome import (
    Finding,
    Policy,
    Result,
    Status,
    apply_policy,
    deciding_finding,
    from_error,
    located,
)
from hook.core.reporting.next_steps import next_steps
from hook.core.reporting.override import Override
from hook.core.reporting.report import AppliedMigration, Report, SetSummary
from hook.core.reporting.verdict import RunFacts, compose_verdict, count_others
from hook.core.schema_history.history import MigrationInfo
from hook.errors import DeadlineExceeded, ExitCode, HookError, Interrupted
from hook.pipeline.finding_event import finding_fields, tell_way_back
from hook.pipeline.overriding import tell_overrides
from hook.pipeline.whereabouts import Whereabouts
from hook.stages import Context, Outcome

if TYPE_CHECKING:
    from hook.core.backups.backup_table import BackupTable, Way
    from hook.core.backups.freshness import Freshness
    from hook.core.backups.marker import Marker
    from hook.core.reporting.past_run import PastRun
    from hook.core.schema_history.info_filter import InfoFilter
    from hook.core.scripts.waivers import Waived

T = TypeVar("T")
Level = Mapping[str, str | None]


class Stopped(Exception):
    """A finding stops the run; everything worth saying is in the journal."""


class Gate(NamedTuple):
    """A check that can refuse a run which has something to migrate."""

    name: str
    policy: Policy
    run: Callable[[], tuple[Finding, ...]]


Revise = Callable[[str, tuple[Finding, ...]], tuple[Finding, ...]]


class Journal:
    """The only mutable record of a run.

    Attributes:
        started: On the monotonic clock.
        before: ``{"version": …}`` as read before anything was changed, empty when unknown.
        after: The same once it is known, see `Report`.
        pending: Scripts that are still to be applied.
        progress: How far the database was changed.
        shown: What of the table of states is to be rendered, none for all of it.
        summary: What a command that edits the history did, or would do.
        next_steps: What to type when all went well.
        runs: What the ledger tells, none when it was not asked.
        marker: Where the run began in the server's log, none as long as nobody looked.
        freshness: What was made of the backups, none as long as nobody looked.
        way: What was found behind them, likewise.
        waivers: What the scripts that are about to run allow.
        closing: Puts the report on record somewhere; what it finds is added.
    """

    def __init__(self, command: str, ctx: Context, overrides: tuple[Override, ...] = ()) -> None:
        """Begin now."""
        self.command = command
        self.ctx = ctx
        self.overrides = overrides
        self.started_at = ctx.clock.now()
        self.started = ctx.clock.monotonic()
        self.results: list[Result] = []
        self.database: Mapping[str, object] = {}
        self.migration_set: SetSummary | None = None
        self.before: Level = {}
        self.after: Level = {}
        self.migrations: tuple[AppliedMigration, ...] = ()
        self.pending: tuple[str, ...] = ()
        self.ahead: tuple[str, ...] = ()
        self.infos: tuple[MigrationInfo, ...] = ()
        self.shown: InfoFilter | None = None
        self.progress = Progress.UNTOUCHED
        self.summary = ""
        self.next_steps: tuple[str, ...] = ()
        self.runs: tuple[PastRun, ...] | None = None
        self.marker: Marker | None = None
        self.freshness: Freshness | None = None
        self.way: Way | None = None
        self.waivers: tuple[Waived, ...] = ()
        self.closing: Callable[[Report], tuple[Finding, ...]] | None = None
        self._whereabouts = Whereabouts(ctx.interrupt)

    @classmethod
    def begin(cls, command: str, ctx: Context, overrides: tuple[Override, ...] = ()) -> Journal:
        """Start the record of *command* now."""
        ctx.events("run.started", f"{command} started", command=command)
        return cls(command, ctx, tell_overrides(ctx, overrides))

    def quietly(self, name: str, work: Callable[[], T]) -> T:
        """Return what *work* returns; only its failure is put on record, as stage *name*.

        Raises:
            Stopped: It failed, or a stop signal arrived.
        """
        with self._at(name) as began:
            try:
                return work()
            except HookError as error:
                self._finish(name, (from_error(located(error, name)),), began)
                raise Stopped from error

    def stage(self, name: str, work: Callable[[], Outcome[T]]) -> T:
        """Run a stage and return its value.

        Raises:
            Stopped: The stage failed, or a stop signal arrived.
        """
        outcome = self.attempt(name, work)
        self.stop_if_decided(outcome.findings)
        return outcome.value

    def attempt(self, name: str, work: Callable[[], Outcome[T]]) -> Outcome[T]:
        """Run a stage and return its outcome, also when its findings are bad.

        Raises:
            Stopped: The stage could not find out or do what it is for.
        """
        with self._begun(name) as began:
            try:
                self.ctx.interrupt.raise_if_set()
                outcome = work()
            except HookError as error:
                self._finish(name, (from_error(located(error, name)),), began)
                raise Stopped from error
            self._finish(name, outcome.findings, began)
            return outcome

    def gates(self, gates: tuple[Gate, ...], revise: Revise | None = None) -> None:
        """Run every gate, report all findings together, and let the worst decide.

        What *revise* makes of the findings of a gate is what counts.

        Raises:
            Stopped: At least one finding under an enforced policy is bad.
        """
        findings = [item for gate in gates for item in self._gate(gate, revise)]
        self.stop_if_decided(tuple(findings))

    def _gate(self, gate: Gate, revise: Revise | None) -> tuple[Finding, ...]:
        with self._begun(gate.name) as began:
            try:
                findings = apply_policy(self._ask(gate), gate.policy)
            except (Interrupted, DeadlineExceeded) as error:
                # No policy turns this into a warning, and the other gates are not asked.
                self._finish(gate.name, (from_error(located(error, gate.name)),), began)
                raise Stopped from error
            findings = findings if revise is None else revise(gate.name, findings)
            self._finish(gate.name, findings, began)
            return findings

    def _ask(self, gate: Gate) -> tuple[Finding, ...]:
        if gate.policy is Policy.OFF:
            message = f"gate {gate.name} is off by its policy"
            return (Finding(Status.SKIPPED, f"{gate.name}-off", message),)
        try:
            self.ctx.interrupt.raise_if_set()
            return gate.run()
        except (Interrupted, DeadlineExceeded):
            raise
        except HookError as error:
            return (from_error(error, Status.UNKNOWN),)

    def stop_if_decided(self, findings: tuple[Finding, ...]) -> None:
        """Raise `Stopped` when one of *findings* asks for an exit code."""
        if deciding_finding(findings) is not None:
            raise Stopped

    def note_marker(self, marker: Marker) -> None:
        """Take down where in the server's log the run begins."""
        self.marker = marker

    def note_backups(self, freshness: Freshness) -> None:
        """Take down what was made of the backups."""
        self.freshness = freshness

    def note_way(self, way: Way) -> None:
        """Take down what was found behind the backups."""
        self.way = way

    def _begun(self, name: str) -> AbstractContextManager[float]:
        self.ctx.events("stage.started", name, level="debug", stage=name)
        return self._at(name)

    @contextmanager
    def _at(self, name: str) -> Iterator[float]:
        """Be at stage *name* from now, which is yielded."""
        with self._whereabouts.at(name):
            yield self.ctx.clock.monotonic()

    def _finish(self, name: str, findings: tuple[Finding, ...], began: float) -> None:
        elapsed = self._milliseconds_since(began)
        result = Result(name, findings, elapsed)
        self.results.append(result)
        for item in findings:
            self.ctx.events("finding", item.message, **finding_fields(name, item))
        self.ctx.events(
            "stage.finished",
            f"{name} {result.status.value}",
            level="info" if result.status is not Status.SKIPPED else "debug",
            stage=name,
            status=result.status.value,
            duration_ms=elapsed,
        )

    def _milliseconds_since(self, began: float) -> int:
        return round((self.ctx.clock.monotonic() - began) * 1000)

    def report(self) -> Report:
        """Close the record: compose the verdict, keep it, return the report."""
        report = self._compose()
        if self.closing is not None:
            with self._at("ledger") as began:
                findings = self.closing(report)
                if findings:
                    self._finish("ledger", findings, began)
                    report = report._replace(results=tuple(self.results))
        if report.exit_code is not ExitCode.OK and report.has_way_back:
            tell_way_back(self.ctx.events, report)
        return report

    def _compose(self) -> Report:
        findings = tuple(item for result in self.results for item in result.findings)
        deciding = deciding_finding(findings)
        code = deciding.code if deciding is not None else ExitCode.OK
        finished_at = self.ctx.clock.now()
        duration_ms = self._milliseconds_since(self.started)
        verdict = compose_verdict(self._facts(deciding, duration_ms))
        return Report(
            command=self.command,
            run_id=self.ctx.run_id,
            verdict=verdict,
            exit_code=code,
            started_at=self.started_at,
            finished_at=finished_at,
            duration_ms=duration_ms,
            results=tuple(self.results),
            database=self.database,
            migration_set=self.migration_set,
            before=self.before,
            after=self.after,
            migrations=self.migrations,
            pending=self.pending,
            overrides=self.overrides,
            infos=self.infos,
            runs=self.runs,
            shown=self.shown,
            next_steps=next_steps(deciding, self.command) if deciding else self.next_steps,
            marker=self.marker,
            backups=self._backups(),
            progress=self.progress,
            waivers=self.waivers,
        )

    def _backups(self) -> BackupTable | None:
        if self.freshness is None:
            return None
        from hook.core.backups.backup_table import lay_out_backups  # noqa: PLC0415 - not for a no-op run

        return lay_out_backups(self.freshness, self.way)

    def _facts(self, deciding: Finding | None, duration_ms: int) -> RunFacts:
        return RunFacts(
            deciding=deciding,
            applied=self.migrations,
            before=self.before.get("version"),
            after=self.after.get("version"),
            set_digest=self.migration_set.digest if self.migration_set else None,
            ahead=self.ahead,
            progress=self.progress,
            duration_ms=duration_ms,
            command=self.command,
            pending=len(self.pending),
            summary=self.summary,
            others=count_others(self.results, deciding),
            unresolved=sum(info.state.is_failed for info in self.infos),
        )
