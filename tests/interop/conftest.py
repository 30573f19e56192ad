"""Real Flyway for the tests in this folder; its absence is a failure."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests.interop.flyway_jars import FlywayNotAvailable
from tests.interop.flyway_process import FlywayProcess, running_flyway
from tests.interop.presync_server import PresyncServer, running_presync_server


@pytest.fixture(scope="session")
def flyway() -> Iterator[Callable[[str], FlywayProcess]]:
    """Return ``flyway(version) -> FlywayProcess``, started at its first use."""
    with contextlib.ExitStack() as stack:
        running: dict[str, FlywayProcess] = {}

        def get(version: str) -> FlywayProcess:
            if version not in running:
                try:
                    running[version] = stack.enter_context(running_flyway(version))
                except FlywayNotAvailable as error:
                    pytest.fail(str(error), pytrace=False)
            return running[version]

        yield get


@pytest.fixture(scope="session")
def presync() -> Iterator[PresyncServer]:
    """Return the server of presync processes."""
    with running_presync_server() as server:
        yield server
