"""What a REINDEX CONCURRENTLY that was cut off leaves on a TOAST table, and its end."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import psycopg
import pytest

from hook.clock import Interrupt
from hook.core.reporting.report import Report
from hook.errors import ExitCode
from tests.testbed.database import Role
from tests.testbed.gate import Gate, Running, deciding
from tests.testbed.run_context import eventually, meanwhile, target_of

BASE = """\
CREATE TABLE t (name text);
CREATE TABLE p (id int, name text) PARTITION BY LIST (id);
CREATE TABLE c PARTITION OF p DEFAULT;
CREATE TABLE other (id int);
"""
INVALID = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1"
TOAST = "SELECT reltoastrelid::regclass::text FROM pg_class WHERE oid = '{}'::regclass"
# Whoever builds has its copy in the catalog by the time that it waits.
WAITING = (
    "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
    " AND wait_event_type = 'Lock' AND query ILIKE '%REINDEX%' AND application_name {} 'presync/%'"
)
REINDEX = {"V2__r.sql": "REINDEX TABLE CONCURRENTLY t"}


@pytest.fixture(autouse=True)
def _released(gate: Gate) -> None:
    """Begin with a table whose rows may be long, and a partitioned one."""
    assert gate.run({"V1__base.sql": BASE}).exit_code is ExitCode.OK


@pytest.fixture
def owner(gate: Gate, make_role: Callable[..., Role]) -> Role:
    """Return the role that owns the table, and as which the gate runs from now on."""
    role = make_role()
    gate.database.execute(
        f"GRANT ALL ON SCHEMA public TO {role.name};"
        f"GRANT ALL ON ALL TABLES IN SCHEMA public TO {role.name};"
        f"ALTER TABLE t OWNER TO {role.name}"
    )
    target = target_of(gate.database, role)
    gate.settings = gate.settings._replace(database=gate.settings.database._replace(target=target))
    return role


def copy_of(gate: Gate, table: str) -> str:
    """Return the name of the index that is built beside the one of *table*'s TOAST table."""
    ((toast,),) = gate.database.query(TOAST.format(table))
    return f"{toast}_index_ccnew"


def told(gate: Gate) -> list[str]:
    """Return the notices of the run."""
    return [message for name, message, _ in gate.events.told if name == "migration.notice"]


@contextlib.contextmanager
def writing(gate: Gate, table: str = "t") -> Iterator[None]:
    """Keep a transaction open that has written short rows to *table*: a build waits for it."""
    with gate.database.connect(autocommit=False) as writer:
        writer.execute(f"LOCK TABLE {table} IN ROW EXCLUSIVE MODE".encode())
        yield


@contextlib.contextmanager
def reading_toast(gate: Gate, table: str = "t") -> Iterator[None]:
    """Keep a transaction open that has read a long row of *table*: a drop waits for it."""
    ((toast,),) = gate.database.query(TOAST.format(table))
    with gate.database.connect(autocommit=False) as reader:
        reader.execute(f"SELECT FROM {toast}".encode())
        yield


def leave_invalid(gate: Gate, table: str = "t") -> str:
    """Have a REINDEX of somebody else's be cut off, and return what that leaves."""

    def build() -> None:
        with pytest.raises(psycopg.errors.QueryCanceled):
            gate.database.execute(f"REINDEX TABLE CONCURRENTLY {table}")

    with writing(gate, table), meanwhile(build):
        eventually(lambda: bool(gate.database.query(WAITING.format("NOT LIKE"))))
        ((pid,),) = gate.database.query(WAITING.format("NOT LIKE"))
        gate.database.query(f"SELECT pg_cancel_backend({pid})")
        eventually(lambda: not gate.database.query(WAITING.format("NOT LIKE")))
    left = copy_of(gate, table)
    assert gate.database.query(INVALID) == [(left,)]
    return left


def stop(gate: Gate, running: Running, calm: Interrupt, command: str = "REINDEX") -> Report:
    """Stop the run once its *command* waits."""
    query = WAITING.replace("REINDEX", command).format("LIKE")
    eventually(lambda: bool(gate.database.query(query)))
    gate.interrupt.set("SIGTERM")
    gate.interrupt = calm
    return running.report()


@pytest.mark.parametrize(
    ("script", "table"),
    [
        ("REINDEX TABLE CONCURRENTLY public.t", "t"),
        ("REINDEX SCHEMA CONCURRENTLY public", "t"),
        ("REINDEX TABLE CONCURRENTLY {toast}", "t"),
        ("REINDEX INDEX CONCURRENTLY {toast}_index", "t"),
        ("REINDEX TABLE CONCURRENTLY c", "c"),
        pytest.param(
            "REINDEX TABLE CONCURRENTLY p",
            "c",
            marks=pytest.mark.since_server(14, "REINDEX of partitioned relations"),
        ),
    ],
)
def test_leftover_is_dropped_before_its_table_is_reindexed(
    gate: Gate, script: str, table: str
) -> None:
    """The server would pass it by with a warning, and keep it for ever."""
    left = leave_invalid(gate, table)
    ((toast,),) = gate.database.query(TOAST.format(table))
    report = gate.run({"V2__r.sql": script.format(toast=toast)})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.database.query(INVALID) == []
    (notice,) = told(gate)
    assert notice == (
        f"V2__r.sql: NOTICE invalid index {left} on the TOAST table of {table}, left by a failed"
        " build, is dropped first"
    )


