"""A server whose own clock is an hour off, with real pgBackRest, which asks it for the time.

And with real pg_dump, which does not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from hook.errors import ExitCode
from tests.backup.conftest import ARCHIVING, CHECKSUMS, Ask
from tests.testbed.binaries import Binaries
from tests.testbed.gate_answer import assert_answer, findings
from tests.testbed.pg_dump import PgDump
from tests.testbed.pgbackrest import PgBackRest, Place, new_pgbackrest
from tests.testbed.process import Completed
from tests.testbed.run_context import eventually
from tests.testbed.s3_server import S3Server
from tests.testbed.wrong_clock import running_server_off

AHEAD, BEHIND = 1, -1
TOLD = "and the database server's ("


@pytest.fixture(scope="module", params=[AHEAD, BEHIND], ids=["ahead", "behind"])
def backed_up(
    request: pytest.FixtureRequest, binaries: Binaries, new_place: Callable[[str, str], Place]
) -> Iterator[tuple[int, PgBackRest]]:
    """Return how many hours the server is ahead, and a backup of now with the WAL behind it."""
    place = new_place("s3", f"server-clock{request.param:+}")
    with (
        running_server_off(binaries, request.param, ARCHIVING, CHECKSUMS) as server,
        new_pgbackrest(server, [place]) as tool,
    ):
        tool.create_stanza()
        tool.back_up("full")
        tool.await_archived(tool.finish_segment())
        yield request.param, tool


@pytest.mark.parametrize("storage", ["s3", "directory"])
def test_server_with_a_wrong_clock_is_never_passed(
    backed_up: tuple[int, PgBackRest], ask: Ask, storage: str
) -> None:
    """Whether or not the storage has a clock; and what else is told is right."""
    hours, tool = backed_up
    source = (
        {} if storage == "s3" else {"PRESYNC_BACKUP_SOURCE": f"pgbackrest:{tool.places[0].root}"}
    )
    done = ask(tool, **source)
    if hours == AHEAD:
        assert_answer(done, ExitCode.NO_WAY_BACK, "backup", TOLD, "stopped in the future")
        _assert_archiver_is_fine(done)
        return
    assert_answer(done, ExitCode.UNKNOWN_BACKUP, "backup", TOLD, " stopped 1h ")
    _assert_archiver_is_fine(done)
    assert {item["status"] for item in findings(done, "archive")} == {"passed"}


def test_server_with_a_wrong_clock_is_told_of_a_dump_that_is_dated_rightly(
    backed_up: tuple[int, PgBackRest], binaries: Binaries, tls_s3: S3Server, ask: Ask
) -> None:
    """pg_dump on a host of its own, and a storage whose clock is right."""
    _, tool = backed_up
    dump = PgDump(binaries.folder / "pg_dump", tool.server, "postgres", tls_s3)
    dump.new(".dump").write_bytes(dump.dump("--format=custom"))
    done = ask(dump)
    assert_answer(done, ExitCode.UNKNOWN_BACKUP, "backup", TOLD, "newest usable backup postgres-")
    assert "the database server's" in done.report["verdict"]


def _assert_archiver_is_fine(done: Completed) -> None:
    """Its time is compared with that of the same clock."""
    (archiver,) = (item for item in findings(done, "archive") if item["rule"] == "archiver")
    assert archiver["status"] == "passed"


def test_archiver_that_fails_behind_a_wrong_clock_is_told(
    backed_up: tuple[int, PgBackRest], ask: Ask
) -> None:
    """By the same clock."""
    _, tool = backed_up
    tool.archive_with("false")
    try:
        segment = tool.finish_segment()
        with tool.server.connect() as admin:
            failed = "SELECT last_failed_wal FROM pg_stat_archiver"
            eventually(lambda: admin.execute(failed).fetchone() == (segment,))
        done = ask(tool)
    finally:
        tool.archive()
    (archiver,) = (item for item in findings(done, "archive") if item["rule"] == "archiver")
    assert archiver["status"] == "failed"
