"""The one line of a terminal that tells what runs: what a person sees of it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from hook.errors import ExitCode
from tests.testbed.deployment import Deployment
from tests.testbed.process import Completed
from tests.testbed.terminal import Terminal, on_terminal

PRESYNC = [sys.executable, "-m", "hook", "run"]
TABLE = {"V1__t.sql": "CREATE TABLE t (id int, name text)"}
ASLEEP = {"V2__x.sql": "SELECT pg_sleep(60)"}
LOG_LINE = re.compile(r"\d\d:\d\d:\d\d\.\d{3} (INFO|WARNING|ERROR) +\S.*")
CTRL_C = b"\x03"
# Every row is a page of its own, and to index it takes a while.
SLOW_INDEX = {
    "V2__slow.sql": """
        CREATE FUNCTION slow(text) RETURNS text LANGUAGE plpgsql IMMUTABLE AS
        $$ BEGIN PERFORM pg_sleep(0.02); RETURN left($1, 1); END $$;
        ALTER TABLE t ALTER name SET STORAGE plain;
        INSERT INTO t SELECT n, repeat('x', 7000) FROM generate_series(1, 5000) AS n
    """,
    "V3__i.sql": "CREATE INDEX i ON t (slow(name))",
}
CRASH = """
from pathlib import Path

from hook.cli import main
from hook.stages.migrate.telling import Telling

def crash(*_, **__):
    if Path("seen").exists():
        raise RuntimeError("a bug")

