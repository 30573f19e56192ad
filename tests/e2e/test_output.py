"""What a run says, where, and in which form: terminal, pipe, termination message, memory."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from hook.core.sessions.lock_key import migration_lock_key
from hook.errors import ExitCode
from tests.testbed.deployment import Deployment
from tests.testbed.process import ROOT, Completed, RunningPresync
from tests.testbed.run_context import eventually

TABLE = {"V1__t.sql": "CREATE TABLE t ()"}
COLOUR = "\x1b["
REPORT_KEYS = {
    "schema", "command", "run_id", "verdict", "exit_code", "code", "started_at", "finished_at",
    "duration_ms", "database", "set", "before", "after", "stages", "migrations", "pending",
    "marker", "backups", "overrides", "waivers", "next",
}  # fmt: skip
MIB = 1024
MEASURE = """
import os, resource, sys
child = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
print(code, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def on_terminal(arguments: list[str], environment: Mapping[str, str], home: Path) -> str:
    """Return what presync writes to a terminal that is both its stdout and its stderr."""
    master, slave = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "hook", *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        cwd=home,
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", **environment},
    ):
        os.close(slave)
        written = bytearray()
        # Linux tells the end of a terminal by an error, others by an empty read.
        while True:
            try:
                piece = os.read(master, 4096)
            except OSError:
                break
            if not piece:
                break
            written += piece
    os.close(master)
    return written.decode()


@pytest.mark.parametrize(
    ("more", "colours"),
    [
        ({"TERM": "xterm"}, {COLOUR}),
        ({"TERM": "xterm", "NO_COLOR": "1"}, set()),
        ({"TERM": "dumb"}, set()),
    ],
)
def test_terminal_is_given_text_and_colour_unless_unwanted(
    more: Mapping[str, str], colours: set[str], deployment: Deployment, tmp_path: Path
) -> None:
    """A reader gets aligned lines, in colour where the terminal knows it and nobody objects."""
    deployment.release(TABLE)
    told = on_terminal(["run"], deployment.env(**more), tmp_path)
    assert set(re.findall(re.escape(COLOUR), told)) == colours
    plain = re.sub(r"\x1b\[[0-9;]*m", "", told)
    assert '{"' not in plain
    assert "✓ wait" in plain
    assert plain.count("PASSED 0 OK: 1 applied (V1), at 1, in") == 2, "log and result"


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_closed_stream_is_no_reason_to_fail(closed: str, deployment: Deployment) -> None:
    """Where nobody can be told, the exit code and the report still say how it ended."""
    deployment.release(TABLE)
    command = ["sh", "-c", f'exec "$@" {closed}', "sh", sys.executable, "-m", "hook", "run"]
    env = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), **deployment.env()}
    folder = deployment.folder
    done = subprocess.run(command, check=False, env=env, cwd=folder, capture_output=True, text=True)
    assert done.returncode == ExitCode.OK, done.stderr
    assert json.loads(deployment.report.read_text())["code"] == "OK"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ["run", "info", "plan", "plan --sql", "digest", "config"])
@pytest.mark.parametrize("form", ["json", "text"])
def test_result_that_has_no_room_is_a_failed_report(
    command: str, form: str, deployment: Deployment
) -> None:
    """A device that is full is no reader that has gone: what was asked for is not there."""
    deployment.release(TABLE)
    arguments = [*command.split(), "--format", form]
    done = into("/dev/full", arguments, deployment)
    assert done.exit_code == ExitCode.REPORT, done.stderr
    verdict = done.events[-1]["verdict"]
    assert verdict.startswith("FAILED 50 REPORT: standard output: no space left on device")
    assert [event["verdict"] for event in done.events_named("run.finished")] == [verdict]
    assert deployment.termination_log.read_text().splitlines()[0] == verdict
    (finding,) = (event for event in done.events_named("finding") if event["rule"] == "report")
    assert finding["hint"] == "Make room there, or lead stdout elsewhere, then ask again."
    if command == "run":
        query = "SELECT verdict, exit_code FROM presync_run"
        assert deployment.database.query(query) == [(verdict, 50)]


def test_verdict_that_was_cut_is_the_same_for_every_reader(
    deployment: Deployment, run_presync: Callable[..., Completed]
) -> None:
    """The cut is behind a word and leaves no bracket open: in log, text, report and ledger."""
    rows = " ".join(f"/srv/données/feuille-{number}.csv" for number in range(20))
    script = f"DO $$BEGIN RAISE EXCEPTION 'these sheets are odd (namely {rows})'; END$$"
    deployment.release({**TABLE, "V2__sheets.sql": script})
    done = run_presync(["run", "--format", "text"], deployment.env())
    verdict = done.stdout.splitlines()[-1]
    assert verdict == (
        "FAILED 20 SQL_FAILED: V2__sheets.sql:1 P0001 these sheets are odd"
        " (namely …/feuille-0.csv …/feuille-1.csv …/feuille-2.csv…)"
        "; rolled back, 1 applied before, at 1"
    )
    assert done.events[-1]["verdict"] == done.events[-1]["message"] == verdict
    assert deployment.termination_log.read_text().splitlines()[0] == verdict
    assert json.loads(deployment.report.read_text())["verdict"] == verdict
    assert deployment.database.query("SELECT verdict FROM presync_run") == [(verdict,)]


def test_result_that_has_no_room_hides_no_worse_end(deployment: Deployment) -> None:
    """The code of what was refused stays."""
    deployment.release({"V1__x.sql": "SELECT 'open"})
    assert into("/dev/full", ["run"], deployment).exit_code == ExitCode.BAD_SET


