"""The table of ``presync check``, column by column, against what pgBackRest itself tells."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hook.errors import ExitCode
from tests.backup.conftest import Ask, Make
from tests.testbed.pgbackrest import PgBackRest
from tests.testbed.process import RunningPresync

Row = dict[str, Any]
SECOND = timedelta(seconds=1)
HEADINGS = [
    "label", "type", "stopped at (UTC)", "age", "WAL from", "WAL to", "holes", "lag", "restorable",
]  # fmt: skip


def _rows(tool: PgBackRest, ask: Ask) -> list[Row]:
    done = ask(tool)
    assert done.exit_code == ExitCode.OK, done.stderr
    rows: list[Row] = done.report["backups"]["rows"]
    return rows


def _newest_wal(tool: PgBackRest) -> str:
    (stanza,) = json.loads(tool.run("info", "--output=json"))
    newest: str = stanza["archive"][-1]["max"]
    return newest


def test_each_column_is_what_the_tool_tells(
    make_pgbackrest: Make,
    ask: Ask,
    start_presync: Callable[..., RunningPresync],
    tmp_path: Path,
) -> None:
    """Of a full, a differential and an incremental backup, and of the WAL behind them."""
    tool = make_pgbackrest()
    for type_ in ("full", "diff", "incr"):
        tool.back_up(type_)
    tool.await_archived(tool.finish_segment())
    began = datetime.now(UTC)
    rows = _rows(tool, ask)
    ended = datetime.now(UTC)
    told = tool.backups()[::-1]
    assert [row["type"] for row in rows] == ["incr", "diff", "full"]
    for row, backup in zip(rows, told, strict=True):
        stop = datetime.fromtimestamp(backup["timestamp"]["stop"], UTC)
        assert (row["label"], row["type"]) == (backup["label"], backup["type"])
        assert datetime.fromisoformat(row["stopped_at"]) == stop
        age = timedelta(milliseconds=row["age_ms"])
        assert began - stop - SECOND <= age <= ended - stop
        assert row["wal_from"] == backup["archive"]["start"]
    newest, *older = rows
    assert (newest["restorable"], newest["reasons"]) == ("yes", [])
    assert newest["wal_to"] == _newest_wal(tool)
    assert (newest["holes"], newest["missing_segments"], newest["lag_ms"]) == ([], 0, 0)
    for row in older:
        assert row["restorable"] == "unknown"
        assert row["reasons"] in (["was not looked at"], ["its WAL was not looked at"])
        assert (row["wal_to"], row["holes"], row["lag_ms"]) == (None, None, None)
    environment = tool.environment(PRESYNC_LOCATIONS=str(tmp_path / "release"))
    done = start_presync(["check", "--format", "text"], environment).wait()
    assert done.exit_code == ExitCode.OK, done.stderr
    _assert_shown(rows, done.stdout)


def _assert_shown(rows: list[Row], text: str) -> None:
    """Fail unless the table for a reader has the same in its columns."""
    (heading,) = (line for line in text.splitlines() if "stopped at (UTC)" in line)
    assert re.split(r"\s{2,}", heading.strip()) == HEADINGS
    for row in rows:
        (line,) = (line for line in text.splitlines() if line.split()[:1] == [row["label"]])
        cells = dict(zip(HEADINGS, re.split(r"\s{2,}", line.strip()), strict=True))
        stopped = datetime.fromisoformat(row["stopped_at"])
        assert cells["type"] == row["type"]
        assert cells["stopped at (UTC)"] == f"{stopped:%Y-%m-%d %H:%M:%S}"
        assert (cells["WAL from"], cells["WAL to"]) == (row["wal_from"], row["wal_to"] or "?")
        assert cells["holes"] == ("?" if row["holes"] is None else str(len(row["holes"])))
        assert cells["restorable"] == row["restorable"]


def test_policy_changes_the_verdict_and_not_the_table(make_pgbackrest: Make, ask: Ask) -> None:
    """A gate that only warns shows all the same, and one that is off has looked at nothing."""
    tool = make_pgbackrest()
    tool.back_up("full")
    tool.archive_with("/bin/true")
    tool.await_archived(tool.finish_segment())
    refused = ask(tool)
    assert refused.exit_code == ExitCode.NO_WAY_BACK, refused.stderr
    warned = ask(tool, PRESYNC_BACKUP_POLICY="warn", PRESYNC_ARCHIVE_POLICY="warn")
    assert warned.exit_code == ExitCode.OK, warned.stderr
    (row,), (same,) = (done.report["backups"]["rows"] for done in (refused, warned))
    assert (row["restorable"], row["missing_segments"]) == ("no", 1)
    assert {**row, "age_ms": None} == {**same, "age_ms": None}
    off = ask(tool, PRESYNC_BACKUP_POLICY="off", PRESYNC_ARCHIVE_POLICY="off")
    assert off.report["backups"] == {}


def test_lag_is_how_long_the_oldest_segment_has_been_waiting(
    make_pgbackrest: Make, ask: Ask
) -> None:
    """And the end of the WAL stays where the archiver stopped."""
    tool = make_pgbackrest()
    tool.back_up("full")
    archived = tool.finish_segment()
    tool.await_archived(archived)
    tool.archive_with("false")
    began = datetime.now(UTC)
    tool.finish_segment()
    finished = datetime.now(UTC)
    asked = datetime.now(UTC)
    done = ask(tool)
    ended = datetime.now(UTC)
    row = done.report["backups"]["rows"][0]
    lag = timedelta(milliseconds=row["lag_ms"])
    assert asked - finished - SECOND <= lag <= ended - began + SECOND
    assert lag
    assert (row["wal_to"], row["restorable"]) == (archived, "yes")
