"""The judgement over backups: which one decides, and what stands against the others."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.backups.backup import Backup, BackupType, Evidence, Presence
from hook.core.backups.freshness import judge_freshness, usable_backup
from hook.core.backups.origin import Origin, ServerIdentity
from hook.core.backups.usability import FreshnessPolicy
from hook.core.outcome import Finding, Status, deciding_finding
from hook.errors import ExitCode
from tests.testbed.pgbackrest_repository import SYSTEM_IDENTIFIER

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
POLICY = FreshnessPolicy(timedelta(hours=24), ServerIdentity(SYSTEM_IDENTIFIER))


def _backup(label: str, age: timedelta, **fields: object) -> Backup:
    good = Backup(
        label=label,
        type=BackupType.FULL,
        started_at=NOW - age - timedelta(minutes=10),
        stopped_at=NOW - age,
        error=False,
        system_identifier=SYSTEM_IDENTIFIER,
        presence=Presence.COMPLETE,
    )
    return replace(good, **fields)  # type: ignore[arg-type]  # a test names real fields


def _evidence(*backups: Backup, **fields: object) -> Evidence:
    good = Evidence(
        source="pgBackRest stanza app in s3://backups/shop",
        backups=backups,
        completion_mark="backup.manifest",
        backup_command="pgbackrest --stanza=app backup",
        full_backup_command="pgbackrest --stanza=app --type=full backup",
        origin=Origin(SYSTEM_IDENTIFIER),
    )
    return replace(good, **fields)  # type: ignore[arg-type]  # a test names real fields


def _verdict(findings: tuple[Finding, ...]) -> Finding:
    return deciding_finding(findings) or findings[-1]


def _judged(*backups: Backup) -> Finding:
    return _verdict(judge_freshness(_evidence(*backups), POLICY, NOW).findings)


@pytest.mark.parametrize(
    ("age", "status"),
    [
        (timedelta(hours=24), Status.PASSED),
        (timedelta(hours=24, seconds=1), Status.FAILED),
        (timedelta(hours=31, minutes=5), Status.FAILED),
    ],
)
def test_judge_counts_the_limit_itself_as_fresh(age: timedelta, status: Status) -> None:
    """The age may equal the limit and not exceed it."""
    assert _judged(_backup("a", age)).status is status


def test_judge_tells_label_type_time_age_and_limit_of_a_stale_backup() -> None:
    """The refusal carries all that the reader needs to believe it."""
    finding = _judged(_backup("a", timedelta(hours=31, minutes=5)))
    assert finding.code is ExitCode.NO_WAY_BACK
    assert finding.rule == "backup-age"
    assert finding.message == (
        "newest usable backup a (full) stopped 31h 5m ago at 2026-11-20T12:55:00Z (limit 24h)"
    )
    assert "pgbackrest --stanza=app backup" in finding.hint  # one on top of others will do
    assert finding.facts["age_ms"] == 111_900_000


def test_judge_never_shows_an_age_over_the_limit_as_the_limit() -> None:
    """A second too much is visible in the message."""
    finding = _judged(_backup("a", timedelta(hours=24, seconds=1)))
    assert "stopped 24h 1s ago" in finding.message


def test_judge_counts_from_the_stop_not_from_the_start() -> None:
    """A backup that ran for two days and stopped an hour ago is an hour old."""
    backup = _backup("a", timedelta(hours=1), started_at=NOW - timedelta(days=2))
    assert _judged(backup).status is Status.PASSED


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"error": True}, "contains damaged pages"),
        ({"error": None}, "does not tell whether pages were damaged"),
        ({"stopped_at": None, "started_at": None}, "has no stop time"),
        ({"stopped_at": None}, "has not ended yet"),
        (
            {"stopped_at": None, "started_at": NOW - timedelta(hours=31)},
            "never ended, it began 31h ago",
        ),
        ({"database": "crm"}, "is of database crm"),
        ({"stopped_at": NOW + timedelta(minutes=6)}, "stopped in the future, 2026-11-21T20:06:00Z"),
        ({"system_identifier": "42"}, "was taken from cluster 42"),
        ({"presence": Presence.INCOMPLETE}, "backup.manifest is missing for a"),
        ({"presence": Presence.ARCHIVED}, "backup.manifest of a lies in an archive storage class"),
        (
            {"presence": Presence.INCOMPLETE, "lack": "bundle/1 of a is missing"},
            "bundle/1 of a is missing",
        ),
        ({"presence": Presence.UNSEEN}, "was not looked at"),
        ({"references": ("b",)}, "needs b, which is not listed (expired?)"),
        ({"prior": "b"}, "needs b, which is not listed (expired?)"),
        ({"problems": ("is odd",)}, "is odd"),
    ],
)
def test_judge_rejects_what_cannot_be_restored(fields: dict[str, object], reason: str) -> None:
    """Each defect alone leaves no way back, and the refusal names label and reason."""
    finding = _judged(_backup("a", timedelta(hours=1), **fields))
    assert finding.code is ExitCode.NO_WAY_BACK
    assert finding.rule == "backup-usable"
    assert f"a {reason}" in finding.message
    assert finding.facts["rejected"] == [{"label": "a", "reasons": [reason]}]
    # Without a type pgBackRest would put an incremental one on top of what cannot be used.
    assert "--type=full" in finding.hint


def test_judge_has_nothing_against_backups_that_nobody_needed_to_look_at() -> None:
    """Behind a complete backup the catalog stops looking, and the facts stay silent."""
    older = _backup("old", timedelta(hours=2), presence=Presence.UNSEEN)
    assert _judged(older, _backup("new", timedelta(hours=1))).facts["rejected"] == []


def test_judge_rejects_a_chain_with_a_hole() -> None:
    """A complete incremental is worth nothing when the full it needs has lost its manifest."""
    full = _backup("f", timedelta(hours=2), presence=Presence.INCOMPLETE)
    incremental = _backup("i", timedelta(hours=1), references=("f",))
    finding = _judged(full, incremental)
    assert "i backup.manifest is missing for f" in finding.message
    assert "f backup.manifest is missing for f" in finding.message


def test_judge_takes_a_whole_backup_for_whole_whatever_else_the_ones_before_it_lack() -> None:
    """What it reads of them was looked at; only that one is listed no more still counts."""
    lacking = {"presence": Presence.INCOMPLETE, "lack": "bundle/1 of f is missing"}
    full = _backup("f", timedelta(hours=2), **lacking)
    unseen = _backup("d", timedelta(hours=2), presence=Presence.UNSEEN)
    fields = {"references": ("f", "d"), "presence": Presence.WHOLE}
    newest = _backup("i", timedelta(hours=1), **fields)
    assert _judged(full, unseen, newest).status is Status.PASSED
    assert "i needs d, which is not listed" in _judged(full, newest).message


def test_judge_tolerates_a_stop_time_within_the_skew() -> None:
    """Two honest clocks may differ; the age is then nothing, not negative."""
    finding = _judged(_backup("a", timedelta(minutes=-4)))
    assert finding.status is Status.PASSED
    assert finding.facts["age_ms"] == 0


def test_judge_says_so_when_nothing_is_listed() -> None:
    """A stanza without backups is a refusal of its own."""
    finding = _judged()
    assert (finding.code, finding.rule) == (ExitCode.NO_WAY_BACK, "backup-usable")
    assert finding.message == (
        "no completed backup is listed in pgBackRest stanza app in s3://backups/shop"
    )


def test_judge_keeps_the_message_short_and_the_facts_complete() -> None:
    """Of many rejected backups the message tells some, the facts up to two hundred."""
    broken = [_backup(f"b{number:04}", timedelta(hours=1), error=True) for number in range(300)]
    finding = _judged(*broken)
    assert "b0299 contains damaged pages" in finding.message
    assert "; and 297 more; looked in " in finding.message
    assert len(json.dumps(dict(finding.facts))) < 20_000


def test_judge_refuses_backups_of_another_cluster() -> None:
    """Fresh and complete backups of the wrong cluster restore the wrong data."""
    evidence = _evidence(_backup("a", timedelta(0)), origin=Origin("42"))
    finding = _verdict(judge_freshness(evidence, POLICY, NOW).findings)
    assert (finding.code, finding.rule) == (ExitCode.NO_WAY_BACK, "backup-cluster")
    assert "cluster 42" in finding.message
    assert SYSTEM_IDENTIFIER in finding.message


def test_judge_does_not_know_without_the_servers_identifier() -> None:
    """A role that may not ask for the identifier gets no all-clear, and is told the grant."""
    policy = FreshnessPolicy(timedelta(hours=24), ServerIdentity(None))
    finding = _verdict(judge_freshness(_evidence(_backup("a", timedelta(0))), policy, NOW).findings)
    assert (finding.status, finding.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)
    assert "pg_control_system()" in finding.hint


def test_judge_does_not_know_without_the_sources_identifier() -> None:
    """A source that does not tell whose backups it holds gets no all-clear either."""
    evidence = _evidence(_backup("a", timedelta(0)), origin=Origin())
    finding = _verdict(judge_freshness(evidence, POLICY, NOW).findings)
    assert (finding.status, finding.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)
    assert evidence.source in finding.message


def test_judge_counts_from_the_storages_own_clock() -> None:
    """With this machine's clock a day behind, an old backup must not look fresh."""
    evidence = _evidence(_backup("a", timedelta(hours=30)), clock=NOW)
    clock, age = judge_freshness(evidence, POLICY, NOW - timedelta(hours=24)).findings
    assert (clock.code, clock.rule) == (ExitCode.UNKNOWN_BACKUP, "backup-clock")
    assert "lie 24h apart (limit 5m)" in clock.message
    assert age.code is ExitCode.NO_WAY_BACK


