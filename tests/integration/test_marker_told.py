"""A marker whose WAL nobody sees: ``pgbackrest info`` tells of the ends of the archive."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from hook.catalogs.opening import Access, open_catalogs
from hook.core.backups.marker import Marker
from hook.core.backups.restore_commands import RestoreSource
from hook.core.outcome import Status
from hook.errors import ExitCode
from hook.settings.backup_source import S3Settings, parse_backup_source
from hook.stages.marker import MarkerStage
from tests.testbed.marker_bench import MarkerBench
from tests.testbed.told_backups import printing, recorded

# Before what any server writes; a new one is in the segment behind it.
FIRST = "000000010000000000000000"


@dataclass(slots=True)
class ToldByPgBackRest:
    """What ``pgbackrest info`` prints of two repositories, which anybody may change."""

    folder: Path
    identifier: str
    last: str = FIRST

    def source(self) -> str:
        """Write it anew, and return the source that prints it."""
        (stanza,) = json.loads(recorded("two-repos"))
        for database in stanza["db"]:
            database["system-id"] = int(self.identifier)
        for backup in stanza["backup"]:
            backup["lsn"] = {"start": "0/28", "stop": "0/100"}
        for archive in stanza["archive"]:
            archive |= {"min": FIRST, "max": self.last}
        return printing(self.folder, json.dumps([stanza]).encode())

    def stage(self, bench: MarkerBench) -> MarkerStage:
        """Return the stage that asks it."""
        catalog = open_catalogs(parse_backup_source(self.source()), Access(S3Settings())).wal
        assert catalog is not None
        return replace(
            bench.stage(bench.catalog(), wait=30),
            catalog=catalog,
            source=RestoreSource("command", ""),
            is_told=True,
        )


@pytest.fixture
def told(marker_bench: MarkerBench, tmp_path: Path) -> ToldByPgBackRest:
    """Return what pgBackRest prints before any WAL of this server is archived."""
    return ToldByPgBackRest(tmp_path, marker_bench.identifier)


def test_marker_by_pgbackrests_own_word_has_its_commands(
    marker_bench: MarkerBench, told: ToldByPgBackRest
) -> None:
    """What the command prints is known to be pgBackRest's, and in which repository a backup is."""

    def archive(marker: Marker) -> None:
        told.last = marker.segment
        told.source()

    marker_bench.on_note = archive
    (finding,) = marker_bench.run(told.stage(marker_bench))
    assert finding.status is Status.PASSED, finding.message
    marker = marker_bench.noted[-1]
    # Nothing but pgBackRest has looked, and it has listed that very file.
    assert finding.message.endswith(
        f"; its WAL {marker.segment} is archived, as the command cat tells"
    )
    assert (marker.is_archived, marker.told_by) == (True, "the command cat")
    assert marker.backup == "20261121-190513F_20261121-190521I"
    first, by_name, *_ = (way.command for way in marker.restore)
    tool = f"pgbackrest --stanza=app --repo=2 --delta --set={marker.backup}"
    assert first.startswith(f"{tool} --type=lsn --target={marker.lsn} ")
    assert by_name.startswith(f"{tool} --type=name ")


def test_marker_between_the_ends_that_pgbackrest_tells_is_unknown(
    marker_bench: MarkerBench, told: ToldByPgBackRest
) -> None:
    """It may be a hole, so the policy decides; to wait would not help."""

    def archive(marker: Marker) -> None:
        told.last = f"{marker.segment[:16]}000000FF"
        told.source()

    marker_bench.on_note = archive
    (finding,) = marker_bench.run(told.stage(marker_bench))
    assert (finding.status, finding.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)
    (marker,) = marker_bench.noted
    assert finding.message == (
        "the command cat tells where the WAL begins and ends, with the marker's"
        f" {marker.segment} between, and not whether that is there"
    )
    assert not marker.is_archived
