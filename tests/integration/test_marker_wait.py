"""What is made of a storage that a marker's WAL is waited for in."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from hook.catalogs.barman import BarmanCatalog
from hook.catalogs.directory import DirectoryStore
from hook.catalogs.tally import Tally
from hook.clock import Deadline, Interrupt
from hook.core.backups.marker import Marker
from hook.core.backups.wal import Segment, parse_segment
from hook.core.outcome import Status
from hook.errors import BackupSourceMissing, BackupUnknown, DeadlineExceeded, ExitCode, Interrupted
from hook.postgres.marker import fetch_position
from hook.settings.durations import parse_duration
from hook.settings.marker_specification import MARKER_WAIT
from tests.fakes import FakeClock, FakeEvents
from tests.testbed.marker_bench import GOOD, NOW, FakeCatalog, MarkerBench, arriving
from tests.testbed.process import ROOT
from tests.testbed.run_context import open_session, target_of

_SIZE = 2**24


def test_marker_that_never_arrives_is_refused(
    marker_bench: MarkerBench, events: FakeEvents
) -> None:
    """With what the server says of its archiving."""
    (finding,) = marker_bench.run(marker_bench.stage(marker_bench.catalog()))
    assert (finding.status, finding.code) == (Status.FAILED, ExitCode.NO_WAY_BACK)
    assert finding.message.startswith(
        f"marker not archived: its WAL {marker_bench.noted[0].segment} is"
    )
    assert "is not in the fake catalog after 0.3s; " in finding.message
    assert [told["stage"] for told in events.named("retry.scheduled")] == ["marker"]


def test_wait_that_is_none_is_no_warning(marker_bench: MarkerBench, events: FakeEvents) -> None:
    """Archiving takes a moment in every run; ten seconds of it are something to look after."""
    clock = FakeClock(NOW)
    deadline = Deadline.after(clock, timedelta(minutes=25), "PRESYNC_DEADLINE")
    marker_bench.ctx = marker_bench.ctx._replace(clock=clock, deadline=deadline)
    marker_bench.run(marker_bench.stage(marker_bench.catalog(), wait=25))
    levels = [told["level"] for told in events.named("retry.scheduled")]
    assert levels == ["info", "warning", "warning"]


def test_deadline_of_the_run_that_ends_the_wait_is_told(marker_bench: MarkerBench) -> None:
    """That the marker is not archived may be no more than a run without time."""
    clock = FakeClock(NOW)
    deadline = Deadline.after(clock, timedelta(seconds=20), "PRESYNC_DEADLINE")
    marker_bench.ctx = marker_bench.ctx._replace(clock=clock, deadline=deadline)
    with pytest.raises(DeadlineExceeded, match="PRESYNC_DEADLINE"):
        marker_bench.run(marker_bench.stage(marker_bench.catalog(), wait=30))
    (marker,) = marker_bench.noted
    assert not marker.is_archived


def _advised_for_barman() -> str:
    """Return what the docs say that `PRESYNC_MARKER_WAIT` is to be on a host of Barman."""
    page = (ROOT / "docs/backup-sources.md").read_text()
    (advised,) = re.findall(r"The marker waits for that minute: set `\S+` to `(\w+)` there", page)
    return str(advised)


@pytest.mark.parametrize(
    ("wait", "code"),
    [(MARKER_WAIT.default or "", ExitCode.NO_WAY_BACK), (_advised_for_barman(), ExitCode.OK)],
    ids=["default", "advised"],
)
def test_wait_for_a_host_of_barman_is_longer_than_its_minute(
    marker_bench: MarkerBench, tmp_path: Path, wait: str, code: ExitCode
) -> None:
    """What arrives just behind `barman cron` is taken in by the next one, a moment after it began.

    Until then it lies in a folder in which nothing counts.
    """
    clock = FakeClock(NOW)
    deadline = Deadline.after(clock, timedelta(minutes=25), "PRESYNC_DEADLINE")
    marker_bench.ctx = marker_bench.ctx._replace(clock=clock, deadline=deadline)
    incoming, wals = tmp_path / "shop/incoming", tmp_path / "shop/wals"
    incoming.mkdir(parents=True)
    host = BarmanCatalog(DirectoryStore(tmp_path, Tally()), "shop")

    def look(name: str) -> bool:
        taken_in = wals / name[:16] / name
        if clock.now() < NOW + timedelta(seconds=62):
            (incoming / name).write_bytes(b"wal")
        elif not taken_in.exists():
            taken_in.parent.mkdir(parents=True)
            (incoming / name).rename(taken_in)
        return host.has_segment(name)

    stage = marker_bench.stage(marker_bench.catalog(look), parse_duration(wait).total_seconds())
    (finding,) = marker_bench.run(stage)
    assert (finding.code or ExitCode.OK) is code, finding.message


def test_storage_that_fails_is_asked_again(marker_bench: MarkerBench) -> None:
    """It may be back a moment later; what it cannot tell to the end is unknown."""

    def failing(_name: str) -> bool:
        if len(catalog.asked) in {1, 2, 4}:
            raise BackupUnknown("S3 is busy", "Try again later.")
        return len(catalog.asked) > 3

    catalog = marker_bench.catalog(failing)
    (finding,) = marker_bench.run(marker_bench.stage(catalog, wait=30))
    assert finding.status is Status.PASSED

    def broken(_name: str) -> bool:
        if len(catalog.asked) > 1:
            raise BackupUnknown("S3 is busy", "Try again later.")
        return False

    catalog = marker_bench.catalog(broken)
    (finding,) = marker_bench.run(marker_bench.stage(catalog))
    assert (finding.status, finding.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)
    assert finding.message == "S3 is busy"


def _before(marker: Marker, count: int) -> str:
    """Return the segment *count* before that of *marker*."""
    return Segment(marker.timeline, _number(marker.segment) - count).name(_SIZE)


def _number(name: str) -> int:
    segment = parse_segment(name, _SIZE)
    assert segment is not None
    return segment.number


@pytest.fixture
def log(marker_bench: MarkerBench) -> Marker:
    """Return where the log of a server stands that has finished some segments."""
    for _ in range(3):
        marker_bench.database.execute(
            "SELECT pg_logical_emit_message(false, 'presync', 'something'), pg_switch_wal()"
        )
    with open_session(target_of(marker_bench.database), marker_bench.ctx.interrupt) as session:
        return fetch_position(session)


def test_marker_waits_for_the_wal_in_front_of_it(marker_bench: MarkerBench, log: Marker) -> None:
    """An asynchronous archiver may come to the marker's segment first."""
    late = _before(log, 1)

    def answer(name: str) -> bool:
        return len(catalog.asked) > 1 and (name != late or catalog.asked.count(late) > 1)

    catalog = marker_bench.catalog(answer)
    whole_to = _before(log, 3)
    (finding,) = marker_bench.run(marker_bench.stage(catalog, 30, whole_to))
    assert finding.status is Status.PASSED
    assert set(catalog.asked) == {log.segment, _before(log, 2), late}
    assert marker_bench.noted[-1].is_archived


