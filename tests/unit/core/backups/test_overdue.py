"""What is said of a reading that took too long, with and without answers."""

from __future__ import annotations

from datetime import timedelta

from hook.core.backups.overdue import Progress, judge_overdue
from hook.core.outcome import Finding, Status, unknown
from hook.errors import ExitCode

TIMEOUT = timedelta(seconds=30)


def _judge(progress: Progress) -> Finding:
    return judge_overdue("it did not answer", "it was not read to its end", TIMEOUT, progress)


def test_silence_leads_to_the_network() -> None:
    """Nothing came, so nothing is said of what there is to read."""
    finding = _judge(Progress())
    assert (finding.status, finding.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)
    assert finding.message == "it did not answer within 30s"
    assert "network policies" in finding.hint
    assert "PRESYNC_BACKUP_TIMEOUT" not in finding.hint


def test_long_reading_leads_to_the_setting() -> None:
    """What answered all the time is not told to be unreachable."""
    finding = _judge(Progress(57, 56_000, timedelta(milliseconds=120)))
    assert finding == unknown(
        ExitCode.UNKNOWN_BACKUP,
        "backup-unknown",
        "it was not read to its end within 30s: 57 answers came, with 56000 objects listed,"
        " the last one 0.1s before",
        "Set PRESYNC_BACKUP_TIMEOUT longer, or keep less below that place, if there is so much to"
        " read; else see what is slow between this pod and the storage (network policies,"
        " proxies).",
        answers=57,
        objects=56_000,
    )


def test_storage_that_fell_silent_is_told_by_when() -> None:
    """One answer and nothing after it is another story than a long listing."""
    finding = _judge(Progress(1, 0, timedelta(seconds=29)))
    assert finding.message.endswith("within 30s: 1 answer came, the last one 29.0s before")
