"""SIGTERM while a command of the user's own is asked for the backups."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tests.e2e.test_stop import stopped
from tests.testbed.deployment import Deployment
from tests.testbed.process import RunningPresync, has_ended
from tests.testbed.run_context import eventually


def test_stop_while_a_command_is_asked_for_the_backups(
    deployment: Deployment, start_presync: Callable[..., RunningPresync], tmp_path: Path
) -> None:
    """It goes with the process that asked, and so does what it started."""
    deployment.release({"V1__u.sql": "CREATE TABLE u ()"})
    told = tmp_path / "told"
    script = tmp_path / "backups"
    script.write_text(f"#!/bin/sh\nsleep 600 & echo $! >> {told}; wait\n")
    script.chmod(0o755)
    env = deployment.env(PRESYNC_BACKUP_SOURCE=f"command:{script}")
    running = start_presync(["run"], env)
    eventually(lambda: told.exists() and told.read_text().endswith("\n"))
    completed = stopped(running)
    assert completed.report["verdict"].endswith("; database untouched")
    children = [int(line) for line in told.read_text().split()]
    eventually(lambda: all(map(has_ended, children)))
