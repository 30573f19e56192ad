"""Puts the program together; the only place that names concrete engines and catalogs."""

from __future__ import annotations

import os
import secrets
from typing import TYPE_CHECKING

from hook.catalogs.opening import open_catalog
from hook.clock import Deadline, SystemClock
from hook.core.blockers import BlockerPolicy
from hook.core.expectations import Expectations
from hook.core.outcome import Policy
from hook.engines.flyway.engine import FlywayEngine
from hook.pipeline import inspection
from hook.pipeline.gate import Gates, Writing, run_gate
from hook.pipeline.journal import Journal
from hook.pipeline.reading import Reading
from hook.pipeline.recovery import Reconnection
from hook.postgres.session import connect
from hook.settings.backup_source import BackupSystem
from hook.stages import Context, Events
from hook.stages.backup import BackupStage, NoBackupSource
from hook.stages.blockers import BlockersStage
from hook.stages.history import HistoryStage
from hook.stages.lock import LockStage
from hook.stages.migrate import MigrateStage
from hook.stages.resolve import ResolveStage
from hook.stages.scripts import ScriptsStage
from hook.stages.verify import VerifyStage
from hook.stages.wait import WaitStage

if TYPE_CHECKING:
    from hook.clock import Interrupt
    from hook.core.report import Report
    from hook.core.server import ServerFacts
    from hook.settings import Settings

_RUN_ID_BYTES = 6


def new_run_id() -> str:
    """Return an id that no other run has."""
    return secrets.token_hex(_RUN_ID_BYTES)


def open_context(settings: Settings, run_id: str, events: Events, interrupt: Interrupt) -> Context:
    """Return what the process lends to the stages; the deadline runs from now."""
    clock = SystemClock(interrupt)
    deadline = Deadline.after(clock, settings.run.deadline, "PRESYNC_DEADLINE")
    return Context(clock, deadline, interrupt, events, run_id)


def run(settings: Settings, ctx: Context) -> Report:
    """Run the gate."""
    program = _Program(settings, ctx)
    return run_gate(program.begin("run"), program.reading(), program.writing())


def check(settings: Settings, ctx: Context) -> Report:
    """Run every gate, whether or not something is pending; change nothing."""
    program = _Program(settings, ctx)
    return inspection.check(program.begin("check"), program.reading(), program.gates())


def plan(settings: Settings, ctx: Context) -> Report:
    """Tell what `run` would do."""
    program = _Program(settings, ctx)
    return inspection.plan(program.begin("plan"), program.reading())


def info(settings: Settings, ctx: Context) -> Report:
    """Tell the state of every migration."""
    program = _Program(settings, ctx)
    return inspection.info(program.begin("info"), program.reading())


def validate(settings: Settings, ctx: Context) -> Report:
    """Judge the history against the release; what is pending is no mistake."""
    program = _Program(settings, ctx)
    return inspection.validate(program.begin("validate"), program.reading())


def verify(settings: Settings, ctx: Context) -> Report:
    """Judge whether the schema is at the level that the release needs."""
    program = _Program(settings, ctx)
    return inspection.verify(program.begin("verify"), program.reading())


def lint(settings: Settings, ctx: Context) -> Report:
    """Judge the release's files without a database."""
    program = _Program(settings, ctx)
    return inspection.lint(program.begin("lint"), program.resolve(), program.scripts(None))


def digest(settings: Settings, ctx: Context) -> Report:
    """Tell the digest of the release's migrations without a database."""
    program = _Program(settings, ctx)
    return inspection.digest(program.begin("digest"), program.resolve())


class _Program:
    """The stages of one run, built from the settings on demand."""

    def __init__(self, settings: Settings, ctx: Context) -> None:
        self._settings = settings
        self._ctx = ctx
        self._engine = FlywayEngine(settings.migrations, ctx.clock.now(), os.getcwd())

    def begin(self, command: str) -> Journal:
        journal = Journal.begin(command, self._ctx)
        journal.overrides = self._settings.overrides
        return journal

    def resolve(self) -> ResolveStage:
        return ResolveStage(self._engine)

    def scripts(self, facts: ServerFacts | None) -> ScriptsStage:
        allows_mixed = self._settings.migrations.execution.is_mixed_allowed
        return ScriptsStage(lambda item: self._engine.read_script(item, facts), allows_mixed)

    def wait(self) -> WaitStage:
        database = self._settings.database
        return WaitStage(
            target=database.require_target(),
            connect=connect,
            wait_timeout=database.wait_timeout,
            expectations=Expectations(database.expect_database, database.expect_system_id),
        )

    def reading(self) -> Reading:
        return Reading(
            wait=self.wait(),
            resolve=self.resolve(),
            history=HistoryStage(self._engine),
            scripts=self.scripts,
            verify=VerifyStage(self._engine),
        )

    def gates(self) -> Gates:
        settings = self._settings
        overridden = {item.gate for item in settings.overrides}
        return Gates(
            engine=self._engine,
            backup=self._backup().run,
            backup_policy=_policy("backup", settings.backup.policy, overridden),
            blockers=BlockersStage(
                BlockerPolicy(settings.blockers.max_age), settings.blockers.wait
            ),
            blockers_policy=_policy("blockers", settings.blockers.policy, overridden),
        )

    def _backup(self) -> BackupStage | NoBackupSource:
        backup = self._settings.backup
        if backup.source is None:
            return NoBackupSource()
        if backup.source.system is BackupSystem.NONE:
            return BackupStage(None, backup.max_age)
        catalog = open_catalog(backup.source, backup.stanza or "", backup.s3)
        return BackupStage(catalog, backup.max_age)

    def writing(self) -> Writing:
        run = self._settings.run
        return Writing(
            lock=LockStage(self._settings.database.require_target(), connect, run.lock_wait),
            gates=self.gates(),
            migrate=MigrateStage(
                self._engine, run.lock_ladder, run.statement_timeout, Reconnection(self.wait())
            ),
        )


def _policy(gate: str, policy: Policy, overridden: set[str]) -> Policy:
    """Return the policy of *gate* for this run; an override makes it a warning."""
    return Policy.WARN if gate in overridden and policy is Policy.ENFORCE else policy
