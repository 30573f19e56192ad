"""What is told of a storage, or of a service, that has not answered in time."""

from __future__ import annotations

from datetime import timedelta

from hook.core.outcome import Finding, unknown
from hook.errors import BackupUnknown, ExitCode


def judge_silence(what: str, limit: timedelta) -> Finding:
    """Return the finding for *what* did not happen within *limit*: nothing is known then."""
    return unknown(
        ExitCode.UNKNOWN_BACKUP,
        BackupUnknown.rule,
        f"{what} within {limit.total_seconds():g}s",
        "Check the endpoint, and network policies and proxies between it and this pod.",
    )
