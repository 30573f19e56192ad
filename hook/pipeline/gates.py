"""The checks that can refuse a run which has something to migrate."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from hook.core.backups.freshness import newest_dump
from hook.core.backups.origin import ServerIdentity
from hook.core.backups.restore_window import WindowJudgement
from hook.core.execution.loss_findings import (
    ScriptLoss,
    blame_losses,
    demanded_policy,
    unwaived,
)
from hook.core.outcome import Finding, Policy, Status, deciding_finding, from_error, passed
from hook.core.reporting.recorded import gate_not_needed, needs_no_gate
from hook.core.sql.unforeseen import describe_unforeseen
from hook.errors import ConnectionLost, DeadlineExceeded, HookError, Interrupted
from hook.pipeline.dump_floor import judge_with_size
from hook.pipeline.journal import Gate, Journal
from hook.pipeline.overriding import look_at_overrides
from hook.pipeline.reading import Prepared, Read
from hook.stages.marker.position import PositionStage

if TYPE_CHECKING:
    from hook.core.reporting.override import Override
    from hook.engines import Engine
    from hook.stages import Context
    from hook.stages.archive import ArchiveStage, NoArchive
    from hook.stages.backup import BackupStage, NoBackupSource
    from hook.stages.blockers import BlockersStage
    from hook.stages.marker import MarkerStage
    from hook.stages.own_rights import OwnRightsStage
    from hook.stages.restore_window import RestoreWindowStage

Judge = Callable[[], tuple[Finding, ...]]


@dataclass(frozen=True, slots=True)
class Gates:
    """The checks that can refuse a run which has something to migrate.

    The storage of the backups is asked in threads, from the moment the gates are made
    until they are passed, while the server is watched for blockers.

    Attributes:
        demanded_policy: Of the backup gate in front of what destroys data without a waiver.
    """

    engine: Engine
    backup: BackupStage | NoBackupSource
    backup_policy: Policy
    demanded_policy: Policy
    archive: ArchiveStage | RestoreWindowStage | NoArchive
    archive_policy: Policy
    blockers: BlockersStage
    blockers_policy: Policy
    marker: MarkerStage | PositionStage
    marker_policy: Policy
    rights: OwnRightsStage
    overrides: tuple[Override, ...] = ()

    def in_front_of(self, journal: Journal, read: Read, prepared: Prepared) -> tuple[Gate, ...]:
        """Return the gates that *prepared* has to pass, in the order they are told.

        Reading the storage begins here and is waited for last. Behind an override that is
        over nothing is looked at.
        """
        if needs_no_gate(prepared.scripts):
            policies = {
                "blockers": self.blockers_policy,
                "backup": self.backup_policy,
                "archive": self.archive_policy,
            }
            return tuple(
                Gate(name, policy, partial(gate_not_needed, name))
                for name, policy in policies.items()
            )
        ctx, server = journal.ctx, ServerIdentity.of(read.facts)
        overridden = look_at_overrides(ctx, self.overrides, read.facts)
        override = Gate("override", Policy.ENFORCE, lambda: overridden)
        if deciding_finding(overridden) is not None:
            journal.overrides = ()
            return (override,)
        # Callbacks run with nothing pending too, and no gate is asked then.
        losses = unwaived(prepared.losses) if prepared.scripts else ()
        backup = self._begin_backup(journal, read, losses)
        archive = _begin(
            self.archive_policy,
            lambda: self.archive.start(ctx, read.session, server, journal.note_way),
        )
        return (
            *((override,) if overridden else ()),
            Gate(
                "blockers",
                self.blockers_policy,
                lambda: self._look_for_blockers(ctx, read, prepared),
            ),
            backup,
            Gate("archive", self.archive_policy, archive),
        )

    def _begin_backup(self, journal: Journal, read: Read, losses: tuple[ScriptLoss, ...]) -> Gate:
        ctx, server = journal.ctx, ServerIdentity.of(read.facts)
        policy = demanded_policy(losses, self.backup_policy, self.demanded_policy)
        begun = _begin(policy, lambda: self.backup.start(ctx, server, journal.note_backups))
        judge = partial(judge_with_size, journal, read.session, begun)
        is_raised = policy is Policy.ENFORCE is not self.backup_policy
        return Gate("backup", policy, partial(_blame, judge, losses) if is_raised else judge)

    def rights_for(self, read: Read, prepared: Prepared) -> tuple[Gate, ...]:
        """Return the gate of `rights_of` where rights are lacking, or where it is late to find out.

        What runs without transaction stays when its row cannot be written. Callbacks may give
        rights before there is a row; what runs in a transaction is left to the server then.
        """
        is_final = any(not script.in_transaction for script in prepared.scripts)
        is_refused = read.history.lacks_rights and prepared.callbacks is None
        return (self.rights_of(read),) if is_final or is_refused else ()

    def rights_of(self, read: Read) -> Gate:
        """Return the gate that tells whether the role may write what a run has to write."""
        return Gate(
            self.rights.name,
            Policy.ENFORCE,
            lambda: self.rights.run(read.session, read.history, read.facts),
        )

    def marker_behind(self, journal: Journal, read: Read, prepared: Prepared) -> Gate:
        """Return the gate behind the others, at which a run leaves its marker."""
        return self._marker_gate(prepared, lambda: self._leave_marker(journal, read))

    def marker_outlook(self, journal: Journal, read: Read, prepared: Prepared) -> Gate:
        """Return the gate that only tells whether a run could leave a marker."""
        return self._marker_gate(
            prepared, lambda: self._marker_for(journal).look(read.session, read.facts)
        )

    def _leave_marker(self, journal: Journal, read: Read) -> tuple[Finding, ...]:
        ctx, stage = journal.ctx, self._marker_for(journal)
        ctx.deadline.raise_if_over()  # nobody comes back to the marker of a run that is over
        return stage.run(ctx, read.session, read.facts, journal.note_marker)

    def _marker_for(self, journal: Journal) -> MarkerStage | PositionStage:
        """Return who leaves the marker, once the archive gate has found what is there.

        A service that restores by time keeps no WAL that a marker could be seen in, and
        neither does a dump.
        """
        if isinstance(journal.way, WindowJudgement):
            return PositionStage(self.marker.source)
        if isinstance(self.marker, PositionStage):
            if journal.freshness is None:
                return self.marker
            return replace(self.marker, dump=newest_dump(journal.freshness))
        if journal.way is None:
            return self.marker
        return replace(self.marker, whole_to=journal.way.judgement.whole_to)

    def _marker_gate(self, prepared: Prepared, judge: Judge) -> Gate:
        if needs_no_gate(prepared.scripts):
            judge = partial(gate_not_needed, "marker")
        return Gate("marker", self.marker_policy, judge)

    def _look_for_blockers(
        self, ctx: Context, read: Read, prepared: Prepared
    ) -> tuple[Finding, ...]:
        # A name in a script means what it will mean when the script runs.
        self.engine.enter_session(read.session, read.history, read.facts)
        found = self.blockers.run(ctx, read.session, prepared.requests)
        places = prepared.unforeseen
        if not places:
            return found
        rule = "blockers-unforeseen"
        return (*found, passed(rule, describe_unforeseen(places), places=list(places)))


def _blame(judge: Judge, losses: tuple[ScriptLoss, ...]) -> tuple[Finding, ...]:
    """Judge, and say of a refusal which *losses* it is for."""
    try:
        findings = judge()
    except (Interrupted, DeadlineExceeded, ConnectionLost):
        raise
    except HookError as error:
        findings = (from_error(error, Status.UNKNOWN),)
    return blame_losses(findings, losses)


def _begin(policy: Policy, start: Callable[[], Judge]) -> Judge:
    """Begin a gate's work and return what judges; a failure to begin is that judgement's."""
    if policy is Policy.OFF:
        return tuple
    try:
        return start()
    except HookError as error:
        return partial(_raise, error)


def _raise(error: HookError) -> tuple[Finding, ...]:
    raise error
