"""A session for the engine to work with."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hook.clock import Interrupt
from hook.core.sessions.server import ServerFacts
from hook.postgres.facts import fetch_server_facts
from hook.postgres.session import Session
from tests.testbed.database import Database
from tests.testbed.run_context import open_session, target_of


@pytest.fixture
def session(database: Database, interrupt: Interrupt) -> Iterator[Session]:
    """Return a session of the superuser."""
    with open_session(target_of(database), interrupt) as opened:
        yield opened


@pytest.fixture
def facts(session: Session) -> ServerFacts:
    """Return what the server says of the session."""
    return fetch_server_facts(session)
