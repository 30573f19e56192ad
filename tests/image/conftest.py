"""Fixtures for tests of the built image: `make image` builds it and runs them."""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.testbed.manifests import one
from tests.testbed.pod import Pod, remove
from tests.testbed.process import Completed, RunningPresync


@pytest.fixture(scope="session")
def image() -> str:
    """Return the name of the image under test."""
    return _told("PRESYNC_TEST_IMAGE")


@pytest.fixture(scope="session")
def revision() -> str:
    """Return the commit that the image under test was built of."""
    return _told("PRESYNC_TEST_REVISION")


def _told(variable: str) -> str:
    # Of the whole session: for a single test all such variables are hidden.
    value = os.environ.get(variable)
    if value is None:
        pytest.fail("there is no image to test; run make image", pytrace=False)
    return value


@pytest.fixture
def termination_log(tmp_path: Path) -> Path:
    """Return the file that the container sees as its termination log."""
    return tmp_path / "termination-log"


@pytest.fixture
def start_pod(termination_log: Path) -> Iterator[Callable[[Pod], RunningPresync]]:
    """Return ``start(pod) -> RunningPresync``; what still runs at the end is killed."""
    with contextlib.ExitStack() as stack:

        def start(pod: Pod) -> RunningPresync:
            name = f"presync-test-{uuid.uuid4().hex}"
            running = pod.start(one("argocd-presync", "Job"), name, termination_log)
            stack.callback(running.close)
            stack.callback(remove, name)
            return running

        yield start


@pytest.fixture
def run_pod(start_pod: Callable[[Pod], RunningPresync]) -> Callable[[Pod], Completed]:
    """Return ``run(pod) -> Completed``: a pod from start to end."""
    return lambda pod: start_pod(pod).wait()


@pytest.fixture
def run_python(image: str, run_pod: Callable[[Pod], Completed]) -> Callable[[str], str]:
    """Return ``run(code) -> stdout``: Python inside the image, as the pod would run it."""

    def run(code: str) -> str:
        ended = run_pod(Pod(image, entrypoint="python", arguments=["-c", code]))
        assert ended.exit_code == 0, ended.stderr
        return ended.stdout

    return run
