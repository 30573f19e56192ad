"""The command `repair` on a real server: what it tells, what it changes, and what never."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hook import bootstrap
from hook.core.reporting.report import Report
from hook.core.schema_history.orders import Orders
from hook.core.scripts.version import Version
from hook.core.sessions.lock_key import migration_lock_key
from hook.errors import ExitCode
from tests.testbed.database import Role
from tests.testbed.gate import WORDING, Gate, deciding, run_settings
from tests.testbed.run_context import eventually, target_of

ROWS = "SELECT flyway_schema_history::text FROM flyway_schema_history ORDER BY installed_rank"
FILES = {
    "V1__a.sql": "CREATE TABLE a ()",
    "V2__b.sql": "CREATE TABLE b ()",
    "V3__c.sql": "CREATE TABLE c ()",
}
CONFIRMED = Orders(is_confirmed=True)


@pytest.fixture(autouse=True)
def _broken(gate: Gate) -> None:
    """Begin with a failed row, a missing migration and a checksum of something else."""
    assert gate.run(FILES).exit_code is ExitCode.OK
    gate.database.execute(
        "DROP TABLE c;"
        "UPDATE flyway_schema_history SET success = false WHERE version = '3';"
        "UPDATE flyway_schema_history SET checksum = 4711 WHERE version = '2'"
    )
    (gate.folder / "V1__a.sql").unlink()


def repair(gate: Gate, orders: Orders = CONFIRMED) -> Report:
    """Run the command."""
    gate.events.told.clear()
    return bootstrap.repair(gate.settings, gate.context(), orders, WORDING)


def rows(gate: Gate) -> list[str]:
    """Return the rows of the history, every byte of them."""
    return [text for (text,) in gate.database.query(ROWS)]


def messages(gate: Gate) -> list[str]:
    """Return what was told of each row that changes."""
    named = ("repair-remove", "repair-mark", "repair-align")
    return [text for _, text, fields in gate.events.told if fields.get("rule") in named]


def test_repair_without_confirmation_only_tells(gate: Gate) -> None:
    """Every row is told, whole, and none is touched; nobody has to wait."""
    before = rows(gate)
    report = repair(gate, Orders())
    assert report.exit_code is ExitCode.OK
    assert report.verdict.startswith(
        "PASSED 0 OK: dry run, --yes is missing for: 1 row removed, 1 row marked as deleted,"
        " 1 row aligned, at 2, in "
    )
    assert report.next_steps == ("presync repair --yes",)
    assert rows(gate) == before
    assert [result.name for result in report.results] == ["wait", "resolve", "history"]
    removal, mark, alignment = messages(gate)
    assert removal.startswith("remove row 3: version 3 (V3__c.sql), failed at 2")
    assert mark == "mark version 1 (V1__a.sql) of row 1 as deleted: add row 3"
    assert alignment.startswith("align row 2, version 2 (V2__b.sql): checksum 4711 → ")
    told = [fields["row"] for fields in gate.events.named("finding") if "row" in fields]
    assert [item["installed_rank"] for item in told if isinstance(item, dict)] == [3, 1, 2]


def test_confirmed_repair_changes_what_it_told(gate: Gate) -> None:
    """Failed rows go, what is gone is marked, checksums follow; then a run passes."""
    before = rows(gate)
    report = repair(gate)
    assert report.exit_code is ExitCode.OK
    assert ": 1 row removed, 1 row marked as deleted, 1 row aligned, at 2, in" in report.verdict
    assert len(messages(gate)) == 3
    after = rows(gate)
    assert after[0] == before[0]
    assert after[1].replace(",SQL,V2__b.sql,", "") != before[1]
    found = gate.database.query(
        "SELECT installed_rank, version, type, script, success, execution_time"
        " FROM flyway_schema_history WHERE installed_rank = 3"
    )
    assert found == [(3, "1", "DELETE", "V1__a.sql", True, 0)]
    gate.database.execute("DROP TABLE a")
    assert gate.run().exit_code is ExitCode.OK
    again = repair(gate)
    assert again.verdict.startswith("PASSED 0 OK: nothing to repair, at 3, in ")
    assert "lock" not in [result.name for result in again.results]


def test_repair_of_one_version_leaves_all_other_rows(gate: Gate) -> None:
    """The failed row goes; rows of successful migrations stay byte for byte."""
    before = rows(gate)
    report = repair(gate, Orders(is_confirmed=True, only=Version.parse("3")))
    assert report.exit_code is ExitCode.OK
    assert rows(gate) == before[:2]


def test_repair_never_removes_a_successful_row(gate: Gate) -> None:
    """Asked to do so it says that it does not, and names the database as untouched."""
    repair(gate)
    before = rows(gate)
    report = repair(gate, Orders(is_confirmed=True, only=Version.parse("2")))
    assert report.exit_code is ExitCode.CONFIG
    assert report.verdict.endswith("; database untouched")
    assert rows(gate) == before


def test_repair_that_the_server_refuses_leaves_no_half(
    gate: Gate, make_role: Callable[..., Role]
) -> None:
    """A role that may delete and not update ends with every row as it was."""
    role = make_role()
    gate.database.execute(f"GRANT SELECT, DELETE, INSERT ON flyway_schema_history TO {role.name}")
    database = gate.settings.database._replace(target=target_of(gate.database, role))
    gate.settings = gate.settings._replace(database=database)
    before = rows(gate)
    report = repair(gate)
    assert report.exit_code is ExitCode.AUTH
    assert report.verdict.endswith("; rolled back, at 2")
    assert rows(gate) == before


@contextmanager
def other_migrator(gate: Gate) -> Iterator[Callable[[], None]]:
    """Hold the migration lock; yield what gives it back."""
    key = migration_lock_key("public", "flyway_schema_history")
    with gate.database.connect() as other:
        other.execute("SELECT pg_advisory_lock(%s)", (key,))
        yield other.close


def test_repair_waits_for_a_migrator_no_longer_than_it_may(gate: Gate) -> None:
    """Who has the lock is named, and nothing is changed behind their back."""
    gate.limit(run_settings(lock_wait=0))
    before = rows(gate)
    with other_migrator(gate):
        report = repair(gate)
    assert report.exit_code is ExitCode.LOCKED
    assert rows(gate) == before


def test_repair_looks_again_once_it_has_the_lock(gate: Gate) -> None:
    """What somebody else has changed meanwhile is told anew, and counts."""
    reports: list[Report] = []
    with other_migrator(gate) as give_back:
        thread = threading.Thread(target=lambda: reports.append(repair(gate)), daemon=True)
        thread.start()
        started = ("stage.started", "lock")
        eventually(lambda: started in [(name, text) for name, text, _ in gate.events.told])
        gate.database.execute("DELETE FROM flyway_schema_history WHERE version = '3'")
        give_back()
        thread.join(30)
    (report,) = reports
    assert report.exit_code is ExitCode.OK
    assert ": 1 row marked as deleted, 1 row aligned, at 2, in" in report.verdict
    assert len(messages(gate)) == 5


def test_repair_that_somebody_undoes_at_once_is_not_called_done(gate: Gate) -> None:
    """The history is read once more after the change."""
    gate.database.execute(
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
        "CREATE TRIGGER keep BEFORE DELETE ON flyway_schema_history"
        " FOR EACH ROW EXECUTE FUNCTION keep();"
        "UPDATE flyway_schema_history SET installed_rank = 9 WHERE version = '3'"
    )
    report = repair(gate, Orders(is_confirmed=True, only=Version.parse("3")))
    assert report.exit_code is ExitCode.VERIFY_FAILED
    assert "still to be done afterwards: 1 row removed" in deciding(report).message


def test_repair_without_history_has_nothing_to_do(gate: Gate) -> None:
    """A database that nobody has migrated needs no repair."""
    gate.database.execute("DROP TABLE flyway_schema_history")
    report = repair(gate)
    assert report.exit_code is ExitCode.OK
    assert "nothing to repair" in report.verdict


def test_repair_refuses_a_release_without_files(gate: Gate) -> None:
    """A folder that was not mounted does not mark every migration as deleted."""
    for path in gate.folder.iterdir():
        path.unlink()
    before = rows(gate)
    assert repair(gate).exit_code is ExitCode.BAD_SET
    assert rows(gate) == before
