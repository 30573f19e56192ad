"""What is told of the backups of a catalog, whole: rule, message, next step and facts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hook.core.backups.backup import Backup, BackupType
from hook.core.backups.clock_judgement import Asked
from hook.core.backups.freshness import judge_freshness
from hook.core.outcome import Finding, failed, passed, warned
from hook.errors import ExitCode
from tests.unit.core.backups.test_freshness import NOW, POLICY, _backup, _evidence

SOURCE = "pgBackRest stanza app in s3://backups/shop"
FULL = "Take a full backup (pgbackrest --stanza=app --type=full backup) and see that it ends"
HOUR = timedelta(hours=1)


def _judged(*backups: Backup) -> tuple[Finding, ...]:
    return judge_freshness(_evidence(*backups), POLICY, NOW).findings


def _bad(label: str, minutes: int = 1) -> Backup:
    return _backup(label, timedelta(minutes=minutes), error=True)


def _rejected(*labels: str) -> list[dict[str, object]]:
    return [{"label": label, "reasons": ["contains damaged pages"]} for label in labels]


def _told(labels: str) -> str:
    return "; ".join(f"{label} contains damaged pages" for label in labels)


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("", f"no completed backup is listed in {SOURCE}"),
        ("a", f"the only backup is not usable: a contains damaged pages; looked in {SOURCE}"),
        (
            "ab",
            f"none of 2 backups is usable: {_told('ab')}; looked in {SOURCE}",
        ),
        (
            "abcd",
            f"none of 4 backups is usable: {_told('abc')}; and 1 more; looked in {SOURCE}",
        ),
    ],
)
def test_nothing_usable_is_no_way_back(labels: str, message: str) -> None:
    """With what is wrong, the newest first, and how to mend it."""
    backups = [_bad(label, number + 1) for number, label in enumerate(labels)]
    assert _judged(*backups) == (
        failed(
            ExitCode.NO_WAY_BACK,
            "backup-usable",
            message,
            f"{FULL} without errors.",
            source=SOURCE,
            rejected=_rejected(*labels),
        ),
    )


@pytest.mark.parametrize(
    ("labels", "noun"), [("a", "1 newer backup is"), ("ab", "2 newer backups are")]
)
def test_what_is_passed_over_is_told_in_front_of_what_counts(labels: str, noun: str) -> None:
    """Somebody should look, and the run goes on."""
    backups = [_bad(label, number + 1) for number, label in enumerate(labels)]
    good = _backup("z", HOUR)
    assert _judged(*backups, good) == (
        warned(
            "backup-usable",
            f"{noun} not usable in {SOURCE}: {_told(labels)}",
            "Find out why, then take a new backup (pgbackrest --stanza=app --type=full backup).",
            rejected=_rejected(*labels),
        ),
        passed(
            "backup-age",
            "newest usable backup z (full) stopped 1h ago at 2026-11-21T19:00:00Z (limit 24h)",
            source=SOURCE,
            label="z",
            type="full",
            stopped_at="2026-11-21T19:00:00Z",
            age_ms=3_600_000,
            max_age_ms=86_400_000,
            rejected=_rejected(*labels),
        ),
    )


def test_backup_that_runs_is_no_reason_to_look() -> None:
    """It has not ended yet, and may well."""
    (age,) = _judged(_backup("a", timedelta(0), stopped_at=None), _backup("z", HOUR))
    assert age.message.startswith("newest usable backup z (full) stopped 1h ago")


def test_stale_dump_counts_from_its_start_and_says_what_is_lost() -> None:
    """The command is the one that is on top of what there is."""
    dump = _backup("d", timedelta(hours=30), type=BackupType.DUMP, remark="no point in time")
    assert _judged(dump) == (
        failed(
            ExitCode.NO_WAY_BACK,
            "backup-age",
            "newest usable backup d (dump) started 30h 10m ago at 2026-11-20T13:50:00Z"
            " (limit 24h); no point in time",
            "Take a backup (pgbackrest --stanza=app backup), then run again.",
            source=SOURCE,
            label="d",
            type="dump",
            started_at="2026-11-20T13:50:00Z",
            age_ms=108_600_000,
            max_age_ms=86_400_000,
            rejected=[],
        ),
    )


@pytest.mark.parametrize(
    ("written_ago", "told"),
    [
        (24 * HOUR, " The storage received it 1h later, so that it was copied or a clock was be"),
        (24 * HOUR + timedelta(seconds=1), ""),
        (None, ""),
    ],
)
def test_stale_backup_that_came_later_is_told_as_such(
    written_ago: timedelta | None, told: str
) -> None:
    """As long as what was received is within the limit; nobody counts from then."""
    written_at = None if written_ago is None else NOW - written_ago
    (finding,) = _judged(_backup("a", 25 * HOUR, written_at=written_at))
    start = "Take a backup (pgbackrest --stanza=app backup), then run again."
    assert finding.hint.startswith(f"{start}{told}")
    assert ("The storage" in finding.hint) is bool(told)


def test_stale_dump_that_does_not_tell_its_end_is_told_all_the_same() -> None:
    """Its age counts from its start; when it came says nothing without an end."""
    dump = _backup(
        "d", timedelta(hours=30), type=BackupType.DUMP, stopped_at=None, written_at=NOW - HOUR
    )
    (finding,) = _judged(dump)
    assert (finding.rule, finding.code) == ("backup-age", ExitCode.NO_WAY_BACK)
    assert "The storage" not in finding.hint


@pytest.mark.parametrize(("seconds", "is_told"), [(300, False), (301, True)])
def test_storage_may_have_it_as_much_later_as_honest_clocks_differ(
    seconds: int,
    is_told: bool,  # noqa: FBT001 - a case
) -> None:
    """That is no copy."""
    stopped_ago = 24 * HOUR + timedelta(seconds=seconds)
    (finding,) = _judged(_backup("a", stopped_ago, written_at=NOW - 24 * HOUR))
    assert ("The storage received it" in finding.hint) is is_told


def test_one_backup_with_a_wrong_time_leads_to_the_clocks() -> None:
    """Whatever is wrong with the others."""
    (finding,) = _judged(_backup("a", -HOUR), _bad("b"))
    assert finding.hint.startswith("Synchronise the clocks of the backup host, the database")


def test_oddities_of_the_metadata_are_told_first() -> None:
    """They did not stop the reading."""
    evidence = _evidence(_backup("z", HOUR), warnings=("backup.info is missing",))
    warning, _ = judge_freshness(evidence, POLICY, NOW).findings
    assert warning == warned(
        "backup-metadata",
        f"{SOURCE}: backup.info is missing",
        "Find out why; the verdict rests on what could be read.",
    )


def test_report_names_a_bounded_number_of_backups() -> None:
    """However many there are, the report stays one that can be read."""
    (finding,) = _judged(*(_bad(f"b{number:04}", number + 1) for number in range(201)))
    assert "none of 201 backups is usable" in finding.message
    assert finding.facts["rejected"] == _rejected(*(f"b{number:04}" for number in range(200)))


@pytest.mark.parametrize("is_told", [True, False])
def test_storage_is_compared_with_the_time_at_which_it_was_asked(
    is_told: bool,  # noqa: FBT001 - a case
) -> None:
    """Whoever waited for something else in between sees no wrong clock."""
    evidence = _evidence(_backup("z", HOUR), clock=NOW - HOUR)
    asked = Asked(NOW - HOUR, NOW) if is_told else None
    rules = [item.rule for item in judge_freshness(evidence, POLICY, NOW, asked).findings]
    assert ("backup-clock" in rules) is not is_told
