"""Whether a repository holds what this server cannot have written."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from hook.core.backups.archive import ArchiveEvidence, Covered
from hook.core.backups.archive_judgement import judge_archive
from hook.core.backups.backup import Backup, BackupType
from hook.core.backups.other_writer import (
    judge_base,
    judge_early,
    judge_writer,
    may_be_of_another,
)
from hook.core.backups.wal import Recovery, Run, Segment, Stretch
from hook.errors import ExitCode
from tests.fakes import NOON
from tests.unit.core.backups.test_archive_judgement import SIZE, evidence, name, server

BACKUP = Backup(
    "full", BackupType.FULL, NOON, NOON, error=False, wal_start=name(3), lsn_stop="0/4000064"
)


def test_archive_that_ends_before_the_server_is_its_own() -> None:
    """What is being written is not there."""
    assert not may_be_of_another(evidence((Run(3, 9),)), server())
    assert not may_be_of_another(evidence(()), server())


def test_segment_that_is_still_written_is_of_another_server() -> None:
    """The server has not finished it, so it cannot have archived it."""
    found = evidence((Run(3, 10),))
    assert may_be_of_another(found, server())
    finding = judge_writer(found, 1, int(10.9 * SIZE))
    assert finding is not None
    assert (finding.code, finding.rule) == (ExitCode.NO_WAY_BACK, "wal-cluster")
    assert finding.message == (
        f"the archive has WAL from {name(10)} on, and this server is at 0/AE66666: another server"
        " archives there, of which this one is a copy or an earlier state"
    )
    assert finding.hint.endswith("a stanza and a backup of its own.")


def test_segment_that_was_finished_meanwhile_is_its_own() -> None:
    """A busy server goes on while its archive is looked through."""
    assert judge_writer(evidence((Run(3, 10),)), 1, 11 * SIZE) is None


def test_segments_of_an_earlier_timeline_prove_nothing() -> None:
    """There the server that came before went on by itself."""
    recovery = Recovery(Segment(1, 3), 4 * SIZE + 100, Segment(2, 10), SIZE)
    covered = (Covered(Stretch(1, 3, 7), (Run(3, 20),)), Covered(Stretch(2, 8, 10), (Run(8, 9),)))
    found = ArchiveEvidence("the archive", recovery, "42", covered)
    assert judge_writer(found, 2, int(10.5 * SIZE)) is None


def test_backup_that_ends_ahead_of_the_server_is_of_another() -> None:
    """It was taken since the copy was made."""
    finding = judge_writer(evidence(()), 1, 4 * SIZE)
    assert finding is not None
    assert "the backup in the archive ends at 0/4000064, and this server is at" in finding.message
    later = Recovery(Segment(2, 3), 4 * SIZE + 100, Segment(1, 4), SIZE)
    assert judge_writer(evidence(())._replace(recovery=later), 1, 4 * SIZE) is None


def test_it_is_judged_before_holes_and_lag() -> None:
    """They are those of the other server."""
    found = evidence((Run(3, 4), Run(8, 10)))
    limit = timedelta(minutes=15)
    (finding,) = judge_archive(
        found, server()._replace(reached=server().position), limit, "42"
    ).findings
    assert finding.rule == "wal-cluster"
    (hole,) = judge_archive(found, server(), limit, "42").findings
    assert hole.rule == "wal-archive"
    (cluster,) = judge_archive(
        found._replace(system_identifier="43"), server()._replace(reached=0), limit, "42"
    ).findings
    assert "is of cluster 43" in cluster.message


@pytest.mark.parametrize(
    ("backup", "timeline", "lsn"),
    [
        (BACKUP, 1, "0/4000064"),
        (BACKUP, 2, "0/3000000"),
        (replace(BACKUP, wal_start=None), 1, "0/3000000"),
        (replace(BACKUP, lsn_stop=None), 1, "0/3000000"),
    ],
)
def test_backup_of_the_server_itself_begins_a_restore(
    backup: Backup, timeline: int, lsn: str
) -> None:
    """It ends before the marker, or nobody can tell."""
    assert judge_base(backup, "the archive", timeline, lsn) is None


def test_backup_that_ends_behind_the_marker_is_of_another() -> None:
    """It was there before the marker was made."""
    finding = judge_base(BACKUP, "the archive", 1, "0/4000063")
    assert finding is not None
    assert finding.message.startswith("backup full in the archive ends at 0/4000064, and this")


def test_marker_whose_segment_is_there_already_is_told() -> None:
    """Before it was finished."""
    finding = judge_early(name(4), "the archive", "0/4000063")
    assert finding.message.startswith(f"the archive has WAL from {name(4)} on, and this server is")
