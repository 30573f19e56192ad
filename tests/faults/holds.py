"""What keeps a run in the middle of its work, until it is let go."""

from __future__ import annotations

import contextlib
import os
import select
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from hook.errors import ExitCode
from hook.postgres.queries import load_query
from tests.faults.archive import CLOSED
from tests.testbed.database import Database
from tests.testbed.deployment import OURS
from tests.testbed.lease import leased
from tests.testbed.network import Network
from tests.testbed.process import RunningPresync
from tests.testbed.run_context import eventually

_BY_LOCK = "wait_event_type = 'Lock'"
_PASSED = f"PASSED {int(ExitCode.OK)} {ExitCode.OK.name}"
# Begins the startup packet of whoever logs in, behind length and version.
_LOGIN = b"user\0"


@dataclass(frozen=True, slots=True)
class Ground:
    """Where a run takes place: *folder* has its scripts below ``sql``.

    Attributes:
        env: What a hold has to tell the run.
    """

    database: Database
    network: Network
    folder: Path
    env: dict[str, str] = field(default_factory=dict)

    @property
    def pending(self) -> Path:
        """Return the file that is to be migrated."""
        return self.folder / "sql" / "V2__x.sql"

    def wait_for_waiting(self, running: RunningPresync) -> None:
        """Return as soon as a backend of presync waits for a lock, or *running* has ended."""
        query = f"SELECT {OURS} '{self.database.name}' AND {_BY_LOCK}".encode()
        # A connection for each look would take the time of the run that is waited for.
        with self.database.connect() as eye:
            _until(lambda: bool(eye.execute(query).fetchall()))(running)


# What is yielded returns as soon as the run is there, or has ended by itself.
Arrive = Callable[[RunningPresync], None]
Hold = Callable[[Ground], AbstractContextManager[Arrive]]


def _until(condition: Callable[[], bool]) -> Arrive:
    return lambda running: eventually(lambda: condition() or running.process.poll() is not None)


@contextlib.contextmanager
def advisory(ground: Ground) -> Iterator[Arrive]:
    """Let the scripts wait where they call one of the functions of the first migration."""
    with ground.database.connect() as other:
        other.execute("SELECT pg_advisory_lock(1)")
        yield ground.wait_for_waiting


def holding(statement: str) -> Hold:
    """Return what makes a backend wait for what *statement* has locked."""

    @contextlib.contextmanager
    def hold(ground: Ground) -> Iterator[Arrive]:
        with contextlib.closing(ground.database.connect(autocommit=False)) as other:
            other.execute(statement.encode())
            yield ground.wait_for_waiting

    return hold


def telling(statement: str, stage: str) -> Hold:
    """Return what makes *stage* tell that it waits because of *statement*."""

    @contextlib.contextmanager
    def hold(ground: Ground) -> Iterator[Arrive]:
        with contextlib.closing(ground.database.connect(autocommit=False)) as other:
            other.execute(statement.encode())
            yield lambda run: _wait_for(run, stage)

    return hold


def _wait_for(running: RunningPresync, stage: str) -> None:
    _until(lambda: running.has_told("retry.scheduled", {"stage": stage}))(running)


@contextlib.contextmanager
def looking_back(ground: Ground) -> Iterator[Arrive]:
    """Queue behind the script for the history, in front of the look that follows it."""
    with (
        contextlib.closing(ground.database.connect()) as first,
        contextlib.closing(ground.database.connect(autocommit=False)) as second,
    ):
        first.execute("SELECT pg_advisory_lock(1)")
        second.execute("SELECT")

        def arrive(running: RunningPresync) -> None:
            ground.wait_for_waiting(running)
            second.pgconn.send_query(b"LOCK TABLE flyway_schema_history")
            queued = f"SELECT FROM pg_stat_activity WHERE pid = {second.info.backend_pid}"
            eventually(lambda: bool(ground.database.query(f"{queued} AND {_BY_LOCK}")))
            first.close()
            eventually(lambda: not ground.database.query(f"{queued} AND {_BY_LOCK}"))
            ground.wait_for_waiting(running)

        yield arrive


@contextlib.contextmanager
def first_login(ground: Ground) -> Iterator[Arrive]:
    """Let the server take connections and answer none."""
    with ground.network.stalling(_LOGIN) as is_stalled:
        yield _until(is_stalled)


def parsing(text: str) -> Hold:
    """Return what keeps a request with *text* on its way."""

    @contextlib.contextmanager
    def hold(ground: Ground) -> Iterator[Arrive]:
        with ground.network.stalling(text.strip().rstrip(";").encode()) as is_stalled:
            yield _until(is_stalled)

    return hold


