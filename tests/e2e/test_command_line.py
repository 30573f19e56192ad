"""presync as a process, without a database."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hook.errors import ExitCode
from tests.testbed.process import ROOT, Completed

RunPresync = Callable[..., Completed]
CANARY = "c4nary/p@ss wörd"
ENCODED = "c4nary%2Fp%40ss%20w%C3%B6rd"
NOWHERE = {"PRESYNC_WAIT_TIMEOUT": "100ms"}
PLACE = "127.0.0.1:1/shop"

# By name: what is set, and the exit code that follows.
ENVIRONMENTS: dict[str, tuple[dict[str, str], ExitCode]] = {
    "url": ({"PRESYNC_URL": f"postgresql://u:{ENCODED}@{PLACE}"}, ExitCode.UNREACHABLE),
    "flyway": (
        {
            "FLYWAY_URL": f"jdbc:postgresql://{PLACE}",
            "FLYWAY_USER": "u",
            "FLYWAY_PASSWORD": CANARY,
        },
        ExitCode.UNREACHABLE,
    ),
    "jdbc parameter": (
        {"FLYWAY_URL": f"jdbc:postgresql://{PLACE}?user=u&password={ENCODED}"},
        ExitCode.UNREACHABLE,
    ),
    "application": ({"DATABASE_URL": f"postgresql://u:{ENCODED}@{PLACE}"}, ExitCode.UNREACHABLE),
    "postgres": (
        {
            "POSTGRES_HOST": "127.0.0.1",
            "POSTGRES_PORT": "1",
            "POSTGRES_DB": "shop",
            "POSTGRES_PASSWORD": CANARY,
        },
        ExitCode.UNREACHABLE,
    ),
    "libpq": (
        {"PGHOST": "127.0.0.1", "PGPORT": "1", "PGDATABASE": "shop", "PGPASSWORD": CANARY},
        ExitCode.UNREACHABLE,
    ),
    "unencoded": ({"PRESYNC_URL": f"postgresql://u:{CANARY}@{PLACE}"}, ExitCode.CONFIG),
    "unquoted": ({"PRESYNC_URL": f"host=127.0.0.1 password={CANARY}"}, ExitCode.CONFIG),
    "conflict": (
        {
            "PRESYNC_URL": f"postgresql://u:{ENCODED}@{PLACE}",
            "POSTGRES_HOST": "other",
            "POSTGRES_PASSWORD": CANARY,
        },
        ExitCode.CONFIG,
    ),
    "unexpanded": (
        {
            "FLYWAY_URL": "jdbc:postgresql://$(POSTGRES_HOST):5432/shop",
            "FLYWAY_PASSWORD": CANARY,
        },
        ExitCode.CONFIG,
    ),
    "stray": ({"FLYWAY_PASSWORD": CANARY, "PGHOST": "h"}, ExitCode.CONFIG),
    "unknown": ({"PRESYNC_PASSWORD": CANARY, "PGHOST": "h"}, ExitCode.CONFIG),
}


@pytest.mark.parametrize("log_format", ["json", "text"])
@pytest.mark.parametrize("name", ENVIRONMENTS)
def test_canary_password_appears_nowhere(
    name: str, log_format: str, run_presync: RunPresync, tmp_path: Path
) -> None:
    """Neither in stdout, stderr and report nor in the termination message, in any form."""
    environment, code = ENVIRONMENTS[name]
    log, report = tmp_path / "log", tmp_path / "report.json"
    files = {"PRESYNC_TERMINATION_LOG": str(log), "PRESYNC_REPORT": str(report)}
    forms = ["--log-format", log_format, "--format", log_format]
    done = run_presync(["run", *forms], NOWHERE | environment | files)
    assert done.exit_code == code
    written = done.stdout + done.stderr + log.read_text() + report.read_text()
    assert "c4nary" not in written
    assert "p@ss" not in written
    verdict = log.read_text().splitlines()[0]
    assert json.loads(report.read_text())["verdict"] == verdict
    last = done.events[-1]["message"] if log_format == "json" else done.stderr.splitlines()[-1]
    assert last.endswith(verdict)


def test_canary_password_is_masked_in_config(run_presync: RunPresync) -> None:
    """The settings are shown in both forms without it."""
    environment, _ = ENVIRONMENTS["flyway"]
    for form in ("json", "text"):
        done = run_presync(["config", "--format", form], environment)
        assert done.exit_code == 0
        assert "c4nary" not in done.stdout + done.stderr
        assert "u@127.0.0.1:1/shop" in done.stdout


def test_every_line_is_json_when_nobody_watches(run_presync: RunPresync) -> None:
    """Log and result are JSON off a terminal, and the last event is the verdict."""
    done = run_presync([], {"PGHOST": "127.0.0.1", "PGPORT": "1"} | NOWHERE)
    assert done.exit_code == ExitCode.UNREACHABLE
    last = done.events[-1]
    assert (last["event"], last["exit_code"]) == ("run.finished", 30)
    assert last["message"] == last["verdict"] == done.report["verdict"]
    assert {event["run_id"] for event in done.events} == {done.report["run_id"]}


def test_settings_are_shown_with_a_verdict_and_without_a_report(
    run_presync: RunPresync, tmp_path: Path
) -> None:
    """The log ends as any other; what is shown does not depend on where a report may go."""
    log = tmp_path / "termination"
    env = {"PRESYNC_TERMINATION_LOG": str(log), "PRESYNC_REPORT": str(tmp_path / "none" / "report")}
    done = run_presync(["config"], env)
    assert done.exit_code == ExitCode.OK
    first, last = done.events_named("run.started")[0], done.events[-1]
    assert (first["command"], last["event"]) == ("config", "run.finished")
    assert last["verdict"].startswith("PASSED 0 OK: settings can be read, in ")
    assert log.read_text() == f"{last['verdict']}\nrun_id {last['run_id']}\n"
    shown = {item["name"]: item["value"] for item in done.report["settings"]}
    assert shown["PRESYNC_TERMINATION_LOG"] == str(log)


def test_password_file_is_read_and_masked(run_presync: RunPresync, tmp_path: Path) -> None:
    """A password from a mounted secret is as secret as any other."""
    file = tmp_path / "password"
    file.write_text(f"{CANARY}\n")
    environment = {"PGHOST": "127.0.0.1", "PGPORT": "1", "PRESYNC_PASSWORD_FILE": str(file)}
    done = run_presync(["verify"], environment | NOWHERE)
    assert done.exit_code == ExitCode.UNREACHABLE
    assert "c4nary" not in done.stdout + done.stderr


def test_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    """`presync config | head -0` ends quietly."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "hook", "config"],
        stdout=write_end,
        stderr=subprocess.PIPE,
        env={"PYTHONPATH": str(ROOT), "PATH": os.defpath, "HOME": str(tmp_path)},
        check=False,
    )
    os.close(write_end)
    events = [json.loads(line) for line in done.stderr.splitlines()]
    assert (done.returncode, events[-1]["exit_code"]) == (0, 0)
    assert {event["level"] for event in events} == {"INFO"}


