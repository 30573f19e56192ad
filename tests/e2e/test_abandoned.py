"""A run that hangs where nothing wakes it ends all the same: at a stop request, at its deadline."""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hook.errors import ExitCode
from tests.testbed.deployment import Deployment
from tests.testbed.lease import leased
from tests.testbed.process import Completed, RunningPresync
from tests.testbed.run_context import eventually

# The promise is twenty seconds (`tests/unit/cli/test_cli.py`); Kubernetes kills after thirty,
# and a busy machine takes its share of what is between.
PATIENTLY = 29.0
HANGS = "that nothing can interrupt does not return; database untouched"
# Which variable names the file, if one does, and which stage opens it.
HANGING = (
    ("PRESYNC_CONFIG", "presync.toml", "settings"),
    ("PRESYNC_PASSWORD_FILE", "password", "settings"),
    ("PGSSLROOTCERT", "root.crt", "wait"),
    ("", "sql/V1__t.sql", "resolve"),
)
StartPresync = Callable[..., RunningPresync]


@pytest.fixture(autouse=True)
def _released(deployment: Deployment) -> None:
    """Begin with one migration applied."""
    deployment.apply({"V1__t.sql": "CREATE TABLE t (id int)"})


@contextlib.contextmanager
def hanging(
    deployment: Deployment, start_presync: StartPresync, **settings: str
) -> Iterator[list[RunningPresync]]:
    """Yield a run for each kind of file that does not open, see `HANGING`."""
    folder = deployment.folder
    with contextlib.ExitStack() as held:
        running = []
        for variable, name, stage in HANGING:
            (folder / name).touch()
            is_wanted = held.enter_context(leased(folder / name))
            words = {"PRESYNC_TERMINATION_LOG": f"{folder}/{variable or stage}"}
            more = {variable: str(folder / name)} if variable else {}
            env = deployment.env(**more, **words, **settings)
            running.append(start_presync(["run"], env))
            eventually(is_wanted)
        yield running


def assert_abandoned(completed: Completed, code: ExitCode, why: str) -> None:
    """Code, log and termination message say *why*, and where, and what of the database."""
    assert completed.exit_code == code, completed.stderr
    verdict = completed.events[-1]["verdict"]
    assert verdict.startswith(f"FAILED {int(code)} {code.name}: {why} and a call in stage ")
    assert verdict.endswith(HANGS)


def test_stop_while_a_file_does_not_open(
    deployment: Deployment, start_presync: StartPresync
) -> None:
    """Nothing wakes a call to a file system that does not answer."""
    with hanging(deployment, start_presync) as runs:
        for running in runs:
            running.send_signal()
        ended = [running.wait(PATIENTLY) for running in runs]
    for completed in ended:
        assert_abandoned(completed, ExitCode.INTERRUPTED, "SIGTERM received")


def test_deadline_while_a_file_does_not_open(
    deployment: Deployment, start_presync: StartPresync
) -> None:
    """It ends what hangs while the settings are read, too."""
    with hanging(deployment, start_presync, PRESYNC_DEADLINE="12s") as runs:
        ended = [running.wait(12 + PATIENTLY) for running in runs]
    why = "PRESYNC_DEADLINE (12s) is used up"
    stages = []
    for completed in ended:
        assert_abandoned(completed, ExitCode.BUDGET, why)
        stages.append(completed.events[-1]["verdict"].split(" in stage ")[1].split()[0])
    assert stages == [stage for _, _, stage in HANGING]
    message = (deployment.folder / "resolve").read_text()
    assert message.startswith(ended[-1].events[-1]["verdict"])
    assert "Find out which mount or file does not answer" in message


def test_stop_while_nobody_takes_the_report(
    deployment: Deployment, start_presync: StartPresync
) -> None:
    """Neither a pipe without a reader nor a storage that takes connections and says nothing.

    What the run did stays told. The storage is asked for thirty seconds by itself.
    """
    with socket.create_server(("127.0.0.1", 0)) as silent:
        logs = {"pipe": deployment.termination_log, "storage": deployment.folder / "of-storage"}
        running = {
            "pipe": without_reader(deployment, start_presync),
            "storage": without_answer(deployment, start_presync, silent, logs["storage"]),
        }
        for each in running.values():
            each.send_signal()
        ended = {name: each.wait(PATIENTLY) for name, each in running.items()}
    for name, completed in ended.items():
        assert completed.exit_code == ExitCode.REPORT, name
        verdict = completed.events[-1]["verdict"]
        assert verdict == (
            "FAILED 50 REPORT: SIGTERM received, and nobody takes the report; database at 1"
        )
        assert logs[name].read_text().startswith(verdict), name


def test_deadline_while_nobody_takes_the_report(
    deployment: Deployment, start_presync: StartPresync
) -> None:
    """The schema is where it was to be, and that stays told."""
    running = without_reader(deployment, start_presync, PRESYNC_DEADLINE="20s")
    completed = running.wait(20 + PATIENTLY)
    assert completed.exit_code == ExitCode.REPORT
    verdict = completed.events[-1]["verdict"]
    assert verdict == (
        "FAILED 50 REPORT: PRESYNC_DEADLINE (20s) is used up, and nobody takes the report;"
        " database at 1"
    )
    assert deployment.termination_log.read_text().startswith(verdict)


def without_reader(
    deployment: Deployment, start_presync: StartPresync, **settings: str
) -> RunningPresync:
    """Return a run that has passed, and tells a pipe so that nobody reads."""
    pipe = deployment.folder / "pipe"
    os.mkfifo(pipe)
    running = start_presync(["run"], deployment.env(PRESYNC_REPORT=str(pipe), **settings))
    message = deployment.termination_log
    eventually(lambda: message.exists() and message.read_text().startswith("PASSED 0 OK"))
    return running


def without_answer(
    deployment: Deployment, start_presync: StartPresync, silent: socket.socket, message: Path
) -> RunningPresync:
    """Return a run that has passed, says so in *message*, and waits for *silent* to answer."""
    storage = {
        "PRESYNC_REPORT": "s3://reports/last.json",
        "PRESYNC_S3_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}",
        "PRESYNC_TERMINATION_LOG": str(message),
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
    }
    running = start_presync(["run"], deployment.env(**storage))
    eventually(lambda: message.exists() and message.read_text().startswith("PASSED 0 OK"))
    return running