def asking(query: str) -> Hold:
    """Return what keeps *query*, a file of presync's own, on its way."""
    return parsing(load_query(query).partition("\n")[0])


@contextlib.contextmanager
def pending_file(ground: Ground) -> Iterator[Arrive]:
    """Keep the pending file from being opened, as a file system may that hangs."""
    with leased(ground.pending) as is_wanted:
        yield _until(is_wanted)


@contextlib.contextmanager
def callback_file(ground: Ground) -> Iterator[Arrive]:
    """Keep the callback in front of the migrations from being opened."""
    with leased(ground.folder / "sql" / "beforeMigrate.sql") as is_wanted:
        yield _until(is_wanted)


@contextlib.contextmanager
def file_in_front_of_history(ground: Ground) -> Iterator[Arrive]:
    """Keep the pending file from being opened once more, after the history was read."""
    with contextlib.ExitStack() as stack, contextlib.ExitStack() as reading:
        lock = holding("LOCK TABLE flyway_schema_history")
        reads = reading.enter_context(lock(ground))

        def arrive(running: RunningPresync) -> None:
            reads(running)
            is_wanted = stack.enter_context(leased(ground.pending))
            reading.close()
            _until(is_wanted)(running)

        yield arrive


@contextlib.contextmanager
def archive_information(ground: Ground) -> Iterator[Arrive]:
    """Keep what the archive tells of itself from being opened."""
    with leased(ground.folder / "repo/archive/app/archive.info") as is_wanted:
        yield _until(is_wanted)


@contextlib.contextmanager
def closed_archive(ground: Ground) -> Iterator[Arrive]:
    """Archive nothing, so that the WAL of the marker is waited for."""
    closed = ground.folder / "repo" / CLOSED
    closed.touch()
    maker = f"SELECT {OURS} '{ground.database.name}' AND query LIKE '%pg_switch_wal()'"

    def arrive(running: RunningPresync) -> None:
        _wait_for(running, "marker")
        # The session that has made the marker is closed by now, and its backend may not have
        # heard of that: it was at work last, and what strikes it strikes nobody.
        eventually(lambda: not ground.database.query(maker))

    try:
        yield arrive
    finally:
        closed.unlink()


@contextlib.contextmanager
def slow_command(ground: Ground) -> Iterator[Arrive]:
    """Let the command that lists the backups wait at a pipe."""
    gate, reached = ground.folder / "gate", ground.folder / "reached"
    os.mkfifo(gate)
    end = os.open(gate, os.O_RDWR)  # one that reads waits for us, and not for a writer
    try:
        yield _until(reached.exists)
    finally:
        gate.unlink()
        os.close(end)


@contextlib.contextmanager
def unread_report(ground: Ground) -> Iterator[Arrive]:
    """Let the report go to a pipe that is full, until somebody reads it."""
    pipe, message = ground.folder / "report.json", ground.folder / "termination-log"
    there: list[RunningPresync] = []
    os.mkfifo(pipe)

    def arrive(running: RunningPresync) -> None:
        there.append(running)
        # The log has no end before the report is out. A report that goes elsewhere waits for
        # nobody, and its run may have ended with another message before anybody looks.
        _until(lambda: message.exists() and message.read_text().startswith(_PASSED))(running)

    # Both ends are ours to the end of the run: it may be on its way to the pipe when it is struck,
    # and would wait for ever for a reader that has come and gone.
    with os.fdopen(os.open(pipe, os.O_RDWR | os.O_NONBLOCK), "r+b", buffering=0) as both:
        while both.write(bytes(select.PIPE_BUF)):
            pass
        try:
            yield arrive
        finally:
            eventually(
                lambda: not both.read() and all(run.process.poll() is not None for run in there)
            )
            pipe.unlink()


@contextlib.contextmanager
def silent_storage(ground: Ground) -> Iterator[Arrive]:
    """Let the report go to a storage that takes connections, and says nothing on them."""
    message = ground.folder / "termination-log"
    with socket.create_server(("127.0.0.1", 0)) as silent:
        ground.env.update(
            {
                "PRESYNC_REPORT": "s3://reports/last.json",
                "PRESYNC_S3_ENDPOINT": f"http://127.0.0.1:{silent.getsockname()[1]}",
                "AWS_ACCESS_KEY_ID": "AKIATEST",
                "AWS_SECRET_ACCESS_KEY": "canary",
                "AWS_CONFIG_FILE": "/dev/null",
                "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
                "NO_PROXY": "127.0.0.1",
            }
        )
        # From then on the run has said what it did, and is at its report until it is struck.
        yield _until(lambda: message.exists() and message.read_text().startswith(_PASSED))
