"""The image when its pod is told to stop."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

from hook.errors import ExitCode
from tests.testbed.database import Database
from tests.testbed.pod import Pod, secret_of
from tests.testbed.process import RunningPresync
from tests.testbed.run_context import eventually

_STOP_SECONDS = 20
_RUNNING = """
SELECT count(*) FROM pg_stat_activity
 WHERE query LIKE '%pg_sleep(600)%' AND state = 'active' AND pid <> pg_backend_pid()
"""


def _wait_until_sleeping(database: Database, running: RunningPresync) -> None:
    eventually(lambda: running.process.poll() is not None or bool(database.query(_RUNNING)[0][0]))
    assert running.process.poll() is None, running.wait()


def test_stop_signal_rolls_back_in_time(
    image: str,
    database: Database,
    start_pod: Callable[[Pod], RunningPresync],
    termination_log: Path,
    tmp_path: Path,
) -> None:
    """In the middle of a migration the signal ends it, and nothing of it stays."""
    folder = tmp_path / "sql"
    folder.mkdir()
    (folder / "V1__slow.sql").write_text("CREATE TABLE half (); SELECT pg_sleep(600);")
    env = {"PRESYNC_BACKUP_SOURCE": "none", "PRESYNC_STATEMENT_TIMEOUT": "20m"}
    running = start_pod(Pod(image, secret_of(database), env, {"/migrations": folder}))
    _wait_until_sleeping(database, running)
    started = time.monotonic()
    running.send_signal(signal.SIGTERM)
    ended = running.wait()
    assert time.monotonic() - started < _STOP_SECONDS
    assert ended.exit_code == ExitCode.INTERRUPTED
    assert termination_log.read_text().startswith("FAILED 40 INTERRUPTED")
    assert database.query("SELECT to_regclass('half')") == [(None,)]
    assert database.query(_RUNNING) == [(0,)]
    assert database.query("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'") == [(0,)]
