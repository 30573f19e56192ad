"""A place to make single attempts at a script."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hook.core.execution.attempt import ApplyTask, Attempt, Limits
from hook.core.execution.heartbeat import Pulse
from hook.engines.flyway.engine import FlywayEngine
from hook.postgres.facts import fetch_server_facts
from hook.postgres.session import Session
from tests.testbed.database import Database
from tests.testbed.release import write_files

LIMITS = Limits(lock_timeout_ms=100, statement_timeout_ms=5000, seconds=30)


@dataclass
class Bench:
    """An engine and a session on *database*, entered."""

    database: Database
    folder: Path
    engine: FlywayEngine
    session: Session

    def task(self, script: str | bytes, conf: str = "") -> ApplyTask:
        """Return the task of applying *script*."""
        write_files(self.folder, {"V1__x.sql": script, "V1__x.sql.conf": conf})
        facts = fetch_server_facts(self.session)
        history = self.engine.read_history(self.session, facts)
        history = self.engine.create_history(self.session, history, facts)
        self.engine.enter_session(self.session, history, facts)
        (migration,) = self.engine.resolve(facts).migrations
        return ApplyTask(migration, history, 1, facts, LIMITS)

    def apply(self, script: str | bytes, conf: str = "") -> Attempt:
        """Return the attempt at *script*."""
        return self.apply_task(self.task(script, conf))

    def apply_task(self, task: ApplyTask) -> Attempt:
        """Return the attempt at *task*."""
        return self.engine.apply(self.session, [task], Pulse(lambda _: None))

    def rows(self) -> list[tuple[object, ...]]:
        """Return what the history says."""
        return self.database.query("SELECT version, success FROM flyway_schema_history")
