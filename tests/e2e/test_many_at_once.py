"""Many hooks at once on one database: who migrates, and what becomes of the others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator

import pytest

from hook.errors import ExitCode
from tests.testbed.database import Database
from tests.testbed.deployment import Deployment
from tests.testbed.process import Completed, RunningPresync
from tests.testbed.run_context import eventually

# A sequence is not rolled back: it counts how often a script began.
COUNTED = "SELECT nextval('begun');\n"
# It looks at a sequence, so that nobody's lock is waited for.
HELD = """
DO $$BEGIN
    WHILE NOT (SELECT is_called FROM go_on) LOOP
        PERFORM pg_sleep(0.05);
    END LOOP;
END$$;
"""
RELEASE = {
    "V2__held.sql": COUNTED + HELD + "CREATE TABLE two ()",
    "V3__more.sql": COUNTED + "CREATE TABLE three ()",
    "R__view.sql": COUNTED + "CREATE VIEW v AS SELECT 1 AS one",
}
BROKEN = {"V2__broken.sql": COUNTED + HELD + "SELECT 1 / 0"}
WAITING = {"stage": "lock"}
PATIENT = "300s"


@pytest.fixture
def hooks(
    deployment: Deployment, start_presync: Callable[..., RunningPresync]
) -> Iterator[Callable[..., list[RunningPresync]]]:
    """Return ``start(count, lock_wait)``; when one migrates, all others wait for its lock."""
    database = deployment.database
    deployment.apply({"V1__t.sql": "CREATE SEQUENCE begun; CREATE SEQUENCE go_on"})

    def start(count: int, lock_wait: str = PATIENT) -> list[RunningPresync]:
        env = deployment.env(PRESYNC_LOCK_WAIT=lock_wait, PRESYNC_DEADLINE="10m")
        del env["PRESYNC_REPORT"], env["PRESYNC_TERMINATION_LOG"]
        return [start_presync(["run"], env) for _ in range(count)]

    yield start
    # A backend outlives its client by a moment.
    eventually(lambda: not deployment.has_sessions())
    assert not database.query("SELECT 1 FROM pg_locks WHERE relation >= 16384")


def _migrating(hooks: list[RunningPresync]) -> RunningPresync:
    """Return the one that migrates, once all others are known to wait for it."""
    migrating: list[RunningPresync] = []

    def is_settled() -> bool:
        migrating[:] = [item for item in hooks if item.has_told("migration.started")]
        waiting = [item for item in hooks if item.has_told("retry.scheduled", WAITING)]
        return len(migrating) + len(waiting) == len(hooks)

    eventually(is_settled, 240)
    (only,) = migrating
    return only


def _go_on(database: Database) -> None:
    database.query("SELECT nextval('go_on')")


def _begun(database: Database) -> int:
    ((count,),) = database.query("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM begun")
    return int(count)


def _ended(hooks: list[RunningPresync]) -> list[Completed]:
    return [item.wait(240) for item in hooks]


@pytest.mark.parametrize("count", [2, 5, 20])
def test_one_migrates_and_the_others_find_nothing_left(
    deployment: Deployment, hooks: Callable[..., list[RunningPresync]], count: int
) -> None:
    """Those who waited for the lock look again, and each script has run once."""
    deployment.release(RELEASE)
    started = hooks(count)
    migrating = _migrating(started)
    _go_on(deployment.database)
    ended = _ended(started)
    assert [item.exit_code for item in ended] == [ExitCode.OK] * count
    applied = [len(item.report["migrations"]) for item in ended]
    assert sorted(applied) == [0] * (count - 1) + [3]
    assert applied[started.index(migrating)] == 3
    assert _begun(deployment.database) == 3
    assert [row[2:] for row in deployment.history()] == [
        ("V1__t.sql", True),
        ("V2__held.sql", True),
        ("V3__more.sql", True),
        ("R__view.sql", True),
    ]
    # One is of the release before.
    assert deployment.database.query("SELECT exit_code FROM presync_run") == [(0,)] * 2


@pytest.mark.parametrize("count", [2, 5])
def test_those_without_patience_end_locked(
    deployment: Deployment, hooks: Callable[..., list[RunningPresync]], count: int
) -> None:
    """One migrates for longer than the others want to wait: they harm nothing and say why."""
    deployment.release(RELEASE)
    started = hooks(count, "1s")
    eventually(lambda: sum(item.process.poll() is not None for item in started) == count - 1, 240)
    # The others may have lost patience while it was on its way from the lock to the script.
    eventually(lambda: _begun(deployment.database) == 1, 240)
    _go_on(deployment.database)
    ended = _ended(started)
    codes = Counter(item.exit_code for item in ended)
    assert codes == {ExitCode.OK: 1, ExitCode.LOCKED: count - 1}
    for item in ended:
        if item.exit_code == ExitCode.LOCKED:
            assert "migration lock is held by pid" in item.stderr
            assert item.report["verdict"].endswith("; database untouched")
    assert _begun(deployment.database) == 3


@pytest.mark.parametrize("count", [2, 5, 20])
def test_broken_script_is_run_by_one_of_many(
    deployment: Deployment, hooks: Callable[..., list[RunningPresync]], count: int
) -> None:
    """The next who gets the lock finds the failure in the ledger, and so do all after it."""
    deployment.release(BROKEN)
    started = hooks(count)
    migrating = _migrating(started)
    _go_on(deployment.database)
    ended = _ended(started)
    codes = Counter(item.exit_code for item in ended)
    assert codes == {ExitCode.SQL_FAILED: 1, ExitCode.FAILED_BEFORE: count - 1}
    assert ended[started.index(migrating)].exit_code == ExitCode.SQL_FAILED
    assert _begun(deployment.database) == 1
    assert len(deployment.history()) == 1


def test_retries_of_argo_cd_run_a_broken_script_once(
    deployment: Deployment, hooks: Callable[..., list[RunningPresync]]
) -> None:
    """A failed sync is tried again five times: the first run fails, the others quote it."""
    deployment.release(BROKEN)
    _go_on(deployment.database)
    ended = [_ended(hooks(1))[0] for _ in range(6)]
    codes = [item.exit_code for item in ended]
    assert codes == [ExitCode.SQL_FAILED] + [ExitCode.FAILED_BEFORE] * 5
    assert _begun(deployment.database) == 1
    for item in ended[1:]:
        assert "division by zero" in item.report["verdict"]
