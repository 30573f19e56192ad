"""A copy of a cluster in front of the original's repository: no backup there leads back to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest

from hook.errors import ExitCode
from tests.backup.conftest import ARCHIVING, CHECKSUMS, Ask, info_source
from tests.testbed.binaries import Binaries
from tests.testbed.gate_answer import assert_answer
from tests.testbed.pgbackrest import PgBackRest, Place, new_pgbackrest
from tests.testbed.postgres_server import PostgresServer, copied_server, running_server


class Copied(NamedTuple):
    """A cluster that archives, and a copy of it whose WAL goes elsewhere."""

    tool: PgBackRest
    copy: PostgresServer


@pytest.fixture(scope="module")
def copied(binaries: Binaries, new_place: Callable[[str, str], Place]) -> Iterator[Copied]:
    """Return a copy that has archived as much as the original has, which has gone on since."""
    with (
        running_server(binaries, ARCHIVING, CHECKSUMS) as original,
        new_pgbackrest(original, [new_place("directory", "copied")]) as tool,
    ):
        tool.create_stanza()
        tool.back_up("full")
        tool.await_archived(tool.finish_segment())
        with copied_server(original, {}) as copy:
            # As ALTER SYSTEM has set it, pgBackRest's came along.
            beside = PgBackRest(copy, tool.folder, tool.places)
            beside.archive_with("/bin/true")
            beside.await_archived(beside.finish_segment())
            for _ in range(3):
                tool.await_archived(tool.finish_segment())
            yield Copied(tool, copy)


def test_copy_is_refused_by_the_wal_of_the_original(copied: Copied, ask: Ask) -> None:
    """Nothing but the position tells them apart: identifier and timeline are the same."""
    done = ask(copied.tool, PRESYNC_URL=copied.copy.url())
    told = "another server archives there, of which this one is a copy"
    assert_answer(done, ExitCode.NO_WAY_BACK, "archive", "has WAL from ", told)
    row = done.report["backups"]["rows"][0]
    assert (row["restorable"], row["wal_to"], row["holes"]) == ("no", None, None)
    assert_answer(ask(copied.tool), ExitCode.OK, "archive", "segments without a hole")


def test_marker_of_a_copy_is_not_that_of_the_original(copied: Copied, ask: Ask) -> None:
    """A segment of that name has been there for long, whatever is in it."""
    env = {"PRESYNC_URL": copied.copy.url(), "PRESYNC_ARCHIVE_POLICY": "off"}
    done = ask(copied.tool, "run", **env)
    assert_answer(done, ExitCode.NO_WAY_BACK, "marker", "has WAL from ", "only the position is")
    assert not done.report["migrations"]


def test_copy_is_refused_by_pgbackrests_own_word(copied: Copied, ask: Ask) -> None:
    """It tells the end of the archive, which lies ahead."""
    env = {
        "PRESYNC_URL": copied.copy.url(),
        "PRESYNC_BACKUP_SOURCE": info_source(copied.tool),
    }
    done = ask(copied.tool, **env)
    assert_answer(done, ExitCode.NO_WAY_BACK, "archive", "another server archives there")
    marked = ask(copied.tool, "run", **env, PRESYNC_ARCHIVE_POLICY="off")
    assert_answer(marked, ExitCode.NO_WAY_BACK, "marker", "another server archives there")


def test_newer_backup_of_the_original_is_none_of_the_copy(copied: Copied, ask: Ask) -> None:
    """It ends ahead of where the copy is."""
    tool = copied.tool
    label = tool.back_up("incr")["label"]
    done = ask(tool, PRESYNC_URL=copied.copy.url())
    assert_answer(done, ExitCode.NO_WAY_BACK, "archive", " ends at ", "and this server is at ")
    env = {"PRESYNC_URL": copied.copy.url(), "PRESYNC_ARCHIVE_POLICY": "off"}
    marked = ask(tool, "run", **env)
    assert_answer(marked, ExitCode.NO_WAY_BACK, "marker", f"backup {label} in ", " ends at ")