def test_result_in_a_file_is_there_in_front_of_the_last_event(deployment: Deployment) -> None:
    """Whoever reads of the end finds the result, and a reader that leaves early is no failure."""
    deployment.release(TABLE)
    both = deployment.folder / "both"
    into(str(both), ["run"], deployment, " 2>&1")
    *_, result, last = map(json.loads, both.read_text().splitlines())
    assert result["verdict"] == last["verdict"]
    assert last["event"] == "run.finished"
    done = into(">(exec true)", ["info"], deployment)
    assert done.exit_code == ExitCode.OK


def into(place: str, arguments: Sequence[str], deployment: Deployment, more: str = "") -> Completed:
    """Return how presync ended, with its standard output led to *place*."""
    script = f'exec "$@" > {place}{more}'
    command = ["bash", "-c", script, "bash", sys.executable, "-m", "hook", *arguments]
    env = {"PATH": os.defpath, "PYTHONPATH": str(ROOT), **deployment.env()}
    done = subprocess.run(
        command, check=False, env=env, cwd=deployment.folder, capture_output=True, text=True
    )
    return Completed(done.returncode, done.stdout, done.stderr)


def test_report_has_every_key_however_the_run_ends(
    deployment: Deployment, run_presync: Callable[..., Completed]
) -> None:
    """A reader of reports never has to ask whether a key is there."""
    deployment.release(TABLE)
    passed = run_presync([], deployment.env()).report
    refused = run_presync([], {}).report
    misused = run_presync(["--nonsense"], {}).report
    for report in (passed, refused, misused):
        assert set(report) == REPORT_KEYS
        assert report["schema"] == "presync.report/1"
    assert set(passed["stages"][0]) == {"name", "status", "duration_ms", "findings"}
    assert set(passed["database"]) >= {"host", "port", "name", "user", "server_version"}


def test_termination_message_is_there_before_the_end(
    deployment: Deployment, start_presync: Callable[..., RunningPresync]
) -> None:
    """A pod that is killed leaves a word: which run it was, and that nothing is known."""
    deployment.apply(TABLE)
    deployment.release({"V2__x.sql": "SELECT pg_sleep(60)"})
    running = start_presync(["run"], deployment.env())
    asleep = "SELECT 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = "
    eventually(lambda: bool(deployment.database.query(f"{asleep}'{deployment.database.name}'")))
    running.process.kill()
    running.wait()
    message = deployment.termination_log.read_text()
    assert message.startswith("RUNNING run, run ")
    assert message.endswith("no verdict was reached\n")


def test_termination_message_keeps_within_what_the_kubelet_reads(
    deployment: Deployment, run_presync: Callable[..., Completed]
) -> None:
    """Hundreds of problems are all in the report; the message begins with the verdict."""
    names = [f"V{number}__ä.sql" for number in range(1, 301)]
    deployment.release(dict.fromkeys(names, "SELECT 'ü"))
    done = run_presync(["run"], deployment.env())
    assert done.exit_code == ExitCode.BAD_SET
    message = deployment.termination_log.read_bytes()
    assert len(message) <= 4096
    assert message.decode().splitlines()[0] == done.report["verdict"]
    assert all(name in done.stdout for name in names)


def test_no_op_run_is_small(deployment: Deployment) -> None:
    """Peak memory of the whole process, as the kernel counts it, stays within 50 MiB."""
    deployment.apply(TABLE)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, sys.executable, "-m", "hook", "run"],
        env={"PATH": os.defpath, "PYTHONPATH": str(ROOT), **deployment.env()},
        capture_output=True,
        text=True,
        check=True,
    )
    code, kibibytes = map(int, done.stdout.splitlines()[-1].split())
    assert code == ExitCode.OK
    assert kibibytes <= 50 * MIB


def test_two_processes_at_once_migrate_once(
    deployment: Deployment, start_presync: Callable[..., RunningPresync]
) -> None:
    """The second waits for the first, and finds nothing left to do."""
    deployment.apply(TABLE)
    deployment.release({"V2__x.sql": "CREATE TABLE x (); SELECT pg_sleep(1)"})
    both = [start_presync(["run"], deployment.env()) for _ in range(2)]
    verdicts = sorted(item.wait().report["verdict"].split(" (")[0] for item in both)
    assert verdicts == ["PASSED 0 OK: 1 applied", "PASSED 0 OK: up to date at 2"]
    assert len(deployment.history()) == 2


def test_holder_of_the_lock_is_described(
    deployment: Deployment, run_presync: Callable[..., Completed]
) -> None:
    """Process, application, client and since when: enough to find it."""
    deployment.apply(TABLE)
    deployment.release({"V2__x.sql": "SELECT 1"})
    key = migration_lock_key("public", "flyway_schema_history")
    with deployment.database.connect() as other:
        other.execute("SET application_name = 'Flyway by hand'")
        other.execute("SELECT pg_advisory_lock(%s)", [key])
        done = run_presync(["run"], deployment.env(PRESYNC_LOCK_WAIT="200ms"))
        pid = other.info.backend_pid
    assert done.exit_code == ExitCode.LOCKED
    (told,) = [event["message"] for event in done.events_named("finding") if "code" in event]
    for part in (str(pid), "Flyway by hand", "127.0.0.1", "since"):
        assert part in told
        assert part in done.report["verdict"]
    assert json.loads(deployment.report.read_text())["verdict"] == done.report["verdict"]
