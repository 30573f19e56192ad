"""A run as it is remembered."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple


class FailedScript(NamedTuple):
    """The script that a run failed at, and what it would have to be to fail again.

    Attributes:
        rank: Of the row that it would have become.
        message: What the run said of it.
    """

    script: str
    checksum: int | None
    rank: int
    message: str


class PastMarker(NamedTuple):
    """Where in the server's log a run began; *name* is none without a restore point."""

    name: str | None
    lsn: str
    time: datetime
    timeline: int


class PastRun(NamedTuple):
    """A run that the ledger tells of; times on the clock of whoever ran.

    Attributes:
        finished_at: None when it was killed, or is still at work.
        age: Since the row was last written, on the server's clock.
        marker: None when the run left none.
        cut_off: Script in which it lost its connection, without finding out how far that came.
    """

    command: str
    run_id: str
    started_at: datetime
    finished_at: datetime | None
    verdict: str | None
    exit_code: int | None
    set_digest: str
    version_before: str | None
    version_after: str | None
    pod: str | None
    failed: FailedScript | None
    age: timedelta
    marker: PastMarker | None = None
    cut_off: str | None = None
