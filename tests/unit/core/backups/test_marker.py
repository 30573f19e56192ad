"""How a marker is called, and what is made of one that cannot be had."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import pytest

from hook.core.backups.archive import Archiver
from hook.core.backups.marker import (
    Marker,
    MarkerRights,
    Repository,
    exact_time,
    judge_archived,
    judge_archiving,
    judge_not_archived,
    judge_position,
    judge_rights,
    judge_untold,
    marker_name,
    why_not_archived,
    with_position,
)
from hook.core.backups.restore_commands import RestorePoint
from hook.core.outcome import Finding, Status, failed, passed, warned
from hook.errors import ExitCode
from tests.fakes import NOON

TOKEN = "1ec8a77e"
ALL = MarkerRights(may_create=True, may_switch=True)
MARKER = Marker("presync-shop-x", "0/38025F60", NOON, 2, "000000020000000000000038")
WHERE = {"lsn": MARKER.lsn, "segment": MARKER.segment}
GOOD = Archiver("on", "replica", has_destination=True)


@pytest.mark.parametrize(
    ("application", "plain"),
    [
        ("shop", "shop"),
        ("Shop DB", "shop_db"),
        ("a'b;c$(d)", "a_b_c_d_"),
        ("商店", "_"),
        ("", "database"),
        ("x" * 63, "x" * 29),
    ],
)
def test_name_is_plain_and_fits(application: str, plain: str) -> None:
    """63 bytes at most, and nothing in it that a shell or a configuration file reads."""
    name = marker_name(application, NOON, TOKEN)
    assert name == f"presync-{plain}-20260301T120000Z-{TOKEN}"
    assert len(name.encode()) <= 63
    assert re.fullmatch(r"[a-zA-Z0-9._-]+", name)


def test_name_tells_the_time_in_utc() -> None:
    """Wherever the server stands."""
    noon = NOON.astimezone(timezone(timedelta(hours=8)))
    assert marker_name("shop", noon, TOKEN) == marker_name("shop", NOON, TOKEN)


def test_time_has_microseconds_and_an_offset() -> None:
    """It may be a recovery target, also when it is a whole second."""
    moment = datetime(2026, 11, 22, 3, 31, 34, tzinfo=timezone(timedelta(hours=8)))
    assert exact_time(moment) == "2026-11-21T19:31:34.000000+00:00"
    assert exact_time(NOON.replace(microsecond=7)) == "2026-03-01T12:00:00.000007+00:00"
    assert datetime.fromisoformat(exact_time(moment)).astimezone(UTC) == moment


def test_marker_is_described_with_and_without_a_restore_point() -> None:
    """Position, timeline and time always; the name if there is one."""
    told = "0/38025F60 on timeline 2, 2026-03-01T12:00:00.000000+00:00"
    assert MARKER.describe() == f"restore point presync-shop-x at {told}"
    assert MARKER._replace(name=None).describe() == told


def test_marker_is_the_target_of_a_restore() -> None:
    """With the backup that the restore begins with, if there is one."""
    marker = MARKER._replace(backup="20260301-110000F")
    assert marker.point == RestorePoint(MARKER.name, MARKER.lsn, NOON, 2, "20260301-110000F")


def test_role_with_all_rights_passes() -> None:
    """Nothing is missing."""
    message = "app may create a restore point and finish its WAL file"
    assert judge_rights(ALL, "app", "shop") == passed("marker-rights", message)


def test_role_that_may_not_create_is_told_the_grant() -> None:
    """Both functions, the role quoted, and in which database; the policy is named."""
    finding = judge_rights(MarkerRights(may_create=False, may_switch=False), 'my"app', "shop")
    assert finding == failed(
        ExitCode.NO_WAY_BACK,
        "marker-rights",
        'my"app may not create a restore point in database shop',
        "Grant it in shop itself: GRANT EXECUTE ON FUNCTION pg_create_restore_point(text),"
        ' pg_switch_wal() TO "my""app"; PRESYNC_MARKER_POLICY=warn goes on without it.',
        missing=["pg_create_restore_point(text)", "pg_switch_wal()"],
    )


def test_role_that_may_not_switch_may_have_to_wait() -> None:
    """On a busy server the file is filled anyway, so nothing is lost yet."""
    finding = judge_rights(MarkerRights(may_create=True, may_switch=False), "app", "shop")
    assert finding == warned(
        "marker-rights",
        "app may not finish the marker's WAL file, a run waits until others fill it",
        'Grant it in shop itself: GRANT EXECUTE ON FUNCTION pg_switch_wal() TO "app";',
        missing=["pg_switch_wal()"],
    )


@pytest.mark.parametrize(
    ("archiver", "why"),
    [
        (GOOD._replace(mode="off"), "archive_mode is off"),
        (GOOD._replace(wal_level="minimal"), "wal_level is minimal"),
        (
            GOOD._replace(has_destination=False),
            "neither archive_command nor archive_library is set",
        ),
    ],
)
def test_server_that_archives_nothing_is_refused_with_the_position(
    archiver: Archiver, why: str
) -> None:
    """No wait could help; what is known is told all the same."""
    finding = judge_archiving(archiver)
    assert finding == failed(
        ExitCode.NO_WAY_BACK,
        "marker-archiving",
        f"a marker cannot get into the repository: {why}",
        "Set archive_mode, wal_level and archive_command as the backup system says.",
    )
    told = with_position(finding, MARKER._replace(name=None)).message
    assert told.endswith(
        "; only the position is recorded: " + MARKER._replace(name=None).describe()
    )


def test_server_that_archives_is_not_judged_yet() -> None:
    """Whether it does so in time is seen."""
    assert judge_archiving(GOOD) is None


SEEN = Repository("stanza app")
TOLD = Repository("the command list", is_told=True)


def test_archived_marker_names_its_file_and_where_it_was_seen() -> None:
    """Good news, with what a restore needs."""
    assert judge_archived(MARKER, SEEN, timedelta(seconds=0.24)) == passed(
        "marker-archived",
        f"{MARKER.describe()}; its WAL 000000020000000000000038 is in stanza app",
        **WHERE,
        told_by=None,
        waited_ms=240,
    )


def test_archived_marker_that_somebody_tells_of_was_not_seen() -> None:
    """Whose word it is has to be said."""
    finding = judge_archived(MARKER, TOLD, timedelta(0))
    assert finding.facts["told_by"] == "the command list"
    assert finding.message.endswith(
        "; its WAL 000000020000000000000038 is archived, as the command list tells"
    )
    late = judge_not_archived(MARKER, MARKER.segment, TOLD, timedelta(minutes=1), "why")
    assert late.message == (
        "marker not archived: the command list does not tell of its WAL 000000020000000000000038"
        " after 1m; why"
    )


def test_marker_between_the_ends_that_are_told_is_unknown() -> None:
    """Nobody has said that it is there, nor that it is not."""
    finding = judge_untold(MARKER, TOLD)
    assert (finding.status, finding.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)
    assert "with the marker's 000000020000000000000038 between" in finding.message
    assert finding.facts == WHERE


def test_marker_that_is_not_archived_is_refused_with_a_reason() -> None:
    """The server's own word says why."""
    failing = GOOD._replace(last_failed="0" * 24, last_failed_at=NOON, failures=3)
    why = why_not_archived(failing, ALL)
    assert judge_not_archived(MARKER, MARKER.segment, SEEN, timedelta(minutes=1), why) == failed(
        ExitCode.NO_WAY_BACK,
        "marker-archived",
        "marker not archived: its WAL 000000020000000000000038 is not in stanza app after 1m;"
        " archiving fails: 000000000000000000000000 at 2026-03-01T12:00:00Z (3 failures so far)",
        "See why archive_command takes so long or fails, in the server's log;"
        " PRESYNC_MARKER_WAIT says how long to wait.",
        **WHERE,
    )


def test_reason_is_the_missing_right_where_that_is_why() -> None:
    """A file that nobody finishes is never archived."""
    why = why_not_archived(GOOD, MarkerRights(may_create=True, may_switch=False))
    assert "may not execute pg_switch_wal()" in why


def test_position_alone_is_no_verdict() -> None:
    """Nobody looks into an archive, so nothing is promised."""
    assert judge_position(MARKER._replace(name=None)) == Finding(
        Status.SKIPPED,
        "marker-source",
        "no WAL archive is looked at, so no marker is made; the run begins at 0/38025F60 on"
        " timeline 2, 2026-03-01T12:00:00.000000+00:00",
        facts=WHERE,
    )
