"""A run without the process around it: target, context, and waiting for a condition."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from psycopg.conninfo import conninfo_to_dict

from hook.clock import Bounds, Deadline, Interrupt, SystemClock
from hook.postgres.connecting import connect
from hook.postgres.session import Session
from hook.settings.target import ConnectionTarget
from hook.stages import Context
from tests.fakes import FakeEvents
from tests.testbed.database import Database, Role

RUN_ID = "r1"
_SECONDS = 60.0
_PAUSE = 0.005


def target_of(database: Database, role: Role | None = None, **more: str) -> ConnectionTarget:
    """Return *database* as *role* (the superuser if none); *more* are libpq parameters."""
    parameters = {key: str(value) for key, value in conninfo_to_dict(database.conninfo).items()}
    if role is not None:
        parameters["user"] = role.name
    password = role.password if role is not None and role.password else None
    return ConnectionTarget({**parameters, **more}, password)


def open_session(target: ConnectionTarget, interrupt: Interrupt, run_id: str = RUN_ID) -> Session:
    """Return a session with *target* that *interrupt* stops."""
    return connect(target, "test", run_id, Bounds(interrupt), timedelta(seconds=10))


def make_context(interrupt: Interrupt, events: FakeEvents) -> Context:
    """Return the context of a run on the real clock."""
    clock = SystemClock(interrupt)
    deadline = Deadline.after(clock, timedelta(seconds=60), "PRESYNC_DEADLINE")
    return Context(clock, deadline, interrupt, events, RUN_ID)


def eventually(condition: Callable[[], bool], seconds: float = _SECONDS) -> None:
    """Return as soon as *condition* holds.

    Raises:
        AssertionError: It did not within *seconds*.
    """
    ends = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < ends, "the condition never came true"
        time.sleep(_PAUSE)


@contextmanager
def meanwhile(work: Callable[[], object]) -> Iterator[None]:
    """Do *work* in another thread while the block runs; fail if it fails."""
    errors: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as error:  # noqa: BLE001 - carried to the test's thread
            errors.append(error)

    thread = threading.Thread(target=guarded, daemon=True)
    thread.start()
    yield
    thread.join(_SECONDS)
    assert not thread.is_alive()
    if errors:
        raise errors[0]


def is_running(database: Database, fragment: str) -> bool:
    """Tell whether another session of *database* is held up in a statement with *fragment*.

    One that is active may only be parsing it, long before it is run.
    """
    query = (
        "SELECT 1 FROM pg_stat_activity WHERE wait_event_type IN ('Lock', 'Timeout')"
        f" AND datname = current_database() AND query LIKE '%{fragment}%'"
    )
    return bool(database.query(query))


@contextmanager
def stopped_while_it_sleeps(database: Database, interrupt: Interrupt) -> Iterator[None]:
    """Request a stop once what the block runs is asleep on the server."""

    def stop() -> None:
        eventually(lambda: is_running(database, "pg_sleep"))
        interrupt.set("SIGTERM")

    with meanwhile(stop):
        yield
