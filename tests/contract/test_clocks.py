"""Four clocks: of the backup host, the storage, the server and this machine, one an hour off."""

from __future__ import annotations

import itertools
import os
import threading
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hook.catalogs.opening import Access, open_catalogs
from hook.clock import Clock
from hook.core.backups.origin import ServerIdentity
from hook.core.outcome import Finding, Status, deciding_finding
from hook.demo.repository import STANZA
from hook.errors import ExitCode
from hook.settings.backup_source import S3Settings, parse_backup_source
from hook.stages.backup import BackupStage
from tests.contract.conftest import Place
from tests.contract.test_bad_storage import EVERY_SYSTEM, SYSTEMS, System
from tests.testbed import barman_server, pgbackrest_repository, walg_repository
from tests.testbed.backup_gate import fresh_repository, ignore, run_gate, running_context
from tests.testbed.canned_http import answering
from tests.testbed.clocks_off import HOUR, RIGHT, Off, WrongClock, clocks_told, judge_by
from tests.testbed.directory_s3 import DirectoryS3
from tests.testbed.dump_place import DumpPlace

_LOOKS_AT_A_READING = 2
HOUR_OFF = pytest.mark.parametrize("off", [HOUR, -HOUR])
EVERYWHERE = pytest.mark.parametrize("storage", ["s3", "directory"])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a folder of which the backups lie in ``repo``."""
    return tmp_path / "repo"


def _judge(
    system: System, root: Path, storage: str, off: Off = RIGHT, max_age: timedelta = 24 * HOUR
) -> tuple[Finding, ...]:
    """Return what the gate says of the backups of *system* below *root*."""
    if storage == "directory":
        return _ask(system, f"{root}{system.folder}", S3Settings(), off, max_age)
    with answering(DirectoryS3(root.parent, off.storage)) as server:
        settings = S3Settings(endpoint=server.endpoint)
        return _ask(system, f"s3://shop/repo{system.folder}", settings, off, max_age)


def _ask(
    system: System, place: str, settings: S3Settings, off: Off, max_age: timedelta
) -> tuple[Finding, ...]:
    source = parse_backup_source(f"{system.source}:{place}")
    catalogs = open_catalogs(source, Access(settings, system.stanza))
    return judge_by(catalogs, ServerIdentity(system.identifier, database="shop"), off, max_age)


def _receive_early(files: Iterable[Path], span: timedelta) -> None:
    """Let the storage have *files* that much before the newest backup ended, by what it tells."""
    written_at = (datetime.now(UTC) - timedelta(minutes=19) - span).timestamp()
    for path in files:
        os.utime(path, (written_at, written_at))


def _assert_refused(findings: tuple[Finding, ...]) -> None:
    decisive = deciding_finding(findings)
    assert decisive is not None
    assert decisive.code in {ExitCode.NO_WAY_BACK, ExitCode.UNKNOWN_BACKUP}


@pytest.mark.usefixtures("credentials")
@EVERYWHERE
@EVERY_SYSTEM
def test_right_clocks_are_not_told(system: System, storage: str, root: Path) -> None:
    """Of what follows here nothing would be seen otherwise."""
    system.fill(root)
    assert deciding_finding(_judge(system, root, storage)) is None


@pytest.mark.usefixtures("credentials")
@HOUR_OFF
@EVERY_SYSTEM
def test_clock_of_the_storage_an_hour_off_is_told(
    system: System, off: timedelta, root: Path
) -> None:
    """Which of the two is right cannot be known, so no age is."""
    system.fill(root)
    findings = _judge(system, root, "s3", Off(storage=off))
    assert list(clocks_told(findings)) == ["storage"]
    _assert_refused(findings)


@pytest.mark.usefixtures("credentials")
@HOUR_OFF
@EVERYWHERE
@EVERY_SYSTEM
def test_clock_of_the_server_an_hour_off_is_told(
    system: System, off: timedelta, storage: str, root: Path
) -> None:
    """Whatever backs it up, and whether or not the storage tells a time of its own."""
    system.fill(root)
    findings = _judge(system, root, storage, Off(server=off))
    assert list(clocks_told(findings)) == ["database server"]
    _assert_refused(findings)


@pytest.mark.usefixtures("credentials")
@HOUR_OFF
@EVERYWHERE
@EVERY_SYSTEM
def test_clock_of_the_node_an_hour_off_is_told(
    system: System, off: timedelta, storage: str, root: Path
) -> None:
    """A storage that takes the signature all the same tells its own time with each answer."""
    system.fill(root)
    findings = _judge(system, root, storage, Off(node=off))
    told = ["database server"] if storage == "directory" else ["storage", "database server"]
    assert list(clocks_told(findings)) == told
    is_blamed = "this node, which the other two contradict," in findings[0].hint
    assert is_blamed is (storage == "s3")
    _assert_refused(findings)


class _Jumping(WrongClock):
    """A right clock that goes an hour ahead of itself once the storage was read."""

    def __init__(self, right: Clock) -> None:
        super().__init__(right, timedelta(0))
        self.looks = itertools.count(1)
        self.was_read = threading.Event()

    def now(self) -> datetime:
        """Return the time, and note when a reading is over."""
        number = next(self.looks)
        moment = self.right.now()
        if number == _LOOKS_AT_A_READING:
            self.was_read.set()
        return moment if number <= _LOOKS_AT_A_READING else moment + HOUR


def test_waiting_for_other_gates_is_no_wrong_clock(s3_place: Place) -> None:
    """Blockers may be waited for after the storage was read, for longer than clocks may differ."""
    fresh_repository(s3_place.root)
    source = parse_backup_source(f"pgbackrest:{s3_place.url}")
    system = SYSTEMS["pgbackrest"]
    catalogs = open_catalogs(source, Access(s3_place.settings, system.stanza))
    stage = BackupStage(catalogs.backups, 24 * HOUR, HOUR)
    with running_context() as ctx:
        clock = _Jumping(ctx.clock)
        finish = stage.start(ctx._replace(clock=clock), ServerIdentity(system.identifier), ignore)
        assert clock.was_read.wait(60)
        (finding,) = finish()
    assert finding.status is Status.PASSED


@pytest.mark.usefixtures("credentials")
@EVERYWHERE
@EVERY_SYSTEM
def test_clock_that_dated_the_backups_ahead_is_refused(
    system: System, storage: str, root: Path
) -> None:
    """The storage had each of them an hour or more before the end that it tells."""
    system.fill(root)
    _receive_early(root.rglob("*"), 21 * HOUR)
    (finding,) = _judge(system, root, storage)
    assert (finding.status, finding.code) == (Status.FAILED, ExitCode.NO_WAY_BACK)
    assert " after the storage had it, so that a clock was wrong" in finding.message
    assert "clocks of the backup host, the database server and the storage" in finding.hint


# What each writes last of its newest backup.
_WRITTEN_LAST = {
    "pgbackrest": f"backup/{STANZA}/{pgbackrest_repository.INCREMENTAL}/backup.manifest",
    "walg": f"basebackups_005/{walg_repository.NEWEST}_backup_stop_sentinel.json",
    "barman": f"{barman_server.SERVER}/base/{barman_server.NEWEST}/backup.info",
    "cloudnativepg": f"clusters/shop-db/base/{barman_server.NEWEST}/backup.info",
}


@pytest.mark.usefixtures("credentials")
@EVERYWHERE
@pytest.mark.parametrize("name", _WRITTEN_LAST)
def test_backup_before_the_misdated_one_is_found(name: str, storage: str, root: Path) -> None:
    """It was dated by a clock that was right at the time, and counts."""
    system = SYSTEMS[name]
    system.fill(root)
    _receive_early([root / _WRITTEN_LAST[name]], HOUR)
    passed_over, finding = _judge(system, root, storage)
    assert passed_over.status is Status.WARNED
    assert "so that a clock was wrong" in passed_over.message
    assert finding.status is Status.PASSED


@pytest.mark.usefixtures("credentials")
@EVERYWHERE
def test_dump_before_the_misdated_one_is_found(storage: str, root: Path) -> None:
    """Likewise, of the same series."""
    SYSTEMS["dump"].fill(root)
    DumpPlace(root).add("shop-{}.dump", "custom.dump", 2 * HOUR)
    _receive_early([max(root.rglob("shop-*.dump"))], HOUR)
    passed_over, finding = _judge(SYSTEMS["dump"], root, storage)
    assert "so that a clock was wrong" in passed_over.message
    assert finding.status is Status.PASSED


@pytest.mark.parametrize("place", ["s3", "directory"], indirect=True)
def test_clock_that_dated_a_backup_into_the_future_is_told(place: Place) -> None:
    """A backup that ended in the future is no backup of now."""
    repository = fresh_repository(place.root)
    repository.stop_newest_at(datetime.now(UTC) + HOUR)
    *_, finding = run_gate(place.url, place.settings)
    assert finding.code is ExitCode.NO_WAY_BACK
    assert "in the future" in finding.message


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
    assert finding.hint.endswith("m later, so that it was copied or a clock was behind.")
