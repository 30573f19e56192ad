"""Scripts whose configuration says when they count, on a real server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hook import bootstrap
from hook.core.reporting.report import Report
from hook.core.schema_history.history import MigrationState
from hook.errors import ExitCode
from hook.settings import Settings
from hook.stages import Context
from tests.testbed.gate import Gate, deciding

ONLY_IN_TEST = "shouldExecute=${env}==test"
FILES = {
    "V1__t.sql": "CREATE TABLE t (id int)",
    "V2__sample_data.sql": "INSERT INTO t VALUES (2)",
    "V2__sample_data.sql.conf": ONLY_IN_TEST,
    "V3__u.sql": "CREATE TABLE u (id int)",
    "R__samples.sql": "INSERT INTO t VALUES (9)",
    "R__samples.sql.conf": ONLY_IN_TEST,
}
COMMANDS: tuple[Callable[[Settings, Context], Report], ...] = (
    bootstrap.plan,
    bootstrap.validate,
    bootstrap.verify,
)


def in_environment(gate: Gate, name: str) -> None:
    """Let the placeholder ``env`` stand for *name*."""
    placeholders = gate.settings.migrations.placeholders._replace(values={"env": name})
    migrations = gate.settings.migrations._replace(placeholders=placeholders)
    gate.settings = gate.settings._replace(migrations=migrations)


def test_script_that_does_not_count_is_left_out(gate: Gate) -> None:
    """It is Ignored, which is no mistake, and the run says why."""
    in_environment(gate, "production")
    report = gate.run(FILES)
    assert report.exit_code is ExitCode.OK
    assert [item.script for item in report.migrations] == ["V1__t.sql", "V3__u.sql"]
    told = [item["script"] for item in gate.events.named("migration.applied")]
    assert told == ["V1__t.sql", "V3__u.sql"]
    messages = [item.message for item in report.results[1].findings]
    assert messages[1:] == [
        f"{name} does not count here: {ONLY_IN_TEST} is false"
        for name in ("V2__sample_data.sql", "R__samples.sql")
    ]
    assert gate.run().exit_code is ExitCode.OK
    for command in COMMANDS:
        assert command(gate.settings, gate.context()).exit_code is ExitCode.OK
    states = [
        (info.migration.script, info.state)
        for info in bootstrap.info(gate.settings, gate.context()).infos
        if info.migration is not None and not info.migration.executes
    ]
    assert states == [
        ("V2__sample_data.sql", MigrationState.IGNORED),
        ("R__samples.sql", MigrationState.IGNORED),
    ]


def test_script_that_counts_is_run(gate: Gate) -> None:
    """In its place among the others."""
    in_environment(gate, "test")
    report = gate.run(FILES)
    assert [item.script for item in report.migrations] == [
        "V1__t.sql", "V2__sample_data.sql", "V3__u.sql", "R__samples.sql",
    ]  # fmt: skip
    # What was applied stays applied, wherever it would count now.
    in_environment(gate, "production")
    assert gate.run().exit_code is ExitCode.OK


def test_script_that_counts_too_late_is_drift(gate: Gate) -> None:
    """Like any other version that was not there before newer ones."""
    in_environment(gate, "production")
    assert gate.run(FILES).exit_code is ExitCode.OK
    in_environment(gate, "test")
    assert deciding(gate.run()).rule == "history-out-of-order"


def test_baseline_script_that_does_not_count_starts_nothing(gate: Gate) -> None:
    """The history begins with the versions instead."""
    files = {"V1__t.sql": "CREATE TABLE t ()", "B2__all.sql": "SELEC"}
    report = gate.run(files | {"B2__all.sql.conf": "shouldExecute=false"})
    assert [item.script for item in report.migrations] == ["V1__t.sql"]


@pytest.mark.parametrize("expression", ["maybe", "${env}=production"])
def test_condition_that_cannot_be_understood_stops_the_run(gate: Gate, expression: str) -> None:
    """Nobody guesses whether a migration is to be run."""
    in_environment(gate, "secret-value")
    configuration = {"V1__t.sql.conf": f"shouldExecute={expression}"}
    finding = deciding(gate.run({"V1__t.sql": "SELECT 1"} | configuration))
    assert finding.code is ExitCode.BAD_SET
    assert finding.message == f"V1__t.sql.conf: shouldExecute={expression} cannot be understood"
