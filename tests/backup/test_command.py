"""Commands as the backup source: the real pgBackRest, and a script that prints its own document."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hook.errors import ExitCode
from tests.backup.conftest import Ask, info_source
from tests.testbed.database import created_database
from tests.testbed.gate_answer import assert_answer
from tests.testbed.pgbackrest import PgBackRest, new_pgbackrest
from tests.testbed.postgres_server import PostgresServer

Backed = tuple[PgBackRest, str, str]


@pytest.fixture(scope="module")
def backed(primary: PostgresServer) -> Iterator[Backed]:
    """Return a repository, its only backup, and the last segment of its archive."""
    with new_pgbackrest(primary, [None]) as tool:
        tool.create_stanza()
        label = tool.back_up("full")["label"]
        segment = tool.finish_segment()
        tool.await_archived(segment)
        yield tool, label, segment


def test_pgbackrest_is_taken_at_its_word_for_backups_and_not_for_wal(
    backed: Backed, ask: Ask
) -> None:
    """It tells the ends of the archive only, which the policy of that gate may accept."""
    tool, label, segment = backed
    source = info_source(tool)
    done = ask(tool, PRESYNC_BACKUP_SOURCE=source)
    ends = f"tells where the WAL begins and ends ({segment}), and not whether there is a hole"
    assert_answer(done, ExitCode.UNKNOWN_BACKUP, "archive", ends)
    accepted = ask(tool, PRESYNC_BACKUP_SOURCE=source, PRESYNC_ARCHIVE_POLICY="warn")
    usable = f"newest usable backup {label} (full)"
    assert_answer(accepted, ExitCode.OK, "backup", usable)
    assert_answer(accepted, ExitCode.OK, "archive", ends)


def test_marker_that_pgbackrest_tells_of_was_not_seen(backed: Backed, ask: Ask) -> None:
    """It has listed that very file, which is the last one, and presync has its word for it."""
    tool, _, _ = backed
    with created_database(tool.server) as database:
        env = {
            "PRESYNC_URL": tool.server.url(database.name),
            "PRESYNC_BACKUP_SOURCE": info_source(tool),
            "PRESYNC_ARCHIVE_POLICY": "warn",
        }
        done = ask(tool, "run", **env)
    segment = done.report["marker"]["segment"]
    program, *_ = shlex.split(info_source(tool).removeprefix("command:"))
    told = f"its WAL {segment} is archived, as the command {program} tells"
    assert_answer(done, ExitCode.OK, "marker", told)
    assert done.report["marker"]["told_by"] == f"the command {program}"
    assert tool.segment_files(segment)


def test_missing_stanza_and_wrong_option_are_told(backed: Backed, ask: Ask) -> None:
    """The one ends with exit status 0, the other with one of its own."""
    tool, _, _ = backed
    stanza = info_source(tool).replace("--stanza=app", "--stanza=crm")
    missing = ask(tool, PRESYNC_BACKUP_SOURCE=stanza, PRESYNC_BACKUP_STANZA="crm")
    assert_answer(missing, ExitCode.NO_WAY_BACK, "backup", "pgBackRest has no stanza crm: repo1: ")
    wrong = ask(tool, PRESYNC_BACKUP_SOURCE=info_source(tool, "--no-such-option"))
    assert_answer(
        wrong, ExitCode.UNKNOWN_BACKUP, "backup", "ended with exit status 31: ", "no-such-option"
    )


def test_script_that_tells_of_backup_and_wal_is_enough(
    backed: Backed, ask: Ask, tmp_path: Path
) -> None:
    """A document that says what is archived without a hole lets the run go on."""
    tool, label, _ = backed
    (backup,) = tool.backups()
    segment = tool.finish_segment()
    tool.await_archived(segment)
    with tool.server.connect() as admin:
        row = admin.execute("SELECT system_identifier::text FROM pg_control_system()").fetchone()
    assert row is not None
    document = {
        "system_identifier": row[0],
        "backups": [
            {
                "label": label,
                "type": "full",
                "stopped_at": datetime.fromtimestamp(backup["timestamp"]["stop"], UTC).isoformat(),
                "error": backup["error"],
                "wal_start": backup["archive"]["start"],
                "lsn_stop": backup["lsn"]["stop"],
            }
        ],
        "wal": [{"first": backup["archive"]["start"], "last": segment}],
    }
    script = tmp_path / "backups"
    runs = tmp_path / "runs"
    told = shlex.quote(json.dumps(document))
    script.write_text(f"#!/bin/sh\necho run >> {runs}\necho {told}\n")
    script.chmod(0o755)
    done = ask(tool, PRESYNC_BACKUP_SOURCE=f"command:{script}")
    assert_answer(done, ExitCode.OK, "backup", f"newest usable backup {label} (full)")
    assert_answer(done, ExitCode.OK, "archive", "segments without a hole")
    # Once for the backups, and once more for the WAL behind them.
    assert runs.read_text() == "run\n" * 2
