"""The servers of the matrix: one of each version for each worker, started when it is needed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.bench import Bench, running_bench
from tests.faults.cells import VERSIONS
from tests.interop.presync_server import running_presync_server
from tests.testbed.download import NotAvailable
from tests.upstream.npm_servers import server_programs


def pytest_configure() -> None:
    """Fetch the servers before the first test, and before there are workers."""
    try:
        server_programs(VERSIONS[0])
    except NotAvailable as error:
        raise pytest.UsageError(str(error)) from error


@pytest.fixture(scope="session")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[int], Bench]]:
    """Return ``bench(major) -> Bench``, started at its first use."""
    folder: Path = tmp_path_factory.mktemp("faults")
    with contextlib.ExitStack() as stack:
        presync = stack.enter_context(running_presync_server())
        running: dict[int, Bench] = {}

        def get(major: int) -> Bench:
            if major not in running:
                running[major] = stack.enter_context(
                    running_bench(major, presync, folder / str(major))
                )
            return running[major]

        yield get
