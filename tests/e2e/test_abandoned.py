"""SIGTERM to a run that hangs where nothing wakes it: exit 40 all the same, in time."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from hook.errors import ExitCode
from tests.testbed.deployment import Deployment
from tests.testbed.process import Completed, RunningPresync
from tests.testbed.run_context import eventually

# The promise is twenty seconds (`tests/unit/cli/test_cli.py`); Kubernetes kills after thirty,
# and a busy machine takes its share of what is between.
PATIENTLY = 29.0
StartPresync = Callable[..., RunningPresync]


@pytest.fixture(autouse=True)
def _released(deployment: Deployment) -> None:
    """Begin with one migration applied."""
    deployment.apply({"V1__t.sql": "CREATE TABLE t (id int)"})


def abandoned(running: RunningPresync) -> Completed:
    """Stop *running*, which hangs, and return how it ended, in time all the same."""
    running.send_signal()
    completed = running.wait(PATIENTLY)
    assert completed.exit_code == ExitCode.INTERRUPTED
    verdict = completed.events[-1]["verdict"]
    assert verdict.startswith("FAILED 40 INTERRUPTED: SIGTERM received and a call that nothing")
    assert not verdict.endswith("untouched")
    return completed


def test_stop_while_a_mounted_file_hangs(
    deployment: Deployment, start_presync: StartPresync
) -> None:
    """Nothing wakes a read of a file system that does not answer."""
    pipe = deployment.folder / "pipe"
    os.mkfifo(pipe)
    running = start_presync(["run"], deployment.env(PRESYNC_PASSWORD_FILE=str(pipe)))
    written: list[int] = []
    eventually(lambda: _has_reader(pipe, written))
    completed = abandoned(running)
    os.close(written[0])
    message = deployment.termination_log.read_text()
    assert message.startswith(completed.events[-1]["verdict"])


def test_stop_while_nobody_takes_the_report(
    deployment: Deployment, start_presync: StartPresync
) -> None:
    """A pipe without a reader is a sink that blocks."""
    pipe = deployment.folder / "pipe"
    os.mkfifo(pipe)
    running = start_presync(["run"], deployment.env(PRESYNC_REPORT=str(pipe)))
    passed = running.wait_for_event("run.finished")
    message = deployment.termination_log
    eventually(lambda: message.read_text().startswith(passed["verdict"]))
    completed = abandoned(running)
    assert message.read_text().startswith(completed.events[-1]["verdict"])


def _has_reader(pipe: Path, opened: list[int]) -> bool:
    try:
        opened.append(os.open(pipe, os.O_WRONLY | os.O_NONBLOCK))
    except OSError:
        return False
    return True
