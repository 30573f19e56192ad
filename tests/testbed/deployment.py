"""A release in front of a database, as presync's environment in a pod tells of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from hook.clock import Interrupt
from hook.errors import ExitCode
from tests.testbed.database import Database
from tests.testbed.gate import HISTORY, Gate, settings_for
from tests.testbed.release import write_files
from tests.testbed.run_context import target_of

OURS = "FROM pg_stat_activity WHERE application_name LIKE 'presync/%' AND datname = "


@dataclass(frozen=True, slots=True)
class Deployment:
    """Scripts in *folder* for *database*; the gate's last words go beside them."""

    database: Database
    folder: Path

    @property
    def report(self) -> Path:
        """Return the path of the report file."""
        return self.folder / "report.json"

    @property
    def termination_log(self) -> Path:
        """Return the path of the termination message."""
        return self.folder / "termination-log"

    def release(self, files: Mapping[str, str | bytes]) -> None:
        """Add *files* to the release."""
        write_files(self.folder / "sql", files)

    def apply(self, files: Mapping[str, str | bytes]) -> None:
        """Add *files* to the release and apply it, without a process of its own."""
        interrupt = Interrupt()
        settings = settings_for(target_of(self.database), self.folder / "sql")
        report = Gate(self.database, self.folder / "sql", interrupt, settings).run(files)
        interrupt.close()
        assert report.exit_code is ExitCode.OK, report.verdict

    def env(self, **more: str) -> dict[str, str]:
        """Return the environment of a run without a backup gate, and *more* of it."""
        return {
            "PRESYNC_URL": self.database.url,
            "PRESYNC_LOCATIONS": str(self.folder / "sql"),
            "PRESYNC_BACKUP_SOURCE": "none",
            "PRESYNC_REPORT": str(self.report),
            "PRESYNC_TERMINATION_LOG": str(self.termination_log),
            **more,
        }

    def history(self) -> list[tuple[object, ...]]:
        """Return rank, version, script and success of each row."""
        return self.database.query(HISTORY)

    def has_sessions(self) -> bool:
        """Tell whether a session of presync is still there, or a lock of one."""
        locks = (
            "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock'"
            f" AND database = (SELECT oid FROM pg_database WHERE datname = '{self.database.name}')"
        )
        return bool(
            self.database.query(f"SELECT 1 {OURS} '{self.database.name}' UNION ALL {locks}")
        )
