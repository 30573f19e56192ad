"""What the tests on a real server share: a stop request and the context of a run."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hook.clock import Interrupt
from hook.stages import Context
from tests.fakes import FakeEvents
from tests.testbed.run_context import close_interrupt, make_context


@pytest.fixture
def interrupt() -> Iterator[Interrupt]:
    """Return the stop request of the test."""
    request = Interrupt()
    yield request
    close_interrupt(request)


@pytest.fixture
def calm() -> Iterator[Interrupt]:
    """Return a stop request that never comes, for the sessions of others."""
    request = Interrupt()
    yield request
    close_interrupt(request)


@pytest.fixture
def events() -> FakeEvents:
    """Return what the run tells."""
    return FakeEvents()


@pytest.fixture
def ctx(interrupt: Interrupt, events: FakeEvents) -> Context:
    """Return the context of a run that `interrupt` stops."""
    return make_context(interrupt, events)
