"""Migrations among sessions that block them, and that they block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from psycopg.rows import TupleRow

from hook.core.reporting.report import Report
from hook.core.sessions.damage_budget import DamageBudget
from hook.errors import ExitCode
from hook.postgres.queries import load_query
from tests.testbed.gate import Gate, deciding, run_settings
from tests.testbed.run_context import RUN_ID, eventually

TABLE = "CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t VALUES (1, 'a')"
ALTER = {"V2__x.sql": "SELECT 1;\nALTER TABLE t ADD x int"}
_OWN_SESSIONS = (
    "SELECT pid, query FROM pg_stat_activity"
    f" WHERE application_name LIKE 'presync/%run={RUN_ID}' AND pid <> pg_backend_pid()"
)
_PARTIES = load_query("lock_parties").partition("\n")[0]
# The watcher's session, once it has seen somebody wait.
WATCHING = f"{_OWN_SESSIONS} AND query LIKE '{_PARTIES}%'"
Connection = psycopg.Connection[TupleRow]


@contextmanager
def released(gate: Gate) -> Iterator[None]:
    """Begin with a table, and leave no session of the run behind."""
    assert gate.run({"V1__t.sql": TABLE}).exit_code is ExitCode.OK
    patient(gate, 0.4, 1.0)
    yield
    eventually(lambda: not gate.database.query(_OWN_SESSIONS))


def patient(gate: Gate, attempt: float, run: float, rungs: int = 3) -> None:
    """Let *gate* wait for locks as long as the damage budget lasts."""
    limits = run_settings(ladder=[30] * rungs)
    gate.limit(limits._replace(damage_budget=DamageBudget(attempt, run)))


@contextmanager
def holder(gate: Gate, statement: str = "SELECT id FROM t") -> Iterator[Connection]:
    """Run *statement* in a transaction that stays open and idle."""
    with gate.database.connect(autocommit=False) as other:
        other.execute("SET application_name = 'console'")
        other.execute(statement.encode())
        yield other


def waiting_of(report: Report) -> list[dict[str, Any]]:
    """Return who waited behind the migration that failed."""
    return cast("list[dict[str, Any]]", deciding(report).facts["waiting"])


def blockers_of(report: Report) -> list[dict[str, Any]]:
    """Return who stood in the way of it."""
    return cast("list[dict[str, Any]]", deciding(report).facts["blockers"])


def reasons(gate: Gate) -> list[object]:
    """Return why attempts were given up that others followed."""
    return [item.get("given_up_for") for item in gate.events.named("retry.scheduled")]