def test_judge_stays_silent_on_a_small_skew() -> None:
    """Five minutes between two clocks are no finding."""
    evidence = _evidence(_backup("a", timedelta(hours=1)), clock=NOW)
    (finding,) = judge_freshness(evidence, POLICY, NOW + timedelta(minutes=5)).findings
    assert finding.status is Status.PASSED


def test_judge_tells_what_was_wrong_with_the_metadata() -> None:
    """Evidence from the second copy counts, and somebody must repair the first."""
    evidence = _evidence(_backup("a", timedelta(hours=1)), warnings=("backup.info: empty",))
    warning, verdict = judge_freshness(evidence, POLICY, NOW).findings
    assert (warning.status, warning.rule) == (Status.WARNED, "backup-metadata")
    assert "backup.info: empty" in warning.message
    assert verdict.status is Status.PASSED


_AGES = st.timedeltas(min_value=timedelta(minutes=-20), max_value=timedelta(days=3))
_BACKUPS = st.lists(
    st.builds(
        lambda age, error, presence: (age, error, presence),
        _AGES,
        st.sampled_from([True, False, None]),
        st.sampled_from(Presence),
    ),
    max_size=6,
)


def _built(shapes: list[tuple[timedelta, bool | None, Presence]]) -> list[Backup]:
    return [
        _backup(f"b{number}", age, error=error, presence=presence)
        for number, (age, error, presence) in enumerate(shapes)
    ]


