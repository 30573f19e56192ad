"""Decides whether a managed service can restore to a moment just before now."""

from __future__ import annotations

from datetime import datetime, timedelta

from hook.core.backup import Evidence, RestoreWindow
from hook.core.freshness import DEFAULT_CLOCK_SKEW
from hook.core.origin import ServerIdentity, judge_origin
from hook.core.outcome import Finding, failed, passed, unknown
from hook.core.span import describe_span
from hook.errors import ExitCode


def judge_restore_window(
    evidence: Evidence, server: ServerIdentity, max_lag: timedelta, now: datetime
) -> Finding:
    """Judge how close to now the window of *evidence* ends.

    Such a service archives the WAL itself, and what the server says of its archiver is
    about nothing: on Aurora there is none. The end of the window is what counts, on the
    service's own clock where it tells it.
    """
    other = judge_origin(evidence.source, evidence.origin, server)
    if other is not None:
        return other
    window = evidence.window
    if window is None or window.latest is None or not window.retention_days:
        return _no_window(evidence.source, window)
    return _judge_end(evidence, window, window.latest, max_lag, evidence.clock or now)


def _no_window(source: str, window: RestoreWindow | None) -> Finding:
    if window is not None and not window.retention_days:
        reason = "takes no automated backups (retention 0), so it restores to no point in time"
        hint = "Set the backup retention period to at least one day."
    else:
        reason = "tells no latest restorable time"
        hint = "Wait until its first automated backup is finished."
    return failed(ExitCode.NO_WAY_BACK, "restore-window", f"{source} {reason}", hint)


def _judge_end(
    evidence: Evidence, window: RestoreWindow, latest: datetime, max_lag: timedelta, time: datetime
) -> Finding:
    lag = time - latest
    facts: dict[str, object] = {
        "source": evidence.source,
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
            f"{evidence.source} says it restores up to {_instant(latest)}, which is in the future",
            "Synchronise the clock of this node, then run again.",
            **facts,
        )
    message = (
        f"{evidence.source} restores up to {_instant(latest)}, {describe_span(lag)} ago"
        f" (limit {describe_span(max_lag)})"
    )
    if lag <= max_lag:
        return passed("restore-window", message, **facts)
    return failed(
        ExitCode.NO_WAY_BACK,
        "restore-window",
        message,
        "See the events of the database in RDS for what holds its backups up, then run again.",
        **facts,
    )


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
