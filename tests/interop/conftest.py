"""Real Flyway for the tests in this folder; its absence ends the session at once."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator

import pytest

from tests.interop.flyway_jars import VERSIONS, class_path
from tests.interop.flyway_process import FlywayProcess, running_flyway
from tests.interop.presync_server import PresyncServer, running_presync_server
from tests.testbed.download import NotAvailable


def pytest_configure() -> None:
    """Fetch every version before the first test, and before there are workers."""
    try:
        for version in VERSIONS:
            class_path(version)
    except NotAvailable as error:
        raise pytest.UsageError(str(error)) from error


@pytest.fixture(scope="session")
def flyway() -> Iterator[Callable[[str], FlywayProcess]]:
    """Return ``flyway(version) -> FlywayProcess``, started at its first use."""
    with contextlib.ExitStack() as stack:
        running: dict[str, FlywayProcess] = {}

        def get(version: str) -> FlywayProcess:
            if version not in running:
                running[version] = stack.enter_context(running_flyway(version))
            return running[version]

        yield get


@pytest.fixture(scope="session")
def presync() -> Iterator[PresyncServer]:
    """Return the server of presync processes."""
    with running_presync_server() as server:
        yield server