@given(_BACKUPS, st.timedeltas(min_value=timedelta(0), max_value=timedelta(hours=24)))
def test_judge_never_refuses_because_of_one_more_good_backup(
    shapes: list[tuple[timedelta, bool | None, Presence]], age: timedelta
) -> None:
    """Whatever else is listed, a good fresh backup is a way back."""
    backups = [*_built(shapes), _backup("good", age)]
    assert _judged(*backups).code is ExitCode.OK


@given(_BACKUPS)
def test_judge_passes_only_on_a_backup_that_is_good_and_young(
    shapes: list[tuple[timedelta, bool | None, Presence]],
) -> None:
    """A pass always rests on one complete, error-free backup within the limit."""
    backups = _built(shapes)
    good = [
        item
        for item in backups
        if item.error is False
        and item.presence in {Presence.WHOLE, Presence.COMPLETE}
        and item.stopped_at is not None
        and timedelta(minutes=-5) <= NOW - item.stopped_at <= timedelta(hours=24)
    ]
    assert (_judged(*backups).code is ExitCode.OK) == bool(good)


def test_usable_backup_is_the_newest_without_a_reason_against_it() -> None:
    """However old: its age is another question."""
    old, damaged = _backup("A", timedelta(days=9)), _backup("B", timedelta(days=1), error=True)
    assert usable_backup(_evidence(old, damaged), POLICY, NOW) == old
    assert usable_backup(_evidence(damaged), POLICY, NOW) is None


def test_no_backup_of_another_cluster_is_usable() -> None:
    """A restore of it would bring back other data."""
    evidence = _evidence(_backup("A", timedelta(hours=1)), origin=Origin("999"))
    assert usable_backup(evidence, POLICY, NOW) is None
