"""Decides whether the newest usable backup is young enough to migrate behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from hook.core.backups.backup import Backup, Evidence
from hook.core.backups.clock_judgement import Asked, judge_clocks
from hook.core.backups.dump_size import SizeDoubt
from hook.core.backups.origin import Origin, judge_origin
from hook.core.backups.usability import (
    NOT_LOOKED_AT,
    FreshnessPolicy,
    JudgedBackup,
    format_instant,
    is_running,
    judge_each,
    verb_of,
)
from hook.core.outcome import Finding, failed, passed, warned
from hook.core.span import describe_span
from hook.errors import ExitCode

_CLOCKS = "Synchronise the clocks of the backup host, the database server and the storage."
_TOLD_IN_MESSAGE = 3
_TOLD_IN_FACTS = 200


class Freshness(NamedTuple):
    """What was made of the backups of a catalog.

    Attributes:
        findings: Clock, metadata and cluster findings, then one about the newest usable
            backup; a warned one comes before it when newer backups had to be passed over.
        evidence: What was judged.
        judged: Each backup, the newest first.
        other: What stands against all of them, because they are of another database.
        time: That ages were counted to.
        doubt: What is to be told of the newest usable dump beside the database itself.
    """

    findings: tuple[Finding, ...]
    evidence: Evidence
    judged: tuple[JudgedBackup, ...]
    other: Finding | None
    time: datetime
    doubt: SizeDoubt | None = None


def judge_freshness(
    evidence: Evidence, policy: FreshnessPolicy, now: datetime, asked: Asked | None = None
) -> Freshness:
    """Judge the newest usable backup in *evidence* against *policy*.

    The newest backup without a reason against it decides, however old the ones before
    it are. When the storage told its own time, ages count from that time, so that a
    wrong clock here cannot make an old backup look fresh.

    Args:
        evidence: What the catalog listed, in any order.
        policy: Maximum age, expected cluster, tolerated skew.
        now: The time on this machine, aware.
        asked: When this machine asked the storage, just now unless told.
    """
    time = _time(evidence, now)
    judged = judge_each(evidence, policy, time)
    other = judge_origin(evidence.source, evidence.origin, policy.server)
    if evidence.origin == Origin() and _first_usable(judged) is None:
        other = None  # nothing may have told whose it is, and that matters less
    verdict = [other] if other else _judge_newest(evidence, judged, policy, time)
    clocks = judge_clocks(evidence, policy.server, policy.clock_skew, asked or Asked(now, now))
    findings = (*clocks, *_judge_metadata(evidence), *verdict)
    return Freshness(findings, evidence, judged, other, time)


def usable_backup(evidence: Evidence, policy: FreshnessPolicy, now: datetime) -> Backup | None:
    """Return the newest backup without a reason against it, however old; none without one."""
    if judge_origin(evidence.source, evidence.origin, policy.server) is not None:
        return None
    usable = _first_usable(judge_each(evidence, policy, _time(evidence, now)))
    return None if usable is None else usable.backup


def _first_usable(judged: Sequence[JudgedBackup]) -> JudgedBackup | None:
    return next((item for item in judged if not item.reasons), None)


def _time(evidence: Evidence, now: datetime) -> datetime:
    return now if evidence.clock is None else evidence.clock


def _judge_metadata(evidence: Evidence) -> list[Finding]:
    return [
        warned(
            "backup-metadata",
            f"{evidence.source}: {warning}",
            "Find out why; the verdict rests on what could be read.",
        )
        for warning in evidence.warnings
    ]


def _judge_newest(
    evidence: Evidence, judged: Sequence[JudgedBackup], policy: FreshnessPolicy, time: datetime
) -> list[Finding]:
    usable = _first_usable(judged)
    if usable is None:
        return [_nothing_usable(evidence, judged)]
    newer = judged[: judged.index(usable)]
    passed_over = [item for item in newer if not is_running(item.backup, time)]
    findings = [_passed_over(evidence, passed_over)] if passed_over else []
    return [*findings, _judge_age(evidence, usable.backup, judged, policy, time)]


def _nothing_usable(evidence: Evidence, judged: Sequence[JudgedBackup]) -> Finding:
    if not judged:
        message = f"no completed backup is listed in {evidence.source}"
    else:
        subject = (
            "the only backup is not" if len(judged) == 1 else f"none of {len(judged)} backups is"
        )
        # The place comes last: it may be long, and a verdict is cut at the end.
        message = f"{subject} usable: {_told(judged)}; looked in {evidence.source}"
    return failed(
        ExitCode.NO_WAY_BACK,
        "backup-usable",
        message,
        f"{_clocks_hint(judged)}Take a full backup ({evidence.full_backup_command}) and see that"
        " it ends without errors.",
        source=evidence.source,
        rejected=_rejected(judged),
    )


def _passed_over(evidence: Evidence, newer: Sequence[JudgedBackup]) -> Finding:
    noun = "backup is" if len(newer) == 1 else "backups are"
    return warned(
        "backup-usable",
        f"{len(newer)} newer {noun} not usable in {evidence.source}: {_told(newer)}",
        f"{_clocks_hint(newer)}Find out why, then take a new backup"
        f" ({evidence.full_backup_command}).",
        rejected=_rejected(newer),
    )


def _clocks_hint(judged: Sequence[JudgedBackup]) -> str:
    return f"{_CLOCKS} " if any(item.is_misdated for item in judged) else ""


def _judge_age(
    evidence: Evidence,
    backup: Backup,
    judged: Sequence[JudgedBackup],
    policy: FreshnessPolicy,
    time: datetime,
) -> Finding:
    # Never none here: a backup whose age is not known is not usable.
    moment = backup.counts_from or time
    age = max(time - moment, timedelta(0))
    message = (
        f"newest usable backup {backup.label} ({backup.type.value}) {verb_of(backup)}"
        f" {describe_span(age)} ago at {format_instant(moment)}"
        f" (limit {describe_span(policy.max_age)})"
        f"{'; ' if backup.remark else ''}{backup.remark}"
    )
    facts: dict[str, object] = {
        "source": evidence.source,
        "label": backup.label,
        "type": backup.type.value,
        f"{verb_of(backup)}_at": format_instant(moment),
        "age_ms": _milliseconds(age),
        "max_age_ms": _milliseconds(policy.max_age),
        # Nobody looks for the backups behind a complete one, so that is nothing against them.
        "rejected": _rejected([item for item in judged if item.reasons != (NOT_LOOKED_AT,)]),
    }
    if age <= policy.max_age:
        return passed("backup-age", message, **facts)
    again = f"Take a backup ({evidence.backup_command}), then run again."
    hint = f"{again}{_later_copy(backup, policy, time)}"
    return failed(ExitCode.NO_WAY_BACK, "backup-age", message, hint, **facts)


def _later_copy(backup: Backup, policy: FreshnessPolicy, time: datetime) -> str:
    """Return what makes a backup look too old that may not be, empty where nothing does.

    The storage may have received it later because it was copied there, which is why nobody
    can count from then.
    """
    stopped_at, written_at = backup.stopped_at, backup.written_at
    if stopped_at is None or written_at is None or time - written_at > policy.max_age:
        return ""
    delay = written_at - stopped_at
    if delay <= policy.clock_skew:
        return ""
    return (
        f" The storage received it {describe_span(delay)} later, so that it was copied or a clock"
        " was behind."
    )


def _told(judged: Sequence[JudgedBackup]) -> str:
    told = [f"{item.backup.label} {', '.join(item.reasons)}" for item in judged[:_TOLD_IN_MESSAGE]]
    rest = len(judged) - len(told)
    return "; ".join([*told, f"and {rest} more"] if rest else told)


def _rejected(judged: Sequence[JudgedBackup]) -> list[dict[str, object]]:
    """Return label and reasons of those with any, for the report."""
    rejected = [item for item in judged if item.reasons]
    return [
        {"label": item.backup.label, "reasons": list(item.reasons)}
        for item in rejected[:_TOLD_IN_FACTS]
    ]


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)


def newest_dump(freshness: Freshness) -> Backup | None:
    """Return the newest usable dump if it is ours and can be restored, none otherwise."""
    usable = (item.backup for item in freshness.judged if not item.reasons)
    newest = next(usable, None) if freshness.other is None else None
    return newest if newest is not None and newest.form is not None else None
