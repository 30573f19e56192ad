"""Backups and WAL that real barman-cloud left in a bucket, and what the gate says of them.

CloudNativePG leaves the same: its backups are made by these very programs.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from hook.errors import ExitCode
from tests.backup.conftest import ARCHIVING, CHECKSUMS, Ask
from tests.backup.test_backups import damaged_table
from tests.backup.test_chain import missing
from tests.testbed.barman_cloud import BarmanCloud, new_barman_cloud
from tests.testbed.binaries import Binaries
from tests.testbed.gate_answer import assert_answer, findings
from tests.testbed.pgbackrest import PgBackRest, directory_place
from tests.testbed.postgres_server import PostgresServer, running_server
from tests.testbed.s3_server import S3Server


@pytest.fixture(scope="module")
def own_primary(binaries: Binaries) -> Iterator[PostgresServer]:
    """Return a cluster that archives nowhere else."""
    with running_server(binaries, ARCHIVING, CHECKSUMS) as running:
        yield running


@pytest.fixture(scope="module")
def barman(own_primary: PostgresServer, tls_s3: S3Server) -> Iterator[BarmanCloud]:
    """Return barman-cloud before its first backup; the tests here follow each other."""
    with new_barman_cloud(own_primary, tls_s3, "barman") as tool:
        yield tool


def finish_segment(server: PostgresServer) -> str:
    """Finish a segment, and return its name once it is archived."""
    tool = PgBackRest(server, server.data, (directory_place(server.data),))
    segment = tool.finish_segment()
    tool.await_archived(segment)
    return segment


def test_life_of_a_server_of_barman(
    barman: BarmanCloud, ask: Ask, other_primary: PostgresServer
) -> None:
    """Nothing, killed, good, failed on top; holes and losses; and of another cluster."""
    server = barman.server
    nothing = ask(barman)
    assert_answer(nothing, ExitCode.NO_WAY_BACK, "backup", "there is no Barman server shop in")
    killed = barman.kill_backup()
    done = ask(barman)
    assert_answer(done, ExitCode.NO_WAY_BACK, "backup", f"{killed} has not ended yet")

    label = barman.back_up()
    usable = f"newest usable backup {label} (full) stopped"
    segments = [finish_segment(server) for _ in range(3)]
    done = ask(barman)
    assert_answer(done, ExitCode.OK, "backup", usable)
    assert_answer(done, ExitCode.OK, "archive", "segments without a hole", segments[-1])

    failed = barman.fail_backup()
    finish_segment(server)
    done = ask(barman)
    assert_answer(done, ExitCode.OK, "backup", f"{failed} failed (", usable)
    assert [item["status"] for item in findings(done, "backup")] == ["warned", "passed"]

    with missing(barman.segment(segments[1])):
        hole = ask(barman)
    told = f"WAL is missing: {segments[1]} is not in Barman server shop"
    assert_answer(hole, ExitCode.NO_WAY_BACK, "archive", told)
    with missing(barman.root / "base" / label / "data.tar.gz"):
        lost = ask(barman)
    assert_answer(lost, ExitCode.NO_WAY_BACK, "backup", f"the data is missing for {label}")

    theirs = ask(barman, PRESYNC_URL=other_primary.url())
    assert_answer(theirs, ExitCode.NO_WAY_BACK, "backup", "holds backups of cluster")


def test_damaged_page_is_no_news_to_barman_cloud(barman: BarmanCloud, ask: Ask) -> None:
    """It copies what it finds, and says nothing; docs/backup-sources.md does."""
    with damaged_table(barman.server):
        label = barman.back_up()
    done = ask(barman)
    assert_answer(done, ExitCode.OK, "backup", f"newest usable backup {label} (full) stopped")
