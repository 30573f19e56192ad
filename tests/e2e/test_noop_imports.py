"""What a run may load: every sync of every application pays for one with nothing to do."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.testbed.deployment import Deployment
from tests.testbed.process import ROOT

# Top packages, and modules with all below them.
UNUSED = (
    "boto3",
    "botocore",
    "click",
    "cryptography",
    "tenacity",
    "tomllib",
    "hook.bootstrap.writing",
    "hook.catalogs",
    "hook.command_line",
    "hook.core.execution.callback_book",
    "hook.core.scripts.callback_set",
    "hook.core.scripts.events",
    "hook.core.execution.dry_run",
    "hook.core.backups.backup_table",
    "hook.core.backups.freshness",
    "hook.core.sql.lexer",
    "hook.core.execution.prepared",
    "hook.core.scripts.properties",
    "hook.core.scripts.script_condition",
    "hook.core.sql.statements",
    "hook.core.backups.wal",
    "hook.demo",
    "hook.engines.flyway.apply",
    "hook.engines.flyway.callbacks",
    "hook.engines.flyway.script_text",
    "hook.options",
    "hook.pipeline.callback_run",
    "hook.pipeline.firing",
    "hook.pipeline.dry_run",
    "hook.pipeline.gates",
    "hook.pipeline.inspection",
    "hook.pipeline.migration",
    "hook.postgres.activity",
    "hook.postgres.lock",
    "hook.postgres.retry",
    "hook.postgres.script_run",
    "hook.render.backups",
    "hook.render.info",
    "hook.render.report_text",
    "hook.render.sql",
    "hook.settings.backup_source",
    "hook.settings.backup_trigger",
    "hook.settings.flyway_arguments",
    "hook.settings.flyway_conf",
    "hook.settings.flyway_entry",
    "hook.settings.flyway_keys",
    "hook.settings.flyway_toml",
    "hook.settings.jdbc",
    "hook.stages.archive",
    "hook.stages.backup",
    "hook.stages.blockers",
    "hook.stages.callbacks",
    "hook.stages.lock",
    "hook.stages.migrate",
    "hook.stages.restore_window",
    "hook.stages.scripts",
    "hook.stages.syntax",
    "hook.stages.trigger",
    "hook.triggers",
)
# They take longer to load than all else; what is told first does not need them.
BEHIND_THE_FIRST_LINE = (
    "psycopg",
    "psycopg_binary",
    "ssl",
    "hook.bootstrap",
    "hook.engines",
    "hook.pipeline",
    "hook.postgres",
    "hook.stages",
)
# Of these a run whose scripts all run in a transaction has none.
STEPWISE = (
    "hook.core.execution.callback_book",
    "hook.core.execution.script_program",
    "hook.engines.flyway.detaching",
    "hook.engines.flyway.index_repair",
    "hook.engines.flyway.noting",
    "hook.engines.flyway.step_by_step",
)
# Each frozen one costs as much as importing ten plain modules.
MOST_DATACLASSES = 10
MOST_DATACLASSES_WITH_WORK = 60
PROBE = """
import dataclasses, os, sys
from hook.cli import execute
from hook.clock import Interrupt

class FirstLine(type(sys.stderr)):
    def write(self, text):
        if not os.path.exists("first"):
            print(*sys.modules, file=open("first", "w"))
        return super().write(text)

sys.stderr = FirstLine(sys.stderr.buffer)
code = execute(sys.argv[1:], dict(os.environ), Interrupt())
made = [
    f"{module.__name__}.{name}"
    for module in list(sys.modules.values())
    if module.__name__.startswith("hook")
    for name, item in vars(module).items()
    if dataclasses.is_dataclass(item) and item.__module__ == module.__name__
]
print(*sys.modules, file=open("modules", "w"))
print(*made, file=open("dataclasses", "w"))
sys.exit(code)
"""


def run_probe(command: str, deployment: Deployment, folder: Path, **more: str) -> None:
    """Run *command* on *deployment*; it writes into *folder* what it loaded."""
    env = {
        "HOME": str(folder),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "PRESYNC_URL": deployment.database.url,
        "PRESYNC_LOCATIONS": str(deployment.folder / "sql"),
        **more,
    }
    subprocess.run(
        [sys.executable, "-c", PROBE, command],
        cwd=folder,
        env=env,
        check=True,
        capture_output=True,
        timeout=60,
    )


@pytest.fixture(params=["run", "migrate"])
def folder(request: pytest.FixtureRequest, deployment: Deployment, tmp_path: Path) -> Path:
    """Return where a run with nothing to do, under both its names, has written what it loaded."""
    deployment.apply({"V1__t.sql": "CREATE TABLE t ()"})
    run_probe(request.param, deployment, tmp_path)
    return tmp_path


@pytest.fixture
def folder_with_work(deployment: Deployment, tmp_path: Path) -> Path:
    """Return where a run with a script has written what it loaded."""
    deployment.release({"V1__t.sql": "CREATE TABLE t ()"})
    run_probe("run", deployment, tmp_path, PRESYNC_BACKUP_SOURCE="none")
    return tmp_path


def among(names: tuple[str, ...], modules: Path) -> list[str]:
    """Return which of *modules* are *names*, or below them."""
    prefixes = tuple(f"{name}." for name in names)
    loaded = modules.read_text().split()
    return [name for name in loaded if name in names or name.startswith(prefixes)]


def test_run_with_nothing_to_do_loads_nothing_for_other_runs(folder: Path) -> None:
    """What only a migration, a refusal or another command needs is imported there."""
    assert among(UNUSED, folder / "modules") == []


def test_first_line_of_the_log_waits_for_no_driver(folder: Path) -> None:
    """Half a start lies behind it; whoever watches a pod sees at once what runs, and on what."""
    assert among(BEHIND_THE_FIRST_LINE, folder / "first") == []
    assert among(("psycopg", "hook.stages"), folder / "modules")


def test_run_with_nothing_to_do_makes_few_dataclasses(folder: Path) -> None:
    """A class whose methods are generated at every start has to be worth it."""
    made = (folder / "dataclasses").read_text().split()
    assert len(made) <= MOST_DATACLASSES, made


def test_run_of_transactional_scripts_loads_nothing_for_other_scripts(
    folder_with_work: Path,
) -> None:
    """Nearly every script runs in a transaction, and needs nothing of what goes step by step."""
    assert among(("hook.engines.flyway.apply",), folder_with_work / "modules")
    assert among(STEPWISE, folder_with_work / "modules") == []


def test_run_with_work_makes_few_dataclasses(folder_with_work: Path) -> None:
    """A release is most often one small script, so that most of its run is the start."""
    made = (folder_with_work / "dataclasses").read_text().split()
    assert len(made) <= MOST_DATACLASSES_WITH_WORK, made
