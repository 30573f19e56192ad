"""FLYWAY_SKIP_EXECUTING_MIGRATIONS: recorded, not run, and never in silence."""

from __future__ import annotations

from collections.abc import Callable

from hook.errors import ExitCode
from tests.testbed.deployment import Deployment
from tests.testbed.process import Completed

RunPresync = Callable[..., Completed]
FILES = {
    "V2__orders.sql": "CREATE TABLE orders (id int)",
    "V3__index.sql": "CREATE INDEX CONCURRENTLY i ON orders (id)",
    "R__broken.sql": "SELEC nothing",
}
NAMES = ["V2__orders.sql", "V3__index.sql", "R__broken.sql"]
SKIP = {"FLYWAY_SKIP_EXECUTING_MIGRATIONS": "true"}


def stages(completed: Completed) -> dict[str, list[dict[str, object]]]:
    """Return the findings of each stage."""
    return {stage["name"]: stage["findings"] for stage in completed.report["stages"]}


def test_scripts_are_recorded_and_not_run(deployment: Deployment, run_presync: RunPresync) -> None:
    """The rows are there, the tables are not, and every script is named in a warning."""
    deployment.apply({"V1__t.sql": "CREATE TABLE t ()"})
    deployment.release(FILES)
    completed = run_presync(["run"], deployment.env(**SKIP))
    assert completed.exit_code == ExitCode.OK, completed.stderr
    report = completed.report
    assert "3 recorded, not run (V2, V3, R broken), at 3" in report["verdict"]
    assert [row[2] for row in deployment.history()] == ["V1__t.sql", *NAMES]
    assert deployment.database.query("SELECT to_regclass('orders')") == [(None,)]
    (warning,) = (
        item for item in stages(completed)["scripts"] if item["rule"] == "recorded-not-run"
    )
    assert warning["status"] == "warned"
    assert warning["scripts"] == NAMES
    assert all(name in str(warning["message"]) for name in NAMES)
    assert [item["executed"] for item in report["migrations"]] == [False] * 3
    told = completed.events_named("finding")
    assert any(item["level"] == "WARNING" and NAMES[2] in item["message"] for item in told)


def test_recorded_scripts_take_no_time_and_are_not_run_later(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """For the next run they are applied."""
    deployment.release(FILES)
    assert run_presync(["run"], deployment.env(**SKIP)).exit_code == ExitCode.OK
    times = "SELECT max(execution_time) < 1000, bool_and(success) FROM flyway_schema_history"
    assert deployment.database.query(times) == [(True, True)]
    again = run_presync(["run"], deployment.env())
    assert "up to date at 3" in again.report["verdict"]


def test_script_that_failed_a_moment_ago_can_be_recorded(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """To do its work by hand and record it is one way to mend the failure."""
    deployment.apply({"V1__t.sql": "CREATE TABLE t ()"})
    deployment.release({"V2__x.sql": "SELECT 1/0"})
    assert run_presync(["run"], deployment.env()).exit_code == ExitCode.SQL_FAILED
    assert run_presync(["run"], deployment.env()).exit_code == ExitCode.FAILED_BEFORE
    assert run_presync(["run"], deployment.env(**SKIP)).exit_code == ExitCode.OK


def test_gates_have_nothing_to_guard_when_nothing_is_run(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """No data can be lost; each gate says so, and no backup source is asked for."""
    deployment.apply({"V1__t.sql": "CREATE TABLE t ()"})
    deployment.release(FILES)
    without = deployment.env(**SKIP, PRESYNC_BACKUP_SOURCE="")
    found = stages(run_presync(["check"], without))
    gates = ("blockers", "backup", "archive", "marker")
    assert [found[gate][0]["status"] for gate in gates] == ["skipped"] * 4
    assert run_presync(["run"], without).exit_code == ExitCode.OK


def test_gates_stay_when_something_is_run(deployment: Deployment, run_presync: RunPresync) -> None:
    """And `check` without anything pending asks them as ever."""
    deployment.apply({"V1__t.sql": "CREATE TABLE t ()"})
    completed = run_presync(["check"], deployment.env(**SKIP, PRESYNC_BACKUP_SOURCE=""))
    assert completed.exit_code == ExitCode.CONFIG


def test_plan_tells_what_would_only_be_recorded(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """Whoever looks first sees it, and no lock that nobody will ask for."""
    deployment.release({"V1__t.sql": "CREATE TABLE t ()", "V2__do.sql": "DO 'BEGIN END'"})
    found = stages(run_presync(["plan"], deployment.env(**SKIP)))
    assert [item["message"] for item in found["plan"]] == [
        "V1__t.sql: 1 statement recorded, not run",
        "V2__do.sql: 1 statement recorded, not run",
    ]
    assert not any(item.get("locks") or item.get("unforeseen") for item in found["plan"])
    assert any(item["rule"] == "recorded-not-run" for item in found["scripts"])


def test_schema_without_history_is_taken_as_it_is(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """Flyway lets that pass in silence."""
    deployment.database.execute("CREATE TABLE t ()")
    deployment.release({"V1__t.sql": "CREATE TABLE t ()"})
    assert run_presync(["run"], deployment.env()).exit_code == ExitCode.CONFIG
    completed = run_presync(["run"], deployment.env(**SKIP))
    assert completed.exit_code == ExitCode.OK
    assert any(item["rule"] == "baseline" for item in stages(completed)["history"])
    assert [row[2] for row in deployment.history()] == ["V1__t.sql"]
