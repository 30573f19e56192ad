"""The rows that tell of each backup: the words of the gates, joined and nothing more."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.backups.archive_judgement import ArchiveJudgement
from hook.core.backups.backup import Backup, BackupType, Evidence, Presence, RestoreWindow
from hook.core.backups.backup_table import (
    ROW_LIMIT,
    BackupRow,
    BackupTable,
    Restorable,
    WalFound,
    Way,
    lay_out_backups,
)
from hook.core.backups.dump_size import SizeDoubt
from hook.core.backups.freshness import judge_freshness
from hook.core.backups.origin import Origin, ServerIdentity
from hook.core.backups.restore_window import WindowJudgement, judge_restore_window
from hook.core.backups.usability import FreshnessPolicy
from hook.core.backups.wal_lag import Lag
from hook.core.outcome import Finding, deciding_finding, failed, passed, unknown
from hook.errors import ExitCode

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
CLUSTER = "42"
POLICY = FreshnessPolicy(timedelta(hours=24), ServerIdentity(CLUSTER))
FIRST, LAST = "000000010000000000000021", "000000010000000000000038"
WHOLE = passed("wal-archive", "24 segments without a hole")
BROKEN = failed(ExitCode.NO_WAY_BACK, "wal-archive", "WAL is missing")
UNTOLD = unknown(ExitCode.UNKNOWN_BACKUP, "wal-archive", "nobody tells")
LAG = Lag(passed("wal-lag", "behind"), timedelta(minutes=2))


def _backup(label: str, hours: float, **fields: object) -> Backup:
    stopped_at = NOW - timedelta(hours=hours)
    good = Backup(
        *(label, BackupType.FULL, stopped_at - timedelta(minutes=10), stopped_at),
        error=False,
        wal_start=FIRST,
        presence=Presence.COMPLETE,
    )
    return replace(good, **fields)  # type: ignore[arg-type]  # a test names real fields


def _evidence(*backups: Backup, **fields: object) -> Evidence:
    good = Evidence("the place", backups, "mark", "command", "full", Origin(CLUSTER))
    return replace(good, **fields)  # type: ignore[arg-type]  # a test names real fields


def _found(label: str | None, way: Finding) -> WalFound:
    holes = ("hole",) if way is BROKEN else ()
    return WalFound(label, ArchiveJudgement((way,), way, LAST, holes, len(holes), LAG))


def _table(evidence: Evidence, way: Way | None, policy: FreshnessPolicy = POLICY) -> BackupTable:
    return lay_out_backups(judge_freshness(evidence, policy, NOW), way)


def _row(backup: Backup, way: Way | None = None, **fields: object) -> BackupRow:
    (row,) = _table(_evidence(backup, **fields), way).rows
    return row


def test_row_tells_what_both_gates_found() -> None:
    """Where the backup stands, where its WAL leads to, and how far that is behind."""
    row = _row(_backup("a", 19), _found("a", WHOLE))
    assert (row.label, row.type, row.stopped_at) == ("a", BackupType.FULL, NOW - row.age)  # type: ignore[operator]  # is there
    assert row.age == timedelta(hours=19)
    assert (row.wal_from, row.wal_to, row.holes) == (FIRST, LAST, ())
    assert row.lag == timedelta(minutes=2)
    assert (row.restorable, row.reasons) == (Restorable.YES, ())


@pytest.mark.parametrize(
    ("way", "restorable", "reason"),
    [
        (_found("a", BROKEN), Restorable.NO, "WAL is missing"),
        (_found("a", UNTOLD), Restorable.UNKNOWN, "nobody tells"),
        (_found(None, UNTOLD), Restorable.UNKNOWN, "nobody tells"),
        (_found(None, BROKEN), Restorable.NO, "WAL is missing"),
        (_found("b", WHOLE), Restorable.UNKNOWN, "its WAL was not looked at"),
        (None, Restorable.UNKNOWN, "its WAL was not looked at"),
    ],
)
def test_whole_backup_is_as_restorable_as_its_wal(
    way: WalFound | None, restorable: Restorable, reason: str
) -> None:
    """What the archive gate did not look at is not known, whatever the backup itself is."""
    row = _row(_backup("a", 1), way)
    assert (row.restorable, row.reasons) == (restorable, (reason,))
    assert (row.wal_to is None) == (way is None or way.label != "a")


def test_hole_is_told_in_the_row_of_its_backup() -> None:
    """By name, with how many segments are missing, and where a replay ends."""
    found = WalFound("a", ArchiveJudgement((BROKEN,), BROKEN, LAST, ("hole",), 3))
    row = _row(_backup("a", 1), found)
    assert (row.holes, row.missing, row.wal_to, row.lag) == (("hole",), 3, LAST, None)


@pytest.mark.parametrize(
    ("fields", "restorable", "reason"),
    [
        ({"error": True}, Restorable.NO, "contains damaged pages"),
        ({"error": None}, Restorable.UNKNOWN, "does not tell whether pages were damaged"),
        ({"presence": Presence.UNSEEN}, Restorable.UNKNOWN, "was not looked at"),
        ({"presence": Presence.INCOMPLETE}, Restorable.NO, "mark is missing for a"),
        ({"stopped_at": None}, Restorable.NO, "has not ended yet"),
        ({"problems": ("is odd",)}, Restorable.NO, "is odd"),
    ],
)
def test_rejected_backup_has_the_reasons_of_its_gate(
    fields: dict[str, object], restorable: Restorable, reason: str
) -> None:
    """Not known is not no: where only that stands against it, the row says so."""
    row = _row(_backup("a", 1, **fields), _found(None, WHOLE))
    assert (row.restorable, row.reasons) == (restorable, (reason,))


def test_age_that_is_unknown_or_to_come_is_none() -> None:
    """Never a number that stands for nothing."""
    assert _row(_backup("a", 1, stopped_at=None)).age is None
    assert _row(_backup("a", -2)).age is None


@pytest.mark.parametrize(
    ("origin", "restorable"),
    [(Origin("43"), Restorable.NO), (Origin(), Restorable.UNKNOWN)],
)
def test_backup_of_another_cluster_is_not_restorable(
    origin: Origin, restorable: Restorable
) -> None:
    """One that may be of another is not known to be, unless more stands against it."""
    row = _row(_backup("a", 1), _found("a", WHOLE), origin=origin)
    assert row.restorable is restorable
    assert "cluster" in row.reasons[0]
    damaged = _row(_backup("a", 1, error=True), None, origin=origin)
    assert damaged.restorable is Restorable.NO
    assert damaged.reasons[-1] == "contains damaged pages"


@pytest.mark.parametrize("fields", [{"system_identifier": "43"}, {"database": "crm"}])
def test_backup_that_tells_whose_it_is_says_so_once(fields: dict[str, object]) -> None:
    """What is said of all of them says the same, in more words."""
    row = _row(_backup("a", 1, **fields), origin=Origin("43"))
    assert row.restorable is Restorable.NO
    assert len(row.reasons) == 1
    assert row.reasons[0].startswith(("was taken from cluster 43", "is of database crm"))


def test_backup_that_could_not_be_read_is_not_told_as_anybodys() -> None:
    """That nothing says whose it is goes without saying, where nothing could be read."""
    row = _row(_backup("a", 1, problems=("has a damaged backup.info",)), origin=Origin())
    assert (row.restorable, row.reasons) == (Restorable.NO, ("has a damaged backup.info",))


def _dump(label: str, hours: float, **fields: object) -> Backup:
    return _backup(label, hours, type=BackupType.DUMP, wal_start=None, **fields)


def test_dump_leads_to_its_start_only() -> None:
    """It needs no WAL, and its age counts from the start."""
    row = _row(_dump("a", 1))
    assert (row.restorable, row.wal_from) == (Restorable.YES, None)
    assert row.reasons == ("a restore leads to its start only",)
    assert row.age == timedelta(hours=1, minutes=10)


def test_dump_is_told_with_what_its_time_is_by() -> None:
    """Its header may contradict its name."""
    told = "that is by its header at the latest, and a restore loses everything after it began"
    assert _row(_dump("a", 1, remark=told)).reasons == (told,)


def test_dump_that_is_small_for_its_database_says_so() -> None:
    """In its own row, and in no other."""
    freshness = judge_freshness(_evidence(_dump("a", 1), _dump("b", 2)), POLICY, NOW)
    doubted = freshness._replace(doubt=SizeDoubt("a", 7, 200 * 2**20))
    small, other = lay_out_backups(doubted, None).rows
    assert small.restorable is Restorable.YES
    assert small.reasons == (
        "a restore leads to its start only",
        "has 7 bytes, less than a thousandth of the database (200 MiB)",
    )
    assert other.reasons == ("a restore leads to its start only",)


def test_snapshot_of_a_service_stands_beside_its_window() -> None:
    """Each is restorable in a way of its own."""
    window = RestoreWindow(7, NOW - timedelta(minutes=5), NOW - timedelta(days=7))
    evidence = _evidence(_backup("a", 9, wal_start=None), window=window)
    judgement = judge_restore_window(evidence, POLICY.server, timedelta(minutes=15), NOW)
    table = _table(evidence, judgement)
    assert (table.rows[0].restorable, table.rows[0].reasons) == (
        *(Restorable.YES, ("a restore leads to its end only",)),
    )
    assert table.window is not None
    assert (table.window.earliest, table.window.latest) == (window.earliest, window.latest)
    assert (table.window.lag, table.window.restorable) == (timedelta(minutes=5), Restorable.YES)


def test_service_without_a_window_restores_to_no_moment() -> None:
    """The reason is the verdict's."""
    judgement = WindowJudgement(failed(ExitCode.NO_WAY_BACK, "restore-window", "no backups"))
    table = _table(_evidence(), judgement)
    assert (table.rows, table.more) == ((), 0)
    assert table.window is not None
    assert (table.window.restorable, table.window.reasons) == (Restorable.NO, ("no backups",))
    assert (table.window.latest, table.window.lag) == (None, None)


