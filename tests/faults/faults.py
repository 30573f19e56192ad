"""What may happen to a run, and how it is made to happen."""

from __future__ import annotations

import contextlib
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from tests.faults.archive import await_archived, await_standby
from tests.faults.kinds import GROWS, SETTINGS, Kind, Setting
from tests.testbed.database import Database
from tests.testbed.deployment import OURS
from tests.testbed.network import Network
from tests.testbed.postgres_server import running_standby
from tests.testbed.process import RunningPresync
from tests.testbed.run_context import eventually


class Fault(Enum):
    """What goes wrong, as the page tells it."""

    SIGTERM = "SIGTERM"
    SIGKILL = "SIGKILL"
    NEXT_AT_ONCE = "SIGKILL, next run at once"
    KILLED_AND_OVER = "SIGKILL and failover"
    TERMINATED = "backend terminated"
    RESET = "connection reset"
    BLACK_HOLE = "black hole"
    REPLY_LOST = "COMMIT reply lost"
    RESTART = "server restart, fast"
    CRASH = "server restart, immediate"
    FAILOVER = "failover to a promoted standby"
    NEVER_RELEASED = "lock never released"
    DISK_FULL = "disk full"
    STATEMENT_TIMEOUT = "statement timeout"
    DEADLOCK = "deadlock"


@dataclass(slots=True)
class Scene:
    """A run that is in the middle of *kind*.

    Attributes:
        database: Where it is now: elsewhere after a failover.
        hold: Keeps the run where it is until it is closed.
        launch: Begins one more run like it.
        victim: The backend that is held, 0 where there is none yet.
        after: Undoes what the fault has done to servers.
    """

    kind: Kind
    database: Database
    network: Network
    running: RunningPresync
    hold: ExitStack
    launch: Callable[[], RunningPresync]
    victim: int
    after: ExitStack = field(default_factory=ExitStack)

    @property
    def setting(self) -> Setting:
        """Return how the run was brought here."""
        return SETTINGS[self.kind]


def _sigterm(scene: Scene) -> None:
    scene.running.send_signal()
    if scene.kind in _DEAF:
        scene.hold.close()
    scene.running.wait()


def _sigkill(scene: Scene) -> None:
    scene.running.send_signal(signal.SIGKILL)
    scene.running.wait()


def _next_at_once(scene: Scene) -> None:
    """Begin the next run while the server works on for the one that was killed."""
    _sigkill(scene)
    scene.running = scene.launch()
    scene.running.wait_for_event("retry.scheduled", matching={"stage": "lock"})


def _terminated(scene: Scene) -> None:
    scene.database.query(f"SELECT pg_terminate_backend({scene.victim})")
    _await_end_of_victim(scene)


def _reset(scene: Scene) -> None:
    if scene.victim:
        scene.network.reset(scene.victim)
    else:
        scene.network.end_all()
    _await_end_of_victim(scene)


def _black_hole(scene: Scene) -> None:
    """Nobody hears of anybody; the server keeps its half of the connections for hours."""
    is_at_work = scene.database.query(
        f"SELECT FROM pg_stat_activity WHERE pid = {scene.victim} AND state = 'active'"
    )
    scene.network.swallow()
    if is_at_work:
        _await_end_of_victim(scene)


def _reply_lost(scene: Scene) -> None:
    tag = "COMMIT" if scene.setting.is_committed else None
    is_lost = scene.network.lose_reply(scene.victim, tag)
    scene.hold.close()
    eventually(is_lost)


def _restart(mode: str) -> Callable[[Scene], None]:
    def strike(scene: Scene) -> None:
        server = scene.database.server
        server.stop(mode)
        server.start()

    return strike


def _failover(scene: Scene) -> None:
    old = scene.database.server
    scene.after.callback(old.start)
    standby = scene.after.enter_context(running_standby(old))
    await_standby(old, standby)
    old.stop("immediate")
    standby.promote()
    await_archived(standby)
    scene.network.upstream = (standby.host, standby.port)
    scene.database = Database(standby, scene.database.name)


def _killed_and_over(scene: Scene) -> None:
    """Let the next run find the row of one that was killed on a server that was no primary."""
    _sigkill(scene)
    _failover(scene)


def _never_released(scene: Scene) -> None:
    scene.running.wait()


def _full_disk(scene: Scene) -> None:
    """Let what is built lie on a device that is full; all else was held for it to be by now."""
    built = "SELECT pg_relation_filepath(indexrelid) FROM pg_index WHERE NOT indisvalid"
    for (path,) in scene.database.query(built):
        _fill(scene.database.server.data / str(path))
    scene.hold.close()


# What another session has locked and then waits for, with what locks a table itself.
_OF_BUILD = ("INSERT INTO t VALUES (3)", "LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE")
_DEADLOCKS: Mapping[Kind, tuple[str, str]] = {
    Kind.CONCURRENTLY: _OF_BUILD,
    Kind.DROP: _OF_BUILD,
    Kind.REBUILD: _OF_BUILD,
    Kind.TOAST: (
        "INSERT INTO wordy VALUES ('')",
        "LOCK TABLE wordy IN SHARE UPDATE EXCLUSIVE MODE",
    ),
    Kind.REINDEX: (
        "INSERT INTO whole VALUES (1)",
        "LOCK TABLE part IN SHARE UPDATE EXCLUSIVE MODE",
    ),
}


