"""The ledger from the command line."""

from __future__ import annotations

from collections.abc import Callable

from hook.errors import ExitCode
from tests.testbed.deployment import Deployment
from tests.testbed.process import Completed

RunPresync = Callable[..., Completed]


def test_failure_is_remembered_until_somebody_insists(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """The second run refuses, --retry-failed runs the script, --runs shows what ran."""
    deployment.release({"V1__t.sql": "CREATE TABLE t (id int); INSERT INTO t VALUES ('x')"})
    env = deployment.env()
    codes = [
        run_presync(arguments, env).exit_code
        for arguments in (["run"], ["run"], ["run", "--retry-failed"])
    ]
    assert codes == [ExitCode.SQL_FAILED, ExitCode.FAILED_BEFORE, ExitCode.SQL_FAILED]
    shown = run_presync(["info", "--runs", "--format", "text"], env)
    assert shown.exit_code == ExitCode.OK
    assert shown.stdout.count("| FAILED 20 SQL_FAILED |") == 2
    assert shown.events[-1]["verdict"].startswith("PASSED 0 OK: 2 runs on record, in ")
    listed = run_presync(["info", "--runs"], env).report
    assert [run["exit_code"] for run in listed["runs"]] == [20, 20]


def test_memory_can_be_switched_off(deployment: Deployment, run_presync: RunPresync) -> None:
    """Nothing is remembered for no time."""
    deployment.release({"V1__t.sql": "SELECT 1 / 0"})
    env = deployment.env(PRESYNC_FAILURE_MEMORY="0s")
    assert [run_presync(["run"], env).exit_code for _ in range(2)] == [20, 20]
