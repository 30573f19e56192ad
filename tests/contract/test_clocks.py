"""Four clocks: of the backup host, the storage, the server and this machine, one an hour off."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from hook.catalogs.opening import Access, open_catalogs
from hook.clock import Clock
from hook.core.backups.origin import ServerIdentity
from hook.core.outcome import Status
from hook.errors import ExitCode
from hook.settings.backup_source import S3Settings, parse_backup_source
from hook.stages.backup import BackupStage
from tests.contract.conftest import Place
from tests.contract.test_bad_storage import EVERY_SYSTEM, System
from tests.testbed.backup_gate import fresh_repository, ignore, run_gate, running_context
from tests.testbed.canned_http import Answer, answering
from tests.testbed.directory_s3 import DirectoryS3

HOUR = timedelta(hours=1)


@pytest.mark.parametrize("off", [HOUR, -HOUR])
def test_clock_of_the_storage_an_hour_off_is_told(
    s3_place: Place, unreachable: Callable[[str], Place], off: timedelta
) -> None:
    """Which of the two is right cannot be known, so no age is."""
    info = fresh_repository(s3_place.root).infos[0].read_bytes()
    date = format_datetime(datetime.now(UTC) + off, usegmt=True)

    def answer(path: str) -> Answer:
        listed = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"
        return Answer(200, listed.encode() if "list-type" in path else info, {"Date": date})

    with answering(answer) as server:
        place = unreachable(server.endpoint)
        first, *_ = run_gate(place.url, place.settings)
    assert (first.status, first.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)
    assert first.message.startswith("this machine's clock and that of pgBackRest stanza")
    assert "apart (limit 5m)" in first.message
    assert "clocks of this node and of the storage" in first.hint


@dataclass(frozen=True, slots=True)
class _Wrong:
    """A clock beside the right one."""

    right: Clock
    off: timedelta

    def now(self) -> datetime:
        """Return the wrong time."""
        return self.right.now() + self.off

    def monotonic(self) -> float:
        """Return what no clock on the wall changes."""
        return self.right.monotonic()

    def sleep(self, seconds: float) -> None:
        """Sleep as long as anybody."""
        self.right.sleep(seconds)


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("off", [HOUR, -HOUR])
@EVERY_SYSTEM
def test_clock_of_the_node_an_hour_off_is_told(
    system: System, off: timedelta, tmp_path: Path
) -> None:
    """A storage that takes the signature all the same tells its own time with each answer."""
    system.fill(tmp_path / "repo")
    with answering(DirectoryS3(tmp_path)) as server, running_context() as ctx:
        source = parse_backup_source(f"{system.source}:s3://shop/repo{system.folder}")
        access = Access(S3Settings(endpoint=server.endpoint), system.stanza)
        stage = BackupStage(open_catalogs(source, access).backups, 24 * HOUR, HOUR)
        wrong = ctx._replace(clock=_Wrong(ctx.clock, off))
        identity = ServerIdentity(system.identifier, database="shop")
        first, *_ = stage.start(wrong, identity, ignore)()
    assert (first.status, first.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)
    assert first.message.startswith("this machine's clock and that of ")
    assert "clocks of this node and of the storage" in first.hint


# They ask the server for the times of a backup; the others have their own host's.
_DATED_BY_SERVER = {"pgbackrest", "barman"}


@pytest.mark.usefixtures("credentials")
@pytest.mark.parametrize("off", [HOUR, -HOUR])
@EVERY_SYSTEM
def test_clock_of_the_server_an_hour_off_is_told_where_it_dates_the_backups(
    system: System, off: timedelta, tmp_path: Path
) -> None:
    """The storage's clock is right, and does not tell when a backup ended."""
    system.fill(tmp_path / "repo")
    with answering(DirectoryS3(tmp_path)) as server, running_context() as ctx:
        source = parse_backup_source(f"{system.source}:s3://shop/repo{system.folder}")
        access = Access(S3Settings(endpoint=server.endpoint), system.stanza)
        stage = BackupStage(open_catalogs(source, access).backups, 24 * HOUR, HOUR)
        identity = ServerIdentity(system.identifier, database="shop", clock_ahead=off)
        first, *_ = stage.start(ctx, identity, ignore)()
    if system.source in _DATED_BY_SERVER:
        assert (first.status, first.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)
        assert "that of the database server, which dates the backups, lie 1h apart" in first.message
    else:
        assert first.status is Status.PASSED


@pytest.mark.parametrize("place", ["s3", "directory"], indirect=True)
def test_clock_of_the_backup_host_an_hour_ahead_is_told(place: Place) -> None:
    """A backup that ended in the future is no backup of now."""
    repository = fresh_repository(place.root)
    repository.stop_newest_at(datetime.now(UTC) + HOUR)
    *_, finding = run_gate(place.url, place.settings)
    assert finding.code is ExitCode.NO_WAY_BACK
    assert "in the future" in str(finding)


@pytest.mark.parametrize("place", ["s3", "directory"], indirect=True)
def test_clock_of_the_backup_host_an_hour_behind_does_no_harm(place: Place) -> None:
    """The backup looks an hour older than it is: refused too early, never too late."""
    repository = fresh_repository(place.root)
    repository.stop_newest_at(datetime.now(UTC) - HOUR)
    (finding,) = run_gate(place.url, place.settings)
    assert finding.status is Status.PASSED
    repository.stop_newest_at(datetime.now(UTC) - timedelta(hours=23, minutes=30) - HOUR)
    (finding,) = run_gate(place.url, place.settings)
    assert finding.code is ExitCode.NO_WAY_BACK
