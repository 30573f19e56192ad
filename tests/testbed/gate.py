"""The whole gate within the test's process, on a folder of scripts and one database."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from hook import bootstrap
from hook.clock import Deadline, Interrupt, SystemClock
from hook.core.outcome import Finding, Policy
from hook.core.reporting.redaction import Redactor
from hook.core.reporting.report import Report
from hook.core.reporting.wording import Wording
from hook.core.schema_history.orders import Orders
from hook.errors import ExitCode
from hook.render.report_json import report_object
from hook.settings import (
    ArchiveSettings,
    BackupSettings,
    BlockerSettings,
    DatabaseSettings,
    RunSettings,
    Settings,
)
from hook.settings.backup_source import BackupSource, BackupSystem
from hook.settings.migrations import HistoryTable, MigrationSettings, Sources
from hook.settings.output import OutputSettings
from hook.settings.target import ConnectionTarget
from hook.stages import Context
from tests.fakes import FakeEvents
from tests.testbed.backup_gate import ignore
from tests.testbed.database import Database, Role
from tests.testbed.release import write_files
from tests.testbed.run_context import RUN_ID, target_of

# A transaction gets a number with its first write.
NEXT_TRANSACTION = "SELECT pg_snapshot_xmax(pg_current_snapshot())::text"
WORDING = Wording(report_object, Redactor(()), ignore)
LADDER = (0.1, 0.1, 0.25)
HISTORY = (
    "SELECT installed_rank, version, script, success FROM flyway_schema_history"
    " ORDER BY installed_rank"
)


def run_settings(
    deadline: float = 60,
    lock_wait: float = 30,
    ladder: Sequence[float] = LADDER,
    statement_timeout: float = 30,
) -> RunSettings:
    """Return limits that suit a test, in seconds."""
    return RunSettings(
        deadline=timedelta(seconds=deadline),
        lock_wait=timedelta(seconds=lock_wait),
        lock_ladder=tuple(timedelta(seconds=rung) for rung in ladder),
        statement_timeout=timedelta(seconds=statement_timeout),
    )


def settings_for(target: ConnectionTarget, folder: Path) -> Settings:
    """Return settings that ask for no backup and look for no blockers."""
    return Settings(
        database=DatabaseSettings(target, "test", timedelta(seconds=30)),
        migrations=MigrationSettings(sources=Sources(locations=(str(folder),))),
        run=run_settings(),
        backup=BackupSettings(
            Policy.ENFORCE,
            BackupSource(BackupSystem.NONE),
            None,
            timedelta(hours=24),
            None,
        ),
        archive=ArchiveSettings(Policy.ENFORCE, timedelta(minutes=15)),
        blockers=BlockerSettings(Policy.OFF, timedelta(minutes=30), timedelta(0)),
        output=OutputSettings(),
    )


@dataclass(slots=True)
class Gate:
    """A release in *folder* and a database; each run has a context of its own."""

    database: Database
    folder: Path
    interrupt: Interrupt
    settings: Settings
    events: FakeEvents = field(default_factory=FakeEvents)
    orders: Orders = field(default_factory=Orders)

    def release(self, files: Mapping[str, str | bytes]) -> None:
        """Add *files* to the release."""
        write_files(self.folder, files)

    def run(self, files: Mapping[str, str | bytes] | None = None) -> Report:
        """Run the gate after *files* were added to the release."""
        if files is not None:
            self.release(files)
        self.events.told.clear()
        return bootstrap.run(self.settings, self.context(), self.orders, WORDING)

    def context(self) -> Context:
        """Return the context of one run."""
        clock = SystemClock(self.interrupt)
        deadline = Deadline.after(clock, self.settings.run.deadline, "PRESYNC_DEADLINE")
        return Context(clock, deadline, self.interrupt, self.events, RUN_ID)

    def limit(self, run: RunSettings) -> None:
        """Limit the run."""
        self.settings = self.settings._replace(run=run)

    def seconds_of_a_run(self) -> float:
        """Return a span in which a run gets to its script, as fast as the machine is just now."""
        began = time.monotonic()
        report = self.run()
        assert report.exit_code is ExitCode.OK, report.verdict
        return 1 + 10 * (time.monotonic() - began)

    def set_schema(self, name: str) -> None:
        """Put the schema history into schema *name*."""
        table = HistoryTable(default_schema=name)
        migrations = self.settings.migrations._replace(history=table)
        self.settings = self.settings._replace(migrations=migrations)

    def hand_to(self, role: Role) -> None:
        """Let further runs be of *role*, which may use what is there, and owns none of it."""
        self.database.execute(
            f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role.name};"
            f"GRANT ALL ON SCHEMA public TO {role.name}"
        )
        self.settings = settings_for(target_of(self.database, role), self.folder)

    def history(self) -> list[tuple[object, ...]]:
        """Return rank, version, script and success of each row."""
        return self.database.query(HISTORY)

    def start(self, files: Mapping[str, str | bytes] | None = None) -> Running:
        """Run the gate in another thread."""
        return Running.start(self, files)


@dataclass(slots=True)
class Running:
    """A gate at work in another thread."""

    thread: threading.Thread
    reports: list[Report]

    @classmethod
    def start(cls, gate: Gate, files: Mapping[str, str | bytes] | None) -> Running:
        """Start *gate*."""
        reports: list[Report] = []
        thread = threading.Thread(target=lambda: reports.append(gate.run(files)), daemon=True)
        thread.start()
        return cls(thread, reports)

    def report(self, seconds: float = 60) -> Report:
        """Return the report of the run, which must end within *seconds*."""
        self.thread.join(seconds)
        assert not self.thread.is_alive(), "the gate did not end"
        assert self.reports, "the gate ended without a report"
        return self.reports[0]


def deciding(report: Report) -> Finding:
    """Return the finding that set the exit code of *report*."""
    findings = (item for result in report.results for item in result.findings)
    return next(item for item in findings if item.code is report.exit_code)
