"""Decides whether the newest usable backup is young enough to migrate behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hook.core.backup import Backup, BackupType, Evidence, Presence, newest_first
from hook.core.origin import Origin, ServerIdentity, judge_origin
from hook.core.outcome import Finding, failed, passed, unknown, warned
from hook.errors import ExitCode

DEFAULT_CLOCK_SKEW = timedelta(minutes=5)
# A backup that began longer ago and has not ended was killed: nothing ever says so.
RUNNING_LIMIT = timedelta(hours=24)
_TOLD_IN_MESSAGE = 3
_TOLD_IN_FACTS = 200
_NOT_LOOKED_AT = "was not looked at"


@dataclass(frozen=True, slots=True)
class FreshnessPolicy:
    """What counts as a way back.

    Attributes:
        max_age: How old the newest usable backup may be.
        server: The database to be migrated.
        clock_skew: How far two honest clocks may lie apart.
    """

    max_age: timedelta
    server: ServerIdentity
    clock_skew: timedelta = DEFAULT_CLOCK_SKEW


@dataclass(frozen=True, slots=True)
class _Judged:
    backup: Backup
    reasons: tuple[str, ...]


def judge_freshness(
    evidence: Evidence, policy: FreshnessPolicy, now: datetime
) -> tuple[Finding, ...]:
    """Judge the newest usable backup in *evidence* against *policy*.

    The newest backup without a reason against it decides, however old the ones before
    it are. When the storage told its own time, ages count from that time, so that a
    wrong clock here cannot make an old backup look fresh.

    Args:
        evidence: What the catalog listed, in any order.
        policy: Maximum age, expected cluster, tolerated skew.
        now: The time on this machine, aware.

    Returns:
        Clock, metadata and cluster findings, then one about the newest usable backup;
        a warned one comes before it when newer backups had to be passed over.
    """
    findings = [*_judge_clock(evidence, policy, now), *_judge_metadata(evidence)]
    time = _time(evidence, now)
    judged = _judge_all(evidence, policy, time)
    other = judge_origin(evidence.source, evidence.origin, policy.server)
    # Where nothing is usable, nothing may have told whose it is, and matters less.
    if other is not None and (evidence.origin != Origin() or _first_usable(judged)):
        return (*findings, other)
    return (*findings, *_judge_newest(evidence, judged, policy, time))


def usable_backup(evidence: Evidence, policy: FreshnessPolicy, now: datetime) -> Backup | None:
    """Return the newest backup without a reason against it, however old; none without one."""
    if judge_origin(evidence.source, evidence.origin, policy.server) is not None:
        return None
    judged = _judge_all(evidence, policy, _time(evidence, now))
    usable = _first_usable(judged)
    return None if usable is None else usable.backup


def _first_usable(judged: Sequence[_Judged]) -> _Judged | None:
    return next((item for item in judged if not item.reasons), None)


def _time(evidence: Evidence, now: datetime) -> datetime:
    return now if evidence.clock is None else evidence.clock


def _judge_all(evidence: Evidence, policy: FreshnessPolicy, time: datetime) -> list[_Judged]:
    listed = {backup.label: backup for backup in evidence.backups}
    return [
        _Judged(backup, _reasons_against(backup, listed, evidence, policy, time))
        for backup in newest_first(evidence.backups)
    ]


def _judge_clock(evidence: Evidence, policy: FreshnessPolicy, now: datetime) -> list[Finding]:
    if evidence.clock is None:
        return []
    skew = abs(now - evidence.clock)
    if skew <= policy.clock_skew:
        return []
    return [
        unknown(
            ExitCode.UNKNOWN_BACKUP,
            "backup-clock",
            f"this machine's clock and that of {evidence.source} lie {_span(skew)} apart"
            f" (limit {_span(policy.clock_skew)})",
            "Synchronise the clocks of this node and of the storage, then run again.",
            skew_ms=_milliseconds(skew),
        )
    ]


def _judge_metadata(evidence: Evidence) -> list[Finding]:
    return [
        warned(
            "backup-metadata",
            f"{evidence.source}: {warning}",
            "Find out why; the verdict rests on what could be read.",
        )
        for warning in evidence.warnings
    ]


def _reasons_against(
    backup: Backup,
    listed: Mapping[str, Backup],
    evidence: Evidence,
    policy: FreshnessPolicy,
    time: datetime,
) -> tuple[str, ...]:
    reasons = list(backup.problems)
    if backup.error is None:
        reasons.append("does not tell whether pages were damaged")
    elif backup.error:
        reasons.append("contains damaged pages")
    moment = backup.counts_from
    if moment is None:
        # What went wrong says more than that no end is known.
        reasons.extend([] if backup.problems else [_unfinished(backup, time)])
    elif moment > time + policy.clock_skew:
        reasons.append(f"{_verb(backup)} in the future, {_instant(moment)}")
    if backup.system_identifier not in {None, policy.server.system_identifier}:
        reasons.append(f"was taken from cluster {backup.system_identifier}")
    if backup.database not in {None, policy.server.database}:
        reasons.append(f"is of database {backup.database}")
    reasons.extend(_broken_links(backup, listed, evidence.completion_mark))
    if not reasons and _unseen(backup, listed):
        reasons.append(_NOT_LOOKED_AT)
    return tuple(reasons)


def _verb(backup: Backup) -> str:
    return "started" if backup.type is BackupType.DUMP else "stopped"


def _is_running(backup: Backup, time: datetime) -> bool:
    if backup.problems or backup.counts_from is not None or backup.started_at is None:
        return False
    return time - backup.started_at < RUNNING_LIMIT


def _unfinished(backup: Backup, time: datetime) -> str:
    if backup.type is BackupType.DUMP:
        return "has no start time"
    if backup.started_at is None:
        return "has no stop time"
    if _is_running(backup, time):
        return "has not ended yet"
    return f"never ended, it began {_span(time - backup.started_at)} ago"


def _broken_links(backup: Backup, listed: Mapping[str, Backup], mark: str) -> list[str]:
    reasons = []
    for label in backup.chain:
        link = listed.get(label)
        if link is None:
            reasons.append(f"needs {label}, which is not listed (expired?)")
        elif link.presence is Presence.INCOMPLETE:
            reasons.append(f"{mark} is missing for {label}")
        elif link.presence is Presence.ARCHIVED:
            reasons.append(f"{mark} of {label} lies in an archive storage class")
    return reasons


def _unseen(backup: Backup, listed: Mapping[str, Backup]) -> bool:
    return any(listed[label].presence is Presence.UNSEEN for label in backup.chain)


def _judge_newest(
    evidence: Evidence, judged: Sequence[_Judged], policy: FreshnessPolicy, time: datetime
) -> list[Finding]:
    usable = _first_usable(judged)
    if usable is None:
        return [_nothing_usable(evidence, judged)]
    newer = judged[: judged.index(usable)]
    passed_over = [item for item in newer if not _is_running(item.backup, time)]
    findings = [_passed_over(evidence, passed_over)] if passed_over else []
    return [*findings, _judge_age(evidence, usable.backup, judged, policy, time)]


def _nothing_usable(evidence: Evidence, judged: Sequence[_Judged]) -> Finding:
    if not judged:
        message = f"no completed backup is listed in {evidence.source}"
    else:
        subject = (
            "the only backup is not" if len(judged) == 1 else f"none of {len(judged)} backups is"
        )
        message = f"{subject} usable in {evidence.source}: {_told(judged)}"
    return failed(
        ExitCode.NO_WAY_BACK,
        "backup-usable",
        message,
        f"Take a full backup ({evidence.full_backup_command}) and see that it ends without errors.",
        source=evidence.source,
        rejected=_rejected(judged),
    )


def _passed_over(evidence: Evidence, newer: Sequence[_Judged]) -> Finding:
    noun = "backup is" if len(newer) == 1 else "backups are"
    return warned(
        "backup-usable",
        f"{len(newer)} newer {noun} not usable in {evidence.source}: {_told(newer)}",
        f"Find out why, then take a new backup ({evidence.full_backup_command}).",
        rejected=_rejected(newer),
    )


def _judge_age(
    evidence: Evidence,
    backup: Backup,
    judged: Sequence[_Judged],
    policy: FreshnessPolicy,
    time: datetime,
) -> Finding:
    # Never none here: a backup whose age is not known is not usable.
    moment = backup.counts_from or time
    age = max(time - moment, timedelta(0))
    message = (
        f"newest usable backup {backup.label} ({backup.type.value}) {_verb(backup)}"
        f" {_span(age)} ago at {_instant(moment)} (limit {_span(policy.max_age)})"
        f"{'; ' if backup.remark else ''}{backup.remark}"
    )
    facts: dict[str, object] = {
        "source": evidence.source,
        "label": backup.label,
        "type": backup.type.value,
        f"{_verb(backup)}_at": _instant(moment),
        "age_ms": _milliseconds(age),
        "max_age_ms": _milliseconds(policy.max_age),
        # Nobody looks for the backups behind a complete one, so that is nothing against them.
        "rejected": _rejected([item for item in judged if item.reasons != (_NOT_LOOKED_AT,)]),
    }
    if age <= policy.max_age:
        return passed("backup-age", message, **facts)
    hint = f"Take a backup ({evidence.backup_command}), then run again."
    return failed(ExitCode.NO_WAY_BACK, "backup-age", message, hint, **facts)


def _told(judged: Sequence[_Judged]) -> str:
    told = [f"{item.backup.label} {', '.join(item.reasons)}" for item in judged[:_TOLD_IN_MESSAGE]]
    rest = len(judged) - len(told)
    return "; ".join([*told, f"and {rest} more"] if rest else told)


def _rejected(judged: Sequence[_Judged]) -> list[dict[str, object]]:
    """Return label and reasons of those with any, for the report."""
    rejected = [item for item in judged if item.reasons]
    return [
        {"label": item.backup.label, "reasons": list(item.reasons)}
        for item in rejected[:_TOLD_IN_FACTS]
    ]


def _span(span: timedelta) -> str:
    """Return *span* in its two largest units, for example ``31h 5m``."""
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    units = ((hours, "h"), (minutes, "m"), (seconds, "s"))
    return " ".join([f"{count}{unit}" for count, unit in units if count][:2]) or "0s"


def _instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
