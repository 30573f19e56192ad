"""What the server says of itself, read once after connecting."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple


class ServerFacts(NamedTuple):
    """The server, database and session that a run works on.

    Attributes:
        version_num: ``server_version_num``, for example 150018.
        schema: ``current_schema()``, none when the search path names no schema.
        system_identifier: Of the cluster (``pg_control_system()``), none without the right.
        timeline: That a primary writes on, or of a standby's last checkpoint; none without
            the right. A standby that is promoted begins a new one.
        deadlock_timeout_ms: Lock waits shorter than this never evict autovacuum.
        backend_start: When the backend began, as the server counts seconds. With the pid it
            is one backend's alone; none when the server hides it from the role.
        server_time: The server's clock when it answered.
        clock_ahead: How far that was ahead of this machine's, negative when behind.
    """

    host: str
    port: int
    database: str
    user: str
    schema: str | None
    version: str
    version_num: int
    in_recovery: bool
    read_only: bool
    system_identifier: str | None
    timeline: int | None
    time_zone: str
    search_path: str
    deadlock_timeout_ms: int
    backend_pid: int
    backend_start: str | None
    server_time: datetime
    sees_all_sessions: bool
    clock_ahead: timedelta = timedelta(0)


class WriteState(NamedTuple):
    """Whether a session can write, apart from what it was told by SET itself.

    Attributes:
        takes_writes: The server lets its new transactions write.
        settled_ms: For how long the session was told of no other settings.
    """

    takes_writes: bool
    settled_ms: float
