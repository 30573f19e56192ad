"""Changes Flyway's history table on request: repair and baseline."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hook.core.schema_history.baseline import baselined
from hook.core.schema_history.baseline_command import judge_baseline_command, summarize_baseline
from hook.core.schema_history.repair import plan_repair
from hook.core.schema_history.repair_findings import judge_repair, summarize_repair
from hook.core.sql.sql_text import qualified_name
from hook.engines import Change
from hook.engines.flyway.history_row import (
    render_delete,
    render_insert,
    render_update,
    row_of_marker,
)
from hook.engines.flyway.history_table import (
    CREATED_MEANWHILE,
    creation_statements,
    name_taken,
)
from hook.errors import QueryFailed

if TYPE_CHECKING:
    from hook.core.outcome import Finding
    from hook.core.schema_history.history import History
    from hook.core.schema_history.repair import Repair
    from hook.core.scripts.migration_set import MigrationSet
    from hook.core.scripts.version import Version
    from hook.engines import Reader
    from hook.settings.migrations import MigrationSettings

# Who asks gives up before, and names who is in the way; this is for a process that was killed.
_LOCK_TIMEOUT = "SELECT pg_catalog.set_config('lock_timeout', '8s', true)"


@dataclass(frozen=True, slots=True)
class FlywayEditor:
    """Flyway's ``repair`` and ``baseline``."""

    settings: MigrationSettings

    def plan_repair(
        self, migration_set: MigrationSet, history: History, only: Version | None, user: str
    ) -> tuple[Change, tuple[Finding, ...]]:
        """Return what a repair changes, see `hook.engines.HistoryEditor`."""
        repair = plan_repair(history, migration_set.migrations, self.settings.rules, only)
        statements = tuple(_statements(history, repair, self._installed_by(user)))
        return Change(summarize_repair(repair), statements), judge_repair(history, repair, only)

    def plan_baseline(self, history: History, user: str) -> tuple[Change, tuple[Finding, ...]]:
        """Return what a baseline creates, see `hook.engines.HistoryEditor`."""
        table, rules = self.settings.history, self.settings.baseline
        creates = table.creates_schemas
        findings = judge_baseline_command(history, rules, creates_schemas=creates)
        summary = summarize_baseline(history, rules, creates_schemas=creates)
        if not summary:
            return Change(), findings
        starting = history if history.exists else baselined(history, rules)
        statements = creation_statements(starting, table, self._installed_by(user))
        return Change(summary, tuple(statements)), findings

    def make(self, session: Reader, change: Change) -> None:
        """Make *change*, see `hook.engines.HistoryEditor`."""
        try:
            # One message is one transaction, as when a run creates the table.
            session.fetch(";\n".join((_LOCK_TIMEOUT, *change.statements)))
        except QueryFailed as error:
            if error.sqlstate not in CREATED_MEANWHILE:
                raise
            raise name_taken("the schema history", error) from error

    def _installed_by(self, user: str) -> str:
        return self.settings.history.installed_by or user


def _statements(history: History, repair: Repair, installed_by: str) -> Iterator[str]:
    """Yield the changes in Flyway's order; ranks of new rows count on the removals."""
    name = qualified_name(history.schema, history.table)
    for row in repair.removed:
        yield render_delete(name, row)
    for edit in repair.marked:
        yield render_insert(name, row_of_marker(edit.result)._replace(installed_by=installed_by))
    for edit in repair.aligned:
        yield render_update(name, edit.result)
