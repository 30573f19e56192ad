"""What it means that a gate's time to read the storage was over before the reading was."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple

from hook.core.outcome import Finding, unknown
from hook.core.text import counted
from hook.errors import BackupUnknown, ExitCode

READING_TIMEOUT = timedelta(seconds=30)
_SILENT = "Check the endpoint, network policies and proxies between this pod and the storage."
_SLOW = (
    "Set PRESYNC_BACKUP_TIMEOUT longer, or keep less below that place, if there is so much to"
    " read; else see what is slow between this pod and the storage (network policies, proxies)."
)


class Progress(NamedTuple):
    """How far the reading of a storage has come.

    Attributes:
        answers: That came, none when the storage is silent or nobody counts.
        objects: That they listed.
        silence: Since the last answer.
    """

    answers: int = 0
    objects: int = 0
    silence: timedelta = timedelta()


def judge_overdue(silent: str, slow: str, timeout: timedelta, progress: Progress) -> Finding:
    """Return what it means that *timeout* was not enough.

    Args:
        silent: Who did not do what, when nothing came at all.
        slow: What was not done, when some answers came.
        timeout: That was given.
        progress: How far the reading had come by then.
    """
    within = f"within {timeout.total_seconds():g}s"
    if not progress.answers:
        return unknown(ExitCode.UNKNOWN_BACKUP, BackupUnknown.rule, f"{silent} {within}", _SILENT)
    listed = f", with {counted(progress.objects, 'object')} listed" if progress.objects else ""
    message = (
        f"{slow} {within}: {counted(progress.answers, 'answer')} came{listed}, the last one"
        f" {progress.silence.total_seconds():.1f}s before"
    )
    return unknown(
        ExitCode.UNKNOWN_BACKUP,
        BackupUnknown.rule,
        message,
        _SLOW,
        answers=progress.answers,
        objects=progress.objects,
    )