def test_log_that_nobody_reads_leaves_the_exit_code_alone(tmp_path: Path) -> None:
    """Python itself would end with 120, which means nothing to whoever reads exit codes."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    done = subprocess.run(
        [sys.executable, "-m", "hook", "run"],
        stdout=subprocess.PIPE,
        stderr=write_end,
        # Buffered, so that what could not be written is still there at the end.
        env={"PYTHONPATH": str(ROOT), "PATH": os.defpath, "HOME": str(tmp_path)},
        check=False,
    )
    os.close(write_end)
    assert done.returncode == ExitCode.CONFIG
    assert json.loads(done.stdout)["exit_code"] == ExitCode.CONFIG


LOADED = """
import sys
from hook.cli import execute
from hook.clock import Interrupt
code = execute(sys.argv[1:], {environment!r}, Interrupt())
print("|".join(sorted(sys.modules)), file=sys.stderr)
"""


def loaded_modules(arguments: list[str], environment: dict[str, str]) -> set[str]:
    """Return the modules that presync has imported when it is done."""
    program = LOADED.replace("{environment!r}", repr(environment))
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        # A measuring of coverage would import libraries of its own.
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=True,
    )
    return set(done.stderr.splitlines()[-1].split("|"))


def test_help_imports_neither_driver_nor_libraries() -> None:
    """Help is there at once."""
    heavy = {"psycopg", "boto3", "botocore", "tenacity", "tomllib", "pythonjsonlogger", "difflib"}
    assert not heavy & loaded_modules(["run", "--help"], {})


def test_refused_run_imports_only_what_it_needs() -> None:
    """What a run may need later is not paid for by one that ends early."""
    heavy = {"psycopg", "boto3", "botocore", "tenacity", "tomllib"}
    assert not heavy & loaded_modules(["run"], {})


LATE = """
import os, signal, sys
from hook.cli import main
class Late:
    def __del__(self, kill=os.kill, pid=os.getpid(), number=int(sys.argv.pop())):
        kill(pid, number)
late = Late()
main()
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_that_comes_after_the_verdict_leaves_the_exit_code(number: signal.Signals) -> None:
    """What ends the process is what was told, also while Python takes itself down."""
    done = subprocess.run(
        [sys.executable, "-c", LATE, "rnu", str(int(number))],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        cwd=ROOT,
        check=False,
    )
    assert json.loads(done.stdout)["exit_code"] == ExitCode.USAGE
    assert done.returncode == ExitCode.USAGE
