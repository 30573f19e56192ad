"""Fixtures of the command line's tests."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import closing

import pytest

from hook.cli import execute
from hook.clock import Interrupt
from tests.testbed.execution import Outcome, Run


@pytest.fixture(autouse=True)
def _own_logging() -> Iterator[None]:
    """Undo what a process does to logging once and for all."""
    handlers = logging.root.handlers[:]
    level = logging.root.level
    yield
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)
    logging.captureWarnings(capture=False)


@pytest.fixture(scope="session")
def never() -> Iterator[Interrupt]:
    """Return a stop request that does not come."""
    with closing(Interrupt()) as request:
        yield request


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], never: Interrupt) -> Run:
    """Return ``run(*arguments, env={})``."""

    def run(*arguments: str, env: Mapping[str, str] = {}) -> Outcome:
        return Outcome(execute(arguments, env, never), capsys)

    return run
