"""A WAL-G prefix of a real server: its positions, its WAL, its timelines."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from hook.errors import ExitCode
from tests.backup.conftest import ARCHIVING, CHECKSUMS, Ask
from tests.backup.test_archive import has_caught_up
from tests.backup.test_chain import missing
from tests.testbed.binaries import Binaries
from tests.testbed.gate_answer import assert_answer, findings
from tests.testbed.postgres_server import PostgresServer, running_server, running_standby
from tests.testbed.run_context import eventually
from tests.testbed.walg_writer import WalGWriter

Filled = tuple[WalGWriter, str, str, str]


@pytest.fixture
def empty() -> Iterator[Path]:
    """Return an empty folder that the account of a cluster can be given."""
    with tempfile.TemporaryDirectory(
        prefix="presync-walg-", dir="/tmp", ignore_cleanup_errors=True
    ) as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="module")
def filled(primary: PostgresServer) -> Iterator[Filled]:
    """Return a prefix with a full backup, a delta on it, and a segment after both."""
    with tempfile.TemporaryDirectory(
        prefix="presync-walg-", dir="/tmp", ignore_cleanup_errors=True
    ) as name:
        Path(name).chmod(0o755)
        writer = WalGWriter(primary, Path(name))
        writer.archive()
        full = writer.back_up()
        writer.finish_segment()
        delta = writer.back_up(full)
        yield writer, full, delta, writer.finish_segment()


def test_delta_and_its_wal_are_told(filled: Filled, ask: Ask) -> None:
    """From the segment in the name of the backup to what the server finished last."""
    writer, _, delta, segment = filled
    done = ask(writer)
    assert_answer(done, ExitCode.OK, "backup", f"newest usable backup {delta} (incr) stopped")
    assert_answer(done, ExitCode.OK, "archive", "without a hole")
    (whole,) = (item for item in findings(done, "archive") if item["rule"] == "wal-archive")
    assert (whole["first"], whole["last"]) == (delta[5:29], segment)


def test_hole_is_refused_by_name(filled: Filled, ask: Ask) -> None:
    """The server says that it has archived the segment, and it is not there."""
    writer, _, _, segment = filled
    with missing(writer.wal / segment):
        done = ask(writer)
    hole = f"WAL is missing: {segment} is not in WAL-G in {writer.root}"
    assert_answer(done, ExitCode.NO_WAY_BACK, "archive", hole)


def test_missing_wal_of_the_backup_itself_is_told(filled: Filled, ask: Ask) -> None:
    """Fresh and complete, and not restorable."""
    writer, _, delta, _ = filled
    with missing(writer.wal / delta[5:29]):
        done = ask(writer)
    assert_answer(done, ExitCode.NO_WAY_BACK, "archive", "the backup itself cannot be restored")


def test_deleted_sentinel_takes_the_backup_away(filled: Filled, ask: Ask) -> None:
    """That of the delta leaves the full backup, that of the full one leaves nothing."""
    writer, full, delta, _ = filled
    with missing(writer.sentinel(delta)):
        done = ask(writer)
    assert_answer(done, ExitCode.OK, "backup", f"newest usable backup {full} (full)")
    with missing(writer.sentinel(full)):
        done = ask(writer)
    gone = f"{delta} needs {full}, which is not listed (expired?)"
    assert_answer(done, ExitCode.NO_WAY_BACK, "backup", "the only backup is not usable", gone)


def test_backups_of_another_cluster_are_refused(
    filled: Filled, ask: Ask, other_primary: PostgresServer
) -> None:
    """Fresh and complete, and of no use to this database."""
    done = ask(filled[0], PRESYNC_URL=other_primary.url())
    assert_answer(done, ExitCode.NO_WAY_BACK, "backup", "holds backups of cluster")


def test_way_goes_on_over_a_promotion(binaries: Binaries, empty: Path, ask: Ask) -> None:
    """From a backup of timeline 1 to timeline 2, as long as its history is there."""
    with running_server(binaries, ARCHIVING, CHECKSUMS) as old:
        writer = WalGWriter(old, empty)
        writer.archive()
        writer.back_up()
        writer.finish_segment()
        with running_standby(old) as new:
            eventually(lambda: has_caught_up(old, new))
            old.stop()
            new.promote()
            promoted = WalGWriter(new, empty)
            segment = promoted.finish_segment()
            done = ask(promoted)
            assert segment.startswith("00000002")
            assert_answer(done, ExitCode.OK, "archive", f" to {segment}")
            with missing(promoted.wal / "00000002.history"):
                lost = ask(promoted)
            assert_answer(
                lost, ExitCode.NO_WAY_BACK, "archive", "00000002.history is not in WAL-G in"
            )
