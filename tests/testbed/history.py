"""The schema history on a real server, as tests of the engine look at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from hook.core.schema_history.baseline import BaselineRules
from hook.core.schema_history.history import History
from hook.engines.flyway.engine import FlywayEngine
from hook.postgres.facts import fetch_server_facts
from hook.postgres.session import Session
from hook.settings.migrations import HistoryTable, MigrationSettings
from tests.testbed.release import engine_on

TABLE = "public.flyway_schema_history"
ROWS = """
    SELECT installed_rank, version, description, type, script, checksum, installed_by,
           execution_time, success
      FROM {} ORDER BY installed_rank
"""
# Puts functions and operators of the same name in front of those of the server.
HOSTILE = """
    CREATE SCHEMA evil;
    CREATE FUNCTION evil.clock_timestamp() RETURNS timestamptz LANGUAGE sql
        AS 'SELECT NULL::timestamptz';
    CREATE FUNCTION evil.date_part(text, interval) RETURNS float8 LANGUAGE sql
        AS 'SELECT -1::float8';
    CREATE FUNCTION evil.minus(timestamptz, timestamptz) RETURNS interval LANGUAGE sql
        AS $$SELECT interval '-1 day'$$;
    CREATE OPERATOR evil.- (LEFTARG = timestamptz, RIGHTARG = timestamptz, FUNCTION = evil.minus);
"""
DEFAULT = HistoryTable()


@dataclass(slots=True)
class CountingReader:
    """A reader that remembers what it was asked."""

    session: Session
    queries: list[str] = field(default_factory=list)

    def fetch(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Pass the query on."""
        self.queries.append(query)
        return self.session.fetch(query, parameters)

    def execute(self, statements: str) -> None:
        """Pass the statements on."""
        self.queries.append(statements)
        self.session.execute(statements)


def engine(table: HistoryTable = DEFAULT, rules: BaselineRules | None = None) -> FlywayEngine:
    """Return an engine that works on *table*."""
    settings = MigrationSettings(history=table, baseline=rules or BaselineRules())
    return engine_on("/nowhere", settings=settings)


def create(session: Session, table: HistoryTable = DEFAULT) -> History:
    """Return the history after the engine created it."""
    facts = fetch_server_facts(session)
    made = engine(table)
    history = made.create_history(session, made.read_history(session, facts), facts)
    assert history.exists
    assert not session.in_transaction
    return history