def test_marker_behind_wal_that_never_comes_is_refused(
    marker_bench: MarkerBench, log: Marker
) -> None:
    """No restore gets to it, though its own segment is there."""
    dropped = _before(log, 2)
    seen = arriving()
    catalog = marker_bench.catalog(lambda name: seen(name) and name != dropped)
    (finding,) = marker_bench.run(marker_bench.stage(catalog, whole_to=_before(log, 3)))
    assert (finding.rule, finding.code) == ("marker-archived", ExitCode.NO_WAY_BACK)
    lack = f"marker not archived: in front of it, WAL {dropped} is not in the fake catalog after"
    assert finding.message.startswith(lack)
    assert not marker_bench.noted[-1].is_archived


def test_storage_that_does_not_answer_beforehand_leaves_the_writer_unknown(
    marker_bench: MarkerBench, events: FakeEvents
) -> None:
    """A copy of a cluster waits for a file that the original has archived long before.

    Only what was there before the server had finished it tells the two apart.
    """

    def silent(_name: str) -> bool:
        raise BackupUnknown("S3 is busy", "Try again later.")

    (finding,) = marker_bench.run(marker_bench.stage(marker_bench.catalog(silent)))
    (marker,) = marker_bench.noted
    assert (finding.status, finding.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)
    assert finding.message.startswith("S3 is busy; only the position is recorded: ")
    assert (marker.name, marker.is_archived) == (None, False)
    told = [message for event, message, _ in events.told if event == "retry.scheduled"]
    assert told == [f"the fake catalog does not say whether it has WAL {marker.segment} yet"]