Telling.progress = crash
main()
"""


@pytest.fixture
def released(deployment: Deployment) -> Deployment:
    """Return a deployment with one migration applied."""
    deployment.apply(TABLE)
    return deployment


def is_shown(row: str) -> bool:
    """Tell whether *row* is the line."""
    return re.match(r"\d+ of \d+  ", row) is not None


def assert_unbroken(terminal: Terminal) -> None:
    """See that there are lines of the log up to the verdict, and that the line is gone."""
    rows = terminal.rows
    verdict = next(at for at, row in enumerate(rows) if "PASSED 0" in row or "FAILED 40" in row)
    broken = [row for row in rows[: verdict + 1] if not LOG_LINE.fullmatch(row)]
    assert broken == []
    assert not any(map(is_shown, rows))


def test_line_tells_how_far_and_whom_a_migration_waits_for(
    released: Deployment, tmp_path: Path
) -> None:
    """It is redrawn in place as time goes by, and gone when the log goes on."""
    released.release(
        {"V2__a.sql": "CREATE TABLE a ()", "V3__i.sql": "CREATE INDEX CONCURRENTLY i ON t (name)"}
    )
    with released.database.connect(autocommit=False) as other:
        other.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT 1")
        pid = other.info.backend_pid
        with on_terminal(PRESYNC, released.env(), tmp_path) as terminal:
            row = terminal.wait_for(lambda row: "waiting for old snapshots" in row)
            assert row.startswith("2 of 2  V3__i.sql  ")
            assert f"in the way: pid {pid} (user " in row
            assert f"waiting for pid {pid}" in row
            assert row.endswith("line 1, CREATE INDEX CONCURRENTLY i ON t (name)")
            terminal.wait_for(lambda later: is_shown(later) and later.split()[4] != row.split()[4])
            assert sum(map(is_shown, terminal.rows)) == 1
            other.rollback()
            assert terminal.wait() == ExitCode.OK
            assert_unbroken(terminal)
            assert sum("applied V" in row for row in terminal.rows) == 2
            assert "running for" not in terminal.written


def test_line_has_a_bar_where_the_server_counts(released: Deployment, tmp_path: Path) -> None:
    """Percent of the phase, as the server tells; then the run is stopped."""
    released.apply(SLOW_INDEX | {"V3__i.sql": "SELECT 1"})
    released.release({"V4__i.sql": SLOW_INDEX["V3__i.sql"]})
    with on_terminal(PRESYNC, released.env(), tmp_path) as terminal:
        row = terminal.wait_for(lambda row: "[#" in row)
        assert re.search(r"  \[#+\.*\]  \d+ %  CREATE INDEX: building index", row), row
        terminal.process.terminate()
        assert terminal.wait() == ExitCode.INTERRUPTED
        assert_unbroken(terminal)


def test_line_fits_the_window_whatever_its_size(released: Deployment, tmp_path: Path) -> None:
    """Characters of two columns count as two; a smaller window is noticed."""
    released.release({"V2__表を変更する表を変更する.sql": "SELECT pg_sleep(60)"})
    with on_terminal(PRESYNC, released.env(), tmp_path) as terminal:
        terminal.wait_for(lambda row: "する.sql" in row)
        for columns in (60, 30, 24):
            terminal.resize(columns)
            row = terminal.wait_for(lambda row: is_shown(row) and row.endswith("…"))
            assert columns // 2 < sum(1 + (char > "\u3000") for char in row) < columns
            assert sum(map(is_shown, terminal.rows)) == 1
        terminal.resize(250)
        terminal.wait_for(lambda row: "line 1, SELECT pg_sleep(60)" in row)
        terminal.press(CTRL_C)
        assert terminal.wait() == ExitCode.INTERRUPTED
    told = [row for row in terminal.rows if "40 INTERRUPTED: SIGINT received in V2__" in row]
    assert len(told) == 2
    assert LOG_LINE.fullmatch(told[0])


def test_line_is_gone_after_a_crash(released: Deployment, tmp_path: Path) -> None:
    """A bug ends the run in the middle of a statement; every word of it has its own line."""
    released.release(ASLEEP)
    crashing = [sys.executable, "-c", CRASH, "run"]
    with on_terminal(crashing, released.env(), tmp_path) as terminal:
        terminal.wait_for(is_shown)
        (tmp_path / "seen").touch()
        assert terminal.wait() == ExitCode.BUG
    rows = terminal.rows
    assert not any(map(is_shown, rows))
    assert any(LOG_LINE.fullmatch(row) and "RuntimeError: a bug" in row for row in rows), "\n".join(
        rows
    )


@pytest.mark.parametrize(
    ("more", "flags", "count"),
    [
        ({"NO_COLOR": "1"}, [], 1),
        ({"TERM": "dumb"}, [], 0),
        ({}, ["--log-format", "json", "--format", "json"], 0),
    ],
)
def test_line_is_drawn_only_where_it_can_be_redrawn(
    more: Mapping[str, str], flags: list[str], count: int, released: Deployment, tmp_path: Path
) -> None:
    """A dumb terminal and a log for machines have none; without colour it has none either."""
    released.release({"V2__x.sql": "SELECT pg_sleep(2); SELECT pg_advisory_xact_lock(1)"})
    env = released.env(PRESYNC_LOCK_LADDER="60s", **more)
    with released.database.connect() as other:
        other.execute("SELECT pg_advisory_lock(1)")
        with on_terminal([*PRESYNC, *flags], env, tmp_path) as terminal:
            if count:
                terminal.wait_for(is_shown)
            other.execute("SELECT pg_advisory_unlock(1)")
            assert terminal.wait() == ExitCode.OK
    assert min(terminal.written.count("1 of 1  V2__x.sql"), 1) == count
    assert min(terminal.written.count("\x1b"), 1) == count
    assert re.search(r"\x1b\[[0-9;]*m", terminal.written) is None


def test_line_is_not_drawn_in_the_background(released: Deployment, tmp_path: Path) -> None:
    """There the terminal is that of whoever types."""
    released.release({"V2__x.sql": "SELECT pg_sleep(2)"})
    shell = ["sh", "-c", 'set -m; "$@" & wait', "sh", *PRESYNC]
    with on_terminal(shell, released.env(), tmp_path) as terminal:
        assert terminal.wait() == ExitCode.OK
    assert "applied V2__x.sql" in terminal.written
    assert "1 of 1  " not in terminal.written


def test_pipe_has_no_line(released: Deployment, run_presync: Callable[..., Completed]) -> None:
    """A log that is kept consists of lines, also as text."""
    released.release({"V2__x.sql": "SELECT pg_sleep(2)"})
    done = run_presync(["run"], released.env(PRESYNC_LOG_FORMAT="text", TERM="xterm"))
    assert done.exit_code == ExitCode.OK
    assert all(map(LOG_LINE.fullmatch, done.stderr.splitlines()))
