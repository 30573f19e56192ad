"""What is told of a migration while it runs."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

import pytest

from hook.core.heartbeat import Heartbeat
from hook.errors import ExitCode
from tests.testbed.gate import Gate
from tests.testbed.run_context import eventually

TABLE = "CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t VALUES (1, 'a')"
QUICK_HEARTBEAT = partial(Heartbeat, timedelta(milliseconds=50))
SLOW_ROWS = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_sleep(0.02); RETURN NEW; END $$;
CREATE TRIGGER slow BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION slow()
"""


@pytest.fixture(autouse=True)
def _released(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with a table, and speak often."""
    monkeypatch.setattr("hook.postgres.patience.HEARTBEAT_SECONDS", 0.05)
    monkeypatch.setattr("hook.engines.flyway.sending.Heartbeat", QUICK_HEARTBEAT)
    assert gate.run({"V1__t.sql": TABLE}).exit_code is ExitCode.OK


def told(gate: Gate, key: str) -> list[object]:
    """Return what the events of progress said of *key*, where they did."""
    return [item[key] for item in gate.events.named("migration.progress") if key in item]


def test_phase_and_whom_it_waits_for_are_told(gate: Gate) -> None:
    """An index that waits for an old snapshot says whose it is."""
    with gate.database.connect(autocommit=False) as other:
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        running = gate.start({"V2__x.sql": "CREATE INDEX CONCURRENTLY i ON t (name)"})
        eventually(lambda: bool(told(gate, "waits_for") and told(gate, "in_the_way")))
        other.rollback()
        assert running.report().exit_code is ExitCode.OK
        assert set(told(gate, "waits_for")) == {other.info.backend_pid}
        assert f"pid {other.info.backend_pid} (" in str(told(gate, "in_the_way")[0])
    assert set(told(gate, "command")) == {"CREATE INDEX CONCURRENTLY"}
    assert "waiting for old snapshots" in told(gate, "phase")


@pytest.mark.since_server(14, "pg_stat_progress_copy")
def test_rows_of_a_copy_are_counted(gate: Gate) -> None:
    """There is no total, and so no percentage."""
    gate.database.execute(SLOW_ROWS)
    rows = "".join(f"{number}\tx\n" for number in range(2, 80))
    script = f"COPY t FROM STDIN;\n{rows}\\.\n"
    assert gate.run({"V2__x.sql": script}).exit_code is ExitCode.OK
    assert set(told(gate, "command")) == {"COPY"}
    assert all(str(phase).endswith(" rows") for phase in told(gate, "phase"))
    assert told(gate, "percent") == []