def test_archive_that_is_not_there_is_not_waited_for(marker_bench: MarkerBench) -> None:
    """No stanza comes into being by waiting."""

    def gone(_name: str) -> bool:
        raise BackupSourceMissing("there is no archive", "Create it.")

    catalog = marker_bench.catalog(gone)
    (finding,) = marker_bench.run(marker_bench.stage(catalog, wait=30))
    assert (finding.status, finding.code) == (Status.FAILED, ExitCode.NO_WAY_BACK)
    assert finding.message.startswith("there is no archive; only the position is recorded: ")
    assert [marker.name for marker in marker_bench.noted] == [None]
    assert len(catalog.asked) == 1


def test_archive_that_goes_away_is_not_waited_for(marker_bench: MarkerBench) -> None:
    """The marker is there by then, and stays told."""

    def gone(_name: str) -> bool:
        if len(catalog.asked) > 1:
            raise BackupSourceMissing("there is no archive", "Create it.")
        return False

    catalog = marker_bench.catalog(gone)
    with pytest.raises(BackupSourceMissing):
        marker_bench.run(marker_bench.stage(catalog, wait=30))
    assert len(catalog.asked) == 2
    assert [bool(marker.name) for marker in marker_bench.noted] == [True]


@pytest.fixture
def hanging(marker_bench: MarkerBench) -> Iterator[FakeCatalog]:
    """Return a catalog that never says whether a segment is there."""
    release = threading.Event()
    yield marker_bench.catalog(lambda _: release.wait(60))
    release.set()


def test_storage_that_hangs_is_left(marker_bench: MarkerBench, hanging: FakeCatalog) -> None:
    """No answer is not a no."""
    (finding,) = marker_bench.run(marker_bench.stage(hanging))
    assert finding.code is ExitCode.UNKNOWN_BACKUP
    assert finding.message.startswith("the fake catalog did not answer within 1s; only the")


def test_stop_request_ends_the_wait(
    marker_bench: MarkerBench, hanging: FakeCatalog, interrupt: Interrupt
) -> None:
    """Whatever the storage does."""
    original = hanging.answer

    def answer(name: str) -> bool | None:
        interrupt.set("SIGTERM")
        return original(name)

    hanging.answer = answer
    with pytest.raises(Interrupted):
        marker_bench.run(marker_bench.stage(hanging, wait=30))


@pytest.mark.parametrize(
    ("change", "code", "told"),
    [
        ({"identifier": "42"}, ExitCode.NO_WAY_BACK, "holds backups of cluster 42"),
        ({"backups": ()}, ExitCode.NO_WAY_BACK, "no usable backup in the fake catalog"),
        ({"backups": (replace(GOOD, error=True),)}, ExitCode.NO_WAY_BACK, "no usable backup"),
        ({"error": BackupUnknown("no answer")}, ExitCode.UNKNOWN_BACKUP, "no answer"),
        ({"error": BackupSourceMissing("no stanza")}, ExitCode.NO_WAY_BACK, "no stanza"),
    ],
)
def test_marker_without_a_backup_before_it_is_refused(
    marker_bench: MarkerBench, change: dict[str, object], code: ExitCode, told: str
) -> None:
    """WAL alone restores nothing, and that of another cluster restores something else."""
    catalog = marker_bench.catalog(arriving())
    for name, value in change.items():
        setattr(catalog, name, value)
    (finding,) = marker_bench.run(marker_bench.stage(catalog))
    assert finding.code is code
    assert told in finding.message
    (marker,) = marker_bench.noted
    assert (marker.backup, marker.is_archived, catalog.asked) == (None, False, [])
