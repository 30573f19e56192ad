"""What is told of a migration while it runs."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from hook.errors import ExitCode
from tests.testbed.gate import Gate, run_settings
from tests.testbed.run_context import eventually

TABLE = "CREATE TABLE t (id int PRIMARY KEY, name text); INSERT INTO t VALUES (1, 'a')"
WAITING = "SELECT pg_advisory_xact_lock_shared(1)"
# The last row waits for the lock.
WAITING_ROW = """
CREATE FUNCTION waits() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END $$;
CREATE TRIGGER waits BEFORE INSERT ON t FOR EACH ROW WHEN (NEW.id = 79) EXECUTE FUNCTION waits()
"""

# One row on each page would be too few of them on a page for a share to be even.
PAGES = """
CREATE TABLE pages (name text);
ALTER TABLE pages ALTER name SET STORAGE PLAIN;
INSERT INTO pages SELECT repeat('x', 290) FROM generate_series(1, 5000)
"""
# Whoever rebuilds it waits for the lock in the middle of that.
WAITING_INDEX = """
CREATE FUNCTION waits(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
$$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN $1; END $$;
CREATE INDEX w ON t (waits(id))
"""


@pytest.fixture(autouse=True)
def _released(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin with a table, and speak often."""
    monkeypatch.setattr("hook.postgres.patience.HEARTBEAT_SECONDS", 0.05)
    gate.events.pace = timedelta(milliseconds=50)
    assert gate.run({"V1__t.sql": TABLE}).exit_code is ExitCode.OK


@contextmanager
def holding_the_lock(gate: Gate) -> Iterator[None]:
    """Let nobody else have the lock 1 meanwhile, who waits for it patiently."""
    gate.limit(run_settings(ladder=[60]))
    with gate.database.connect() as other:
        other.execute("SELECT pg_advisory_lock(1)")
        yield


def progress(gate: Gate) -> list[dict[str, object]]:
    """Return the events of progress."""
    return gate.events.named("migration.progress")


def told(gate: Gate, key: str) -> list[object]:
    """Return what the events of progress said of *key*, where they did."""
    return [item[key] for item in progress(gate) if key in item]


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
    assert set(told(gate, "statement")) == {"CREATE INDEX CONCURRENTLY i ON t (name)"}


def test_share_of_a_table_that_is_vacuumed_is_told(gate: Gate) -> None:
    """A cursor keeps a page half-way from being frozen until it is closed."""
    gate.database.execute(PAGES)
    with gate.database.connect(autocommit=False) as other:
        other.execute("DECLARE c CURSOR FOR SELECT FROM pages")
        other.execute("MOVE 2500 IN c")
        running = gate.start({"V2__x.sql": "VACUUM (FREEZE) pages"})
        eventually(lambda: bool(set(told(gate, "percent")).intersection({49, 50})))
        other.rollback()
        assert running.report().exit_code is ExitCode.OK
    assert set(told(gate, "command")) == {"VACUUM"}
    assert "scanning heap" in told(gate, "phase")


@pytest.mark.parametrize(
    ("script", "command"), [("CLUSTER t USING t_pkey", "CLUSTER"), ("VACUUM FULL t", "VACUUM FULL")]
)
def test_phase_of_a_table_that_is_rewritten_is_told(gate: Gate, script: str, command: str) -> None:
    """That all of its rows are copied by then is no share of what is done now."""
    gate.database.execute(WAITING_INDEX)
    with holding_the_lock(gate):
        running = gate.start({"V2__x.sql": script})
        eventually(lambda: "rebuilding index" in told(gate, "phase"))
    assert running.report().exit_code is ExitCode.OK
    assert set(told(gate, "command")) == {command}
    assert not [
        item
        for item in gate.events.named("migration.progress")
        if item.get("phase") == "rebuilding index" and "percent" in item
    ]


@pytest.mark.since_server(14, "pg_stat_progress_copy")
def test_rows_of_a_copy_are_counted(gate: Gate) -> None:
    """There is no total, and so no percentage."""
    gate.database.execute(WAITING_ROW)
    rows = "".join(f"{number}\tx\n" for number in range(2, 80))
    script = f"COPY t FROM STDIN;\n{rows}\\.\n"
    with holding_the_lock(gate):
        running = gate.start({"V2__x.sql": script})
        eventually(lambda: bool(told(gate, "command")))
    assert running.report().exit_code is ExitCode.OK
    assert set(told(gate, "command")) == {"COPY"}
    assert all(str(phase).endswith(" rows") for phase in told(gate, "phase"))
    assert told(gate, "percent") == []


def test_statement_is_told_only_where_it_is_known(gate: Gate) -> None:
    """Of several in one message the server tells nothing before the last one has run."""
    two = f"SELECT 1;\n{WAITING}"
    with holding_the_lock(gate):
        running = gate.start({"V2__x.sql": two})
        eventually(lambda: bool(progress(gate)))
    assert running.report().exit_code is ExitCode.OK
    assert told(gate, "line") == []
    apart = {"V3__x.sql": two, "V3__x.sql.conf": "executeInTransaction=false"}
    with holding_the_lock(gate):
        running = gate.start(apart)
        wanted = {"line": 2, "statement": WAITING}.items()
        eventually(lambda: any(wanted <= item.items() for item in progress(gate)))
    assert running.report().exit_code is ExitCode.OK


def test_scripts_are_numbered(gate: Gate) -> None:
    """Which one runs, and of how many of this run."""
    assert gate.run({"V2__x.sql": "SELECT 1", "V3__x.sql": "SELECT 1"}).exit_code is ExitCode.OK
    started = gate.events.named("migration.started")
    assert [(item["number"], item["of"]) for item in started] == [(1, 2), (2, 2)]
