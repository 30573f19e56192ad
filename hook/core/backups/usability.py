"""Decides what stands against a single backup: whether a restore of it can be relied on."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from hook.core.backups.backup import Backup, BackupType, Evidence, Presence, newest_first
from hook.core.backups.origin import ServerIdentity
from hook.core.span import describe_span

DEFAULT_CLOCK_SKEW = timedelta(minutes=5)
# A backup that began longer ago and has not ended was killed: nothing ever says so.
RUNNING_LIMIT = timedelta(hours=24)
NOT_LOOKED_AT = "was not looked at"
_DAMAGE_UNTOLD = "does not tell whether pages were damaged"
_OPEN = frozenset({NOT_LOOKED_AT, _DAMAGE_UNTOLD})


class FreshnessPolicy(NamedTuple):
    """What counts as a way back.

    Attributes:
        max_age: How old the newest usable backup may be.
        server: The database to be migrated.
        clock_skew: How far two honest clocks may lie apart.
    """

    max_age: timedelta
    server: ServerIdentity
    clock_skew: timedelta = DEFAULT_CLOCK_SKEW


class JudgedBackup(NamedTuple):
    """A backup and what stands against it; it is usable when nothing does.

    Attributes:
        is_misdated: Whether the time that it tells contradicts another clock.
        is_foreign: Whether it tells itself that it is of another cluster or database.
    """

    backup: Backup
    reasons: tuple[str, ...]
    is_misdated: bool = False
    is_foreign: bool = False

    @property
    def is_open(self) -> bool:
        """Tell whether nothing stands against it but that something is not known."""
        return _OPEN.issuperset(self.reasons)


def judge_each(
    evidence: Evidence, policy: FreshnessPolicy, time: datetime
) -> tuple[JudgedBackup, ...]:
    """Return each backup in *evidence* with what stands against it, the newest first."""
    listed = {backup.label: backup for backup in evidence.backups}
    return tuple(
        JudgedBackup(
            backup,
            _reasons_against(backup, listed, evidence, policy, time),
            bool(_misdated(backup, policy.clock_skew, time)),
            bool(_foreign(backup, policy.server)),
        )
        for backup in newest_first(evidence.backups)
    )


def is_past(backup: Backup, clock: datetime | None) -> bool:
    """Tell whether *backup* has ended by *clock*, and nothing contradicts when.

    Without a clock to compare with there is no telling.
    """
    if backup.stopped_at is None or clock is None:
        return False
    return backup.stopped_at <= clock and backup.after_writing <= DEFAULT_CLOCK_SKEW


def verb_of(backup: Backup) -> str:
    """Return what the moment is that the age of *backup* counts from."""
    return "started" if backup.type is BackupType.DUMP else "stopped"


def format_instant(moment: datetime) -> str:
    """Return *moment*, in UTC, to the second."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _reasons_against(
    backup: Backup,
    listed: Mapping[str, Backup],
    evidence: Evidence,
    policy: FreshnessPolicy,
    time: datetime,
) -> tuple[str, ...]:
    reasons = list(backup.problems)
    if backup.error is None:
        reasons.append(_DAMAGE_UNTOLD)
    elif backup.error:
        base = backup.damaged_base
        reasons.append(f"{f'rests on {base}, which ' if base else ''}contains damaged pages")
    moment = backup.counts_from
    if moment is None:
        # What went wrong says more than that no end is known.
        reasons.extend([] if backup.problems else [_unfinished(backup, time)])
    else:
        reasons.extend(_misdated(backup, policy.clock_skew, time))
    reasons.extend(_foreign(backup, policy.server))
    reasons.extend(_broken_links(backup, listed, evidence.completion_mark))
    if not reasons and _unseen(backup, listed):
        reasons.append(NOT_LOOKED_AT)
    return tuple(reasons)


def _misdated(backup: Backup, skew: timedelta, time: datetime) -> list[str]:
    """Return which other clock the time of *backup* contradicts, if one.

    No storage has what is written last of a backup before the backup has ended. Where it had,
    one of the two clocks was wrong, and the backup may be older than it tells.
    """
    moment = backup.counts_from
    if moment is not None and moment > time + skew:
        return [f"{verb_of(backup)} in the future, {format_instant(moment)}"]
    if backup.after_writing > skew:
        span = describe_span(backup.after_writing)
        return [f"{verb_of(backup)} {span} after the storage had it, so that a clock was wrong"]
    return []


def _foreign(backup: Backup, server: ServerIdentity) -> list[str]:
    reasons = []
    if backup.system_identifier not in {None, server.system_identifier}:
        reasons.append(f"was taken from cluster {backup.system_identifier}")
    if backup.database not in {None, server.database}:
        reasons.append(f"is of database {backup.database}")
    return reasons


def is_running(backup: Backup, time: datetime) -> bool:
    """Tell whether *backup* has not ended yet, and may still be at work."""
    if backup.problems or backup.counts_from is not None or backup.started_at is None:
        return False
    return time - backup.started_at < RUNNING_LIMIT


def _unfinished(backup: Backup, time: datetime) -> str:
    if backup.type is BackupType.DUMP:
        return "has no start time"
    if backup.started_at is None:
        return "has no stop time"
    if is_running(backup, time):
        return "has not ended yet"
    return f"never ended, it began {describe_span(time - backup.started_at)} ago"


def _broken_links(backup: Backup, listed: Mapping[str, Backup], mark: str) -> list[str]:
    reasons = []
    for label in backup.chain:
        link = listed.get(label)
        if link is None:
            reasons.append(f"needs {label}, which is not listed (expired?)")
        elif backup.presence is Presence.WHOLE:
            continue
        elif link.lack:
            reasons.append(link.lack)
        elif link.presence is Presence.INCOMPLETE:
            reasons.append(f"{mark} is missing for {label}")
        elif link.presence is Presence.ARCHIVED:
            reasons.append(f"{mark} of {label} lies in an archive storage class")
    return reasons


def _unseen(backup: Backup, listed: Mapping[str, Backup]) -> bool:
    return backup.presence is not Presence.WHOLE and any(
        listed[label].presence is Presence.UNSEEN for label in backup.chain
    )
