"""The SQL of sessions in the way: in no output, or in those that somebody asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hook.errors import ExitCode
from tests.testbed.deployment import Deployment
from tests.testbed.process import Completed

TABLE = {"V1__t.sql": "CREATE TABLE t (id int)"}
ALTER = {"V2__x.sql": "ALTER TABLE t ADD x int"}
CANARY = "canary of the application"
OUR_PASSWORD = "s3cr3t-of-presync"
FOREIGN_SQL = f"SELECT id, '{CANARY}', '{OUR_PASSWORD}' FROM t"


@pytest.fixture
def outputs(
    deployment: Deployment, run_presync: Callable[..., Completed]
) -> Callable[..., dict[str, str]]:
    """Return ``run(**env)``: what a run says everywhere that meets somebody in the way."""

    def run(**more: str) -> dict[str, str]:
        deployment.apply(TABLE)
        deployment.release(ALTER)
        # The gate only warns, so that the census of the migration is told as well.
        env = deployment.env(
            PRESYNC_BLOCKERS_POLICY="warn",
            PRESYNC_BLOCKER_WAIT="0s",
            PRESYNC_LOCK_LADDER="1100ms",
            PGPASSWORD=OUR_PASSWORD,
            **more,
        )
        with deployment.database.connect(autocommit=False) as other:
            other.execute(FOREIGN_SQL.encode())
            done = run_presync(["run"], env)
        assert done.exit_code == ExitCode.CONTENTION, done.stderr
        ((ledger,),) = deployment.database.query(
            "SELECT report::text FROM presync_run WHERE exit_code <> 0"
        )
        return {
            "stdout": done.stdout,
            "stderr": done.stderr,
            "ledger": str(ledger),
            "report": deployment.report.read_text(),
            "termination message": deployment.termination_log.read_text(),
        }

    return run


def test_sql_of_others_is_nowhere_unless_asked_for(
    outputs: Callable[..., dict[str, str]],
) -> None:
    """It may hold what is nobody's business."""
    told = outputs()
    assert all("idle in transaction" in text for text in told.values())
    assert [name for name, text in told.items() if CANARY in text or "FROM t" in text] == []


def test_sql_of_others_is_told_when_asked_for_without_our_secrets(
    outputs: Callable[..., dict[str, str]],
) -> None:
    """In the findings of the gate and in the census; a secret of ours stays one."""
    told = outputs(PRESYNC_SHOW_BLOCKER_QUERIES="true")
    expected = f"last ran: SELECT id, '{CANARY}', '***' FROM t"
    assert [name for name, text in told.items() if expected not in text] == []
    assert [name for name, text in told.items() if OUR_PASSWORD in text] == []
    assert told["report"].count(f"\"query\": \"SELECT id, '{CANARY}', '***' FROM t\"") == 2
