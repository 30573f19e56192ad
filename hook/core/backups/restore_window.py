"""Decides whether a managed service can restore to a moment just before now."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from hook.core.backups.backup import Evidence, RestoreWindow
from hook.core.backups.origin import ServerIdentity, judge_origin
from hook.core.backups.usability import DEFAULT_CLOCK_SKEW
from hook.core.outcome import Finding, failed, passed, unknown
from hook.core.span import describe_span
from hook.errors import ExitCode


class WindowJudgement(NamedTuple):
    """What was made of the window that a service restores to.

    Attributes:
        window: None when it tells none, or nobody could ask.
        lag: From its end to now, none when it has none.
    """

    finding: Finding
    window: RestoreWindow | None = None
    lag: timedelta | None = None


def judge_restore_window(
    evidence: Evidence, server: ServerIdentity, max_lag: timedelta, now: datetime
) -> WindowJudgement:
    """Judge how close to now the window of *evidence* ends.

    Such a service archives the WAL itself, and what the server says of its archiver is
    about nothing: on Aurora there is none. The end of the window is what counts, on the
    service's own clock where it tells it.
    """
    other = judge_origin(evidence.source, evidence.origin, server)
    if other is not None:
        return WindowJudgement(other, evidence.window)
    window = evidence.window
    if window is None or window.latest is None or window.retention_days == 0:
        return WindowJudgement(_no_window(evidence.source, window), window)
    lag = (evidence.clock or now) - window.latest
    finding = _judge_end(evidence.source, window, window.latest, max_lag, lag)
    return WindowJudgement(finding, window, max(lag, timedelta(0)))


def _no_window(source: str, window: RestoreWindow | None) -> Finding:
    if window is not None and window.retention_days == 0:
        reason = "takes no automated backups (retention 0), so it restores to no point in time"
        hint = "Set the backup retention period to at least one day."
    else:
        reason = "tells no latest restorable time"
        hint = "Wait until its first automated backup is finished."
    return failed(ExitCode.NO_WAY_BACK, "restore-window", f"{source} {reason}", hint)


def _judge_end(
    source: str, window: RestoreWindow, latest: datetime, max_lag: timedelta, lag: timedelta
) -> Finding:
    facts: dict[str, object] = {
        "source": source,
        "latest_restorable": _instant(latest),
        "earliest_restorable": None if window.earliest is None else _instant(window.earliest),
        "retention_days": window.retention_days,
        "lag_ms": max(lag, timedelta(0)) // timedelta(milliseconds=1),
        "max_lag_ms": max_lag // timedelta(milliseconds=1),
    }
    if lag < -DEFAULT_CLOCK_SKEW:
        return unknown(
            ExitCode.UNKNOWN_BACKUP,
            "restore-window",
            f"{source} says it restores up to {_instant(latest)}, which is in the future",
            "Synchronise the clock of this node, then run again.",
            **facts,
        )
    message = (
        f"{source} restores up to {_instant(latest)}, {describe_span(lag)} ago"
        f" (limit {describe_span(max_lag)})"
    )
    if lag <= max_lag:
        return passed("restore-window", message, **facts)
    return failed(
        ExitCode.NO_WAY_BACK,
        "restore-window",
        message,
        "See what holds its backups up (for RDS, the events of the database), then run again.",
        **facts,
    )


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
