"""FLYWAY_CHERRY_PICK, from the variable to the history."""

from __future__ import annotations

from collections.abc import Callable

from hook.errors import ExitCode
from tests.testbed.deployment import Deployment
from tests.testbed.process import Completed

RunPresync = Callable[..., Completed]
FILES = {
    "V1__t.sql": "CREATE TABLE t (i int)",
    "V2__slow.sql": "SELECT 1/0",
    "V3__row.sql": "INSERT INTO t VALUES (3)",
    "R__the_view.sql": "CREATE OR REPLACE VIEW v AS SELECT i FROM t",
}
TRACE = "INSERT INTO log.trace (event) VALUES ('{}')"
PICK = {"FLYWAY_CHERRY_PICK": "1,the_view,3"}


def test_listed_migrations_are_applied_in_that_order(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """The rest does not run, and does not keep the rollout waiting."""
    deployment.release(FILES)
    completed = run_presync(["run"], deployment.env(**PICK))
    assert completed.exit_code == ExitCode.OK, completed.stderr
    assert "3 applied (V1, R the view, V3), at 3" in completed.report["verdict"]
    assert [row[2] for row in deployment.history()] == [
        "V1__t.sql",
        "R__the_view.sql",
        "V3__row.sql",
    ]
    assert run_presync(["verify"], deployment.env(**PICK)).exit_code == ExitCode.OK
    shown = run_presync(["info"], deployment.env(**PICK)).report["migrations"]
    assert {item["description"]: item["state"] for item in shown}["slow"] == "Ignored"


def test_item_that_no_migration_has_stops_the_run(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """Nothing is applied, not even what is there."""
    deployment.release(FILES)
    completed = run_presync(["run"], deployment.env(FLYWAY_CHERRY_PICK="1,the_veiw"))
    assert completed.exit_code == ExitCode.CONFIG
    assert "description the_veiw; database untouched" in completed.report["verdict"]


def test_callbacks_run_around_what_is_listed(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """Those in front of the repeatables come before the first one, wherever it is listed."""
    deployment.database.execute("CREATE SCHEMA log CREATE TABLE trace (n serial, event text)")
    events = ("beforeEachMigrate", "afterVersioned", "beforeRepeatables", "afterMigrate")
    deployment.release(FILES | {f"{event}.sql": TRACE.format(event) for event in events})
    completed = run_presync(["run"], deployment.env(**PICK))
    assert completed.exit_code == ExitCode.OK, completed.stderr
    seen = deployment.database.query("SELECT event FROM log.trace ORDER BY n")
    assert [event for (event,) in seen] == [
        "beforeEachMigrate",
        "afterVersioned",
        "beforeRepeatables",
        "beforeEachMigrate",
        "beforeEachMigrate",
        "afterMigrate",
    ]


def test_applied_migration_that_is_not_listed_is_validated(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """The list says what to migrate and to repair, in Flyway's documentation as well."""
    deployment.apply({"V1__t.sql": FILES["V1__t.sql"]})
    deployment.release({"V1__t.sql": "CREATE TABLE t (i bigint)", "V3__row.sql": "SELECT 3"})
    completed = run_presync(["run"], deployment.env(FLYWAY_CHERRY_PICK="3"))
    assert completed.exit_code == ExitCode.DRIFT
    assert "V1__t.sql" in completed.report["verdict"]