def test_newest_are_shown_and_the_rest_is_counted() -> None:
    """The newest usable one is always among them, however many newer ones are of no use."""
    backups = [_backup(f"{number:02}", number, error=True) for number in range(25)]
    table = _table(_evidence(*backups), None)
    assert [row.label for row in table.rows] == [f"{number:02}" for number in range(ROW_LIMIT)]
    assert table.more == 5
    usable = _backup("good", 100)
    table = _table(_evidence(*backups, usable), _found("good", WHOLE))
    assert (len(table.rows), table.more, table.rows[-1].label) == (ROW_LIMIT, 6, "good")
    assert table.rows[-1].restorable is Restorable.YES


def test_many_reasons_are_cut() -> None:
    """A chain of which everything is gone has as many reasons as links."""
    row = _row(_backup("a", 1, references=tuple(f"b{number}" for number in range(30))))
    assert len(row.reasons) == 11
    assert row.reasons[-1] == "and 20 more"


@given(
    st.lists(
        st.tuples(
            st.integers(-30, 60),
            st.sampled_from([True, False, None]),
            st.sampled_from(list(Presence)),
        ),
        max_size=6,
    ),
    st.sampled_from([None, CLUSTER, "43"]),
)
def test_table_never_contradicts_the_verdict(
    told: list[tuple[int, bool | None, Presence]], cluster: str | None
) -> None:
    """With all WAL there, the newest row with a yes is the backup that the gate judged."""
    backups = [
        _backup(f"b{number}", hours, error=error, presence=presence)
        for number, (hours, error, presence) in enumerate(told)
    ]
    freshness = judge_freshness(_evidence(*backups, origin=Origin(cluster)), POLICY, NOW)
    label = freshness.findings[-1].facts.get("label")
    found = _found(str(label), WHOLE) if label else None
    yes = [row.label for row in lay_out_backups(freshness, found).rows if row.restorable == "yes"]
    assert yes == ([label] if label else [])
    if not yes:
        assert deciding_finding(freshness.findings) is not None
