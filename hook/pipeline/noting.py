"""What the report tells of the server, of the files and of what is to be done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.core.reporting.report import SetSummary

if TYPE_CHECKING:
    from hook.core.schema_history.plan import Plan
    from hook.core.scripts.migration_set import MigrationSet
    from hook.core.sessions.server import ServerFacts
    from hook.pipeline.journal import Journal


def note_plan(journal: Journal, plan: Plan) -> None:
    """Take down what the report tells of *plan*."""
    journal.infos = plan.infos
    journal.before = {"version": plan.current}
    journal.pending = tuple(item.script for item in plan.pending)
    journal.ahead = plan.ahead


def summarize_set(migration_set: MigrationSet) -> SetSummary:
    """Return what the report tells of *migration_set*."""
    newest = migration_set.newest
    return SetSummary(
        digest=migration_set.digest,
        count=len(migration_set.migrations),
        newest=None if newest is None else newest.text,
        undo=migration_set.undo,
    )


def describe_server(facts: ServerFacts) -> dict[str, object]:
    """Return what the report tells of the server."""
    return {
        "host": facts.host,
        "port": facts.port,
        "name": facts.database,
        "user": facts.user,
        "server_version": facts.version,
        "system_identifier": facts.system_identifier,
        "timeline": facts.timeline,
        "time_zone": facts.time_zone,
    }
