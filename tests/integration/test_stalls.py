"""What the clients of a busy table pay for a migration, as the server itself counts it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import cast

import pytest

from hook.core.sessions.damage import CANCEL_SECONDS
from hook.core.sessions.damage_budget import DamageBudget
from hook.errors import ExitCode
from tests.testbed.contention import ALTER, holder, patient, released
from tests.testbed.database import Database
from tests.testbed.gate import Gate, deciding
from tests.testbed.readers import reading
from tests.testbed.run_context import eventually, meanwhile

CLIENTS = 8
MANY = 30
# So many that it is the budget that decides and not the share of those who wait.
IDLE = 20
ATTEMPT, RUN = 8.0, 16.0
# Of one attempt that nobody cancels, as `patient` says.
PATIENCE = 30.0
_ACQUIRED = "acquired AccessShareLock on relation [0-9]+ of database {} after ([0-9.]+) ms"


@pytest.fixture(autouse=True)
def _released(gate: Gate) -> Iterator[None]:
    """Begin with a table, and a server that logs every wait for a lock and its length."""
    name = gate.database.name
    gate.database.execute(
        f"ALTER DATABASE {name} SET log_lock_waits = on;"
        f" ALTER DATABASE {name} SET deadlock_timeout = '10ms'"
    )
    with released(gate):
        yield


def stalls(database: Database) -> list[float]:
    """Return the seconds of every wait of a reader that ended, from the server's log."""
    ((oid,),) = database.query(
        f"SELECT oid::int FROM pg_database WHERE datname = '{database.name}'"
    )
    found = re.findall(_ACQUIRED.format(oid), database.server.log_text())
    return [float(item) / 1000 for item in found]


def test_damage_to_many_clients_stays_about_the_budget(gate: Gate) -> None:
    """Without the watcher each of twenty attempts would cost fifteen times the run's budget."""
    patient(gate, ATTEMPT, RUN, rungs=20)
    with ExitStack() as crowd:
        for _ in range(IDLE):
            crowd.enter_context(gate.database.connect())
        crowd.enter_context(holder(gate))
        crowd.enter_context(reading(gate.database, CLIENTS))
        report = gate.run(ALTER)
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    waits = stalls(gate.database)
    assert len(waits) >= CLIENTS
    assert max(waits) < ATTEMPT
    # A busy machine may be late, and cancels late.
    assert sum(waits) < 4 * RUN
    assert 4 * RUN < CLIENTS * PATIENCE / 3


def test_budget_of_the_run_holds_for_many_clients(gate: Gate) -> None:
    """Beyond it is only what came late, and what it takes to see and to stop the last attempt."""
    attempt, run = DamageBudget(10, 20)
    patient(gate, attempt, run, rungs=20)
    with holder(gate), reading(gate.database, MANY):
        report = gate.run(ALTER)
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    damage = cast("dict[str, float]", deciding(report).facts["damage"])
    assert damage["run_s"] > run / 4
    assert damage["run_s"] < run + MANY * (damage["late_s"] + 2 * CANCEL_SECONDS)
    assert gate.history() == [(1, "1", "V1__t.sql", True)]


def test_damage_without_a_watcher_lasts_as_long_as_the_wait(gate: Gate) -> None:
    """The measure itself: a plain ALTER TABLE makes everybody wait for the holder."""
    waiting = (
        "SELECT count(*), min(extract(epoch FROM clock_timestamp() - state_change))"
        " FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = 'web'"
    )

    def is_stuck() -> bool:
        ((count, seconds),) = gate.database.query(waiting)
        return bool(count == CLIENTS and seconds >= 2)

    with (
        reading(gate.database, CLIENTS),
        holder(gate) as other,
        gate.database.connect() as psql,
        meanwhile(lambda: psql.execute("ALTER TABLE t ADD x int")),
    ):
        eventually(is_stuck)
        other.rollback()
    waits = stalls(gate.database)
    assert sum(item >= 2 for item in waits) == CLIENTS
