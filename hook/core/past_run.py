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


class PastRun(NamedTuple):
    """A run that the ledger tells of; times on the clock of whoever ran.

    Attributes:
        finished_at: None when it was killed, or is still at work.
        age: Since the row was last written, on the server's clock.
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