def test_leftover_of_another_table_is_left_alone(gate: Gate) -> None:
    """Neither its table nor its schema is named."""
    left = leave_invalid(gate)
    script = "CREATE SCHEMA s; CREATE TABLE s.u (name text)"
    files = {"V2__s.sql": script, "V3__r.sql": "REINDEX SCHEMA CONCURRENTLY s"}
    report = gate.run({**files, "V4__r.sql": "REINDEX TABLE CONCURRENTLY c"})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.database.query(INVALID) == [(left,)]


def test_reindex_that_is_stopped_is_done_by_the_next_run(gate: Gate, calm: Interrupt) -> None:
    """What it has left is named; that it was rolled back would be untrue."""
    with writing(gate), reading_toast(gate):
        report = stop(gate, gate.start(REINDEX), calm)
    left = copy_of(gate, "t")
    assert report.verdict.startswith("FAILED 40 INTERRUPTED: SIGTERM received in V2__r.sql:1; left")
    assert deciding(report).message.endswith(
        f"; left behind: invalid index {left} on the TOAST table of t (the next run mends that)"
    )
    assert report.verdict.endswith(", at 1")
    assert gate.database.query(INVALID) == [(left,)]
    assert len(gate.history()) == 1
    again = gate.run()
    assert again.exit_code is ExitCode.OK, again.verdict
    assert gate.database.query(INVALID) == []


def test_reindex_that_is_cancelled_leaves_nothing(gate: Gate) -> None:
    """Nobody is in the way of the drop: who reads another table is waited for by a build."""
    with gate.database.connect(autocommit=False) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT FROM other")
        running = gate.start(REINDEX)
        eventually(lambda: bool(gate.database.query(WAITING.format("LIKE"))))
        ((pid,),) = gate.database.query(WAITING.format("LIKE"))
        gate.database.query(f"SELECT pg_cancel_backend({pid})")
        report = running.report()
    assert report.exit_code is ExitCode.BUDGET, report.verdict
    assert report.verdict.endswith("; rolled back, at 1")
    assert gate.database.query(INVALID) == []


def test_drop_of_a_leftover_that_is_stopped_is_dropped_by_the_next_run(
    gate: Gate, calm: Interrupt
) -> None:
    """A script may drop it by its name; it is found by that."""
    left = leave_invalid(gate)
    with reading_toast(gate):
        running = gate.start({"V2__d.sql": f"DROP INDEX CONCURRENTLY {left}"})
        report = stop(gate, running, calm, "DROP")
    assert f"; left behind: invalid index {left} on the TOAST table of t (the next" in (
        deciding(report).message
    )
    again = gate.run()
    assert again.exit_code is ExitCode.OK, again.verdict
    assert gate.database.query(INVALID) == []


@pytest.mark.usefixtures("owner")
def test_owner_who_may_not_drop_it_is_told_and_goes_on(gate: Gate) -> None:
    """The index is in nobody's way, and only a superuser may say who uses its schema."""
    left = leave_invalid(gate)
    report = gate.run(REINDEX)
    assert report.exit_code is ExitCode.OK, report.verdict
    assert (
        f"V2__r.sql: WARNING invalid index {left} on the TOAST table of t, left by a failed build,"
        " stays: to drop it takes USAGE on schema pg_toast"
    ) in told(gate)
    assert gate.database.query(INVALID) == [(left,)]


def test_owner_with_the_right_drops_it(gate: Gate, owner: Role) -> None:
    """The warning names what is missing."""
    leave_invalid(gate)
    gate.database.execute(f"GRANT USAGE ON SCHEMA pg_toast TO {owner.name}")
    report = gate.run(REINDEX)
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.database.query(INVALID) == []


@pytest.mark.usefixtures("owner")
def test_owner_whose_reindex_is_stopped_leaves_it_to_nobody(gate: Gate, calm: Interrupt) -> None:
    """The next run does not mend that, and need not."""
    with writing(gate):
        report = stop(gate, gate.start(REINDEX), calm)
    left = copy_of(gate, "t")
    assert "rolled back" not in report.verdict
    assert deciding(report).message.endswith(
        f"; left behind: invalid index {left} on the TOAST table of t"
        " (to drop it takes USAGE on schema pg_toast)"
    )
    assert len(gate.history()) == 1
    again = gate.run()
    assert again.exit_code is ExitCode.OK, again.verdict
    assert gate.database.query(INVALID) == [(left,)]


@pytest.mark.usefixtures("owner")
def test_what_an_earlier_attempt_has_left_is_found_at_the_end(gate: Gate) -> None:
    """The run was to leave no invalid index, and did."""
    with writing(gate):
        running = gate.start(REINDEX)
        eventually(lambda: bool(gate.database.query(WAITING.format("LIKE"))))
        ((pid,),) = gate.database.query(WAITING.format("LIKE"))
        gate.database.query(f"SELECT pg_terminate_backend({pid})")
        eventually(lambda: bool(gate.events.named("connection.lost")))
    report = running.report()
    left = copy_of(gate, "t")
    assert report.verdict.startswith(f"FAILED 22 VERIFY_FAILED: index {left} on the TOAST table")
    assert "USAGE on schema pg_toast" in deciding(report).hint
    assert [row[2] for row in gate.history()] == ["V1__base.sql", "V2__r.sql"]