def _deadlock(scene: Scene) -> None:
    """Let somebody wait for what we have locked, and us for that one then.

    Its own deadlock_timeout is so long that we are the one who is chosen.
    """
    grip, wish = _DEADLOCKS.get(scene.kind, ("SELECT pg_advisory_xact_lock(2)", "LOCK TABLE t"))
    with contextlib.closing(scene.database.connect(autocommit=False)) as other:
        other.execute("SET deadlock_timeout = '1h'")
        other.execute(grip.encode())
        other.pgconn.send_query(wish.encode())
        waiting = f"SELECT FROM pg_stat_activity WHERE pid = {other.info.backend_pid}"
        waiting += " AND wait_event_type = 'Lock'"
        eventually(lambda: bool(scene.database.query(waiting)))
        scene.hold.close()
        eventually(lambda: not scene.database.query(waiting))


def _await_end_of_victim(scene: Scene) -> None:
    """Wait until the struck backend, or the whole run, has ended, or goes on without it."""
    query = f"SELECT {OURS} '{scene.database.name}' AND pid = {scene.victim}".encode()
    with scene.database.connect() as eye:
        eventually(
            lambda: (
                scene.running.process.poll() is not None
                or not eye.execute(query).fetchall()
                or _is_replaced(scene)
            )
        )


def _is_replaced(scene: Scene) -> bool:
    """Tell whether the run has left the struck backend, which only reads, to itself."""
    return scene.kind in {Kind.HISTORY, Kind.VERIFY} and scene.running.has_told("connection.lost")


STRIKES: Mapping[Fault, Callable[[Scene], None]] = {
    Fault.SIGTERM: _sigterm,
    Fault.SIGKILL: _sigkill,
    Fault.NEXT_AT_ONCE: _next_at_once,
    Fault.KILLED_AND_OVER: _killed_and_over,
    Fault.TERMINATED: _terminated,
    Fault.RESET: _reset,
    Fault.BLACK_HOLE: _black_hole,
    Fault.REPLY_LOST: _reply_lost,
    Fault.RESTART: _restart("fast"),
    Fault.CRASH: _restart("immediate"),
    Fault.FAILOVER: _failover,
    Fault.NEVER_RELEASED: _never_released,
    Fault.DISK_FULL: _full_disk,
    Fault.STATEMENT_TIMEOUT: _never_released,
    Fault.DEADLOCK: _deadlock,
}

# These give up by themselves, maybe between two looks of ours.
UNAIDED = frozenset({Fault.NEVER_RELEASED, Fault.DISK_FULL, Fault.STATEMENT_TIMEOUT})
# What hangs is not left before it answers, or is gone.
_DEAF = frozenset({Kind.RESOLVE, Kind.SCRIPTS, Kind.CALLBACKS, Kind.REPORT, Kind.UPLOAD})

# What the run is told for the fault to strike soon.
_ENVIRONMENT: Mapping[Fault, Mapping[str, str]] = {
    Fault.NEVER_RELEASED: {
        "PRESYNC_LOCK_LADDER": "100ms,200ms",
        "PRESYNC_LOCK_WAIT": "1s",
        "PRESYNC_BLOCKER_WAIT": "1s",
        "PRESYNC_MARKER_WAIT": "1s",
        "PRESYNC_BACKUP_TRIGGER_TIMEOUT": "6s",
    },
    Fault.STATEMENT_TIMEOUT: {"PRESYNC_STATEMENT_TIMEOUT": "1s"},
}

# What only the deadline ends. It must outlast what lies in front, on a busy machine too.
_DEADLINES = {
    Kind.HISTORY: "15s",
    Kind.MEMORY: "15s",
    Kind.CONCURRENTLY: "15s",
    Kind.DROP: "15s",
    Kind.DETACH: "15s",
    Kind.REINDEX: "15s",
    Kind.REBUILD: "15s",
    Kind.TOAST: "15s",
    Kind.VERIFY: "20s",
}

# What a limit of its own ends, which the reading of others must not come up to.
_READING = frozenset({Kind.BACKUP, Kind.ARCHIVE})


def environment(kind: Kind, fault: Fault) -> Mapping[str, str]:
    """Return what a run in the middle of *kind* is told for *fault* to strike soon."""
    soon = _ENVIRONMENT.get(fault, {})
    if fault is Fault.STATEMENT_TIMEOUT and kind is Kind.AFTER:
        soon = {"PRESYNC_STATEMENT_TIMEOUT": "5s"}  # which the migration must not come up to
    if fault is Fault.DISK_FULL and kind is Kind.REPORT:
        return {"PRESYNC_REPORT": "/dev/full"}
    if fault is Fault.NEVER_RELEASED and kind is Kind.WAIT:
        return {**soon, "PRESYNC_WAIT_TIMEOUT": "1s"}
    if fault is Fault.NEVER_RELEASED and kind in _READING:
        return {**soon, "PRESYNC_BACKUP_TIMEOUT": "2s"}
    if fault is Fault.NEVER_RELEASED and kind in _DEADLINES:
        # No rung of a ladder may end what the run waits for on its way there.
        return {"PRESYNC_DEADLINE": _DEADLINES[kind]}
    return soon


@contextlib.contextmanager
def full_disk(database: Database) -> Iterator[None]:
    """Let the table that grows lie on a device that is always full; put it back at the end."""
    ((path,),) = database.query(f"SELECT pg_relation_filepath('{GROWS}')")
    file = database.server.data / str(path)
    _fill(file)
    try:
        yield
    finally:
        file.unlink()
        file.touch(0o600)
        database.server.cluster.own(file)


def around(fault: Fault, database: Database) -> AbstractContextManager[None]:
    """Return what is in force from before the run to its end."""
    return full_disk(database) if fault is Fault.DISK_FULL else contextlib.nullcontext()


def _fill(file: Path) -> None:
    file.unlink()
    file.symlink_to("/dev/full")
