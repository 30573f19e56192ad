"""FLYWAY_OUTPUT_QUERY_RESULTS, from the script to the log."""

from __future__ import annotations

from collections.abc import Callable

from hook.errors import ExitCode
from tests.testbed.deployment import Deployment
from tests.testbed.process import Completed

RunPresync = Callable[..., Completed]
FILES = {
    "V1__a.sql": "CREATE TABLE t AS SELECT n FROM generate_series(1, 50) AS n; TABLE t ORDER BY n",
    "V2__b.sql": "SELECT 'pa' || 'ss-word-of-it' AS secret, NULL AS nothing; SELECT 1 LIMIT 0",
    "V3__c.sql": "SELECT 3 AS three; VACUUM t",
    "V3__c.sql.conf": "executeInTransaction=false",
    "V4__d.sql": "SELECT 4; " * 30,
    "afterMigrate.sql": "SELECT count(*) FROM t",
}


def results(completed: Completed, event: str) -> list[tuple[str, int, list[list[str | None]]]]:
    """Return script, number of rows and rows of each result that was told in full."""
    told = [item for item in completed.events if item["event"] == event and "rows" in item]
    return [(item["script"], item["row_count"], item["rows"]) for item in told]


def test_results_of_queries_are_told_within_bounds(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """As Flyway prints them, in scripts and callbacks; never presync's own, and no secret."""
    deployment.release(FILES)
    env = deployment.env(FLYWAY_PLACEHOLDERS_PASSWORD="pass-word-of-it")
    completed = run_presync(["run"], env)
    assert completed.exit_code == ExitCode.OK, completed.stderr
    first, *others = results(completed, "migration.result")
    assert first == ("V1__a.sql", 50, [[str(n)] for n in range(1, 21)])
    assert others[:3] == [
        ("V2__b.sql", 1, [["***", None]]),
        ("V2__b.sql", 0, []),
        ("V3__c.sql", 1, [["3"]]),
    ]
    assert others[3:] == [("V4__d.sql", 1, [["4"]])] * 20
    assert results(completed, "callback.result") == [("afterMigrate.sql", 1, [["50"]])]
    dropped = [item["dropped"] for item in completed.events if "dropped" in item]
    assert dropped == [10]
    told = [item["message"] for item in completed.events if item["message"].startswith("V2__b")]
    assert told[0].endswith("AS nothing: 1 row: secret=***, nothing=NULL")


def test_results_of_queries_are_not_told_when_nobody_wants_them(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """They may be personal data."""
    deployment.release(FILES)
    completed = run_presync(["run"], deployment.env(FLYWAY_OUTPUT_QUERY_RESULTS="false"))
    assert completed.exit_code == ExitCode.OK, completed.stderr
    assert not [item for item in completed.events if item["event"].endswith(".result")]
