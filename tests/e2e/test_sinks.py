"""What is told of a run where one of the places that it is told cannot be written."""

from __future__ import annotations

from collections.abc import Callable

from hook.errors import ExitCode
from tests.testbed.deployment import Deployment
from tests.testbed.process import Completed

RunPresync = Callable[..., Completed]
NOWHERE = "/nowhere/file"


def _ends(completed: Completed) -> list[str]:
    return [item["verdict"] for item in completed.events if item["event"] == "run.finished"]


def test_report_that_cannot_be_written_is_told_alike_everywhere(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """The database is fine; the operator asked for a file that is not there.

    Exit code, log, message of the pod, result and ledger are of one opinion.
    """
    deployment.release({"V1__t.sql": "CREATE TABLE t ()"})
    completed = run_presync(["run"], deployment.env(PRESYNC_REPORT=NOWHERE))
    assert completed.exit_code == ExitCode.REPORT
    (verdict,) = _ends(completed)
    assert verdict.startswith("FAILED 50 REPORT: PRESYNC_REPORT: /nowhere/file: no such file")
    assert completed.events[-1]["event"] == "run.finished"
    assert completed.report["verdict"] == verdict
    assert deployment.termination_log.read_text().splitlines()[0] == verdict
    assert deployment.database.query(
        "SELECT verdict, exit_code, report ->> 'verdict', report ->> 'exit_code' FROM presync_run"
    ) == [(verdict, ExitCode.REPORT, verdict, str(int(ExitCode.REPORT)))]


def test_verdict_is_the_last_line_where_no_message_can_be_left(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """That is told as well, in front of it."""
    deployment.release({"V1__t.sql": "CREATE TABLE t ()"})
    completed = run_presync(["run"], deployment.env(PRESYNC_TERMINATION_LOG=NOWHERE))
    assert completed.exit_code == ExitCode.OK
    assert _ends(completed) == [completed.report["verdict"]]
    assert completed.events[-1]["event"] == "run.finished"
    assert any(item.get("rule") == "termination-log" for item in completed.events)


def test_verdict_of_a_refusal_is_the_last_line_where_no_report_can_be_written(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """The refusal is worse, and stays the verdict."""
    deployment.release({"V1__t.sql": "SELECT 'open"})
    completed = run_presync(["run"], deployment.env(PRESYNC_REPORT=NOWHERE))
    assert completed.exit_code == ExitCode.BAD_SET
    assert _ends(completed) == [completed.report["verdict"]]
    assert completed.events[-1]["event"] == "run.finished"
