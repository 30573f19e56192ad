"""Callbacks that fail, wait or are stopped: what is tried again, and what is said."""

from __future__ import annotations

import pytest

from hook.core.outcome import Status
from hook.errors import ExitCode
from tests.testbed.callbacks import (
    BAD,
    SLEEPING,
    TABLE,
    findings,
    prepare_trace,
    telling,
    told,
    trace,
)
from tests.testbed.gate import Gate, deciding, run_settings
from tests.testbed.run_context import eventually


@pytest.fixture(autouse=True)
def _traced(gate: Gate) -> None:
    """Begin with an empty trace."""
    prepare_trace(gate)


@pytest.mark.parametrize(
    ("event", "verdict"),
    [
        ("beforeMigrate", "callback beforeMigrate.sql:2 42883 {}; 0 applied"),
        (
            "beforeEachMigrate",
            "callback beforeEachMigrate.sql:2 of V1__t.sql 42883 {}; rolled back",
        ),
        (
            "afterEachMigrateStatement",
            "callback afterEachMigrateStatement.sql:2 of V1__t.sql 42883 {}; rolled back",
        ),
        ("afterEachMigrate", "callback afterEachMigrate.sql:2 of V1__t.sql 42883 {}; rolled back"),
        ("afterVersioned", "callback afterVersioned.sql:2 42883 {}; 1 applied, at 1"),
        ("afterMigrate", "callback afterMigrate.sql:2 42883 {}; 1 applied, at 1"),
    ],
)
def test_failing_callback_is_named_and_the_state_is_true(
    event: str, verdict: str, gate: Gate
) -> None:
    """File, line and SQLSTATE; what was applied before it stays and is said to stay."""
    report = gate.run(TABLE | {f"{event}.sql": f"{told('it')};\n{BAD}"})
    what = "function nothing_like_this() does not exist"
    assert report.verdict == f"FAILED 20 SQL_FAILED: {verdict.format(what)}"
    assert deciding(report).facts["callback" if "Each" not in event else "script"]
    assert trace(gate) == []
    assert len(gate.history()) == (1 if "1 applied" in verdict else 0)


def test_callback_that_fails_before_anything_leaves_nothing(gate: Gate) -> None:
    """With nothing pending, what failed was rolled back and nothing else was begun."""
    assert gate.run(TABLE).exit_code is ExitCode.OK
    report = gate.run({"beforeMigrate.sql": BAD})
    assert report.verdict == (
        "FAILED 20 SQL_FAILED: callback beforeMigrate.sql:1 42883"
        " function nothing_like_this() does not exist; rolled back, at 1"
    )


def test_error_callbacks_follow_the_rollback(gate: Gate) -> None:
    """Where Flyway would meet 25P02, they do what they are for, in order."""
    events = telling("afterEachMigrateStatementError", "afterEachMigrateError", "afterMigrateError")
    report = gate.run(TABLE | events | {"V2__x.sql": f"{told('V2')};\n{BAD}"})
    assert report.verdict.startswith("FAILED 20 SQL_FAILED: V2__x.sql:2 42883"), report.verdict
    assert report.verdict.endswith("rolled back, 1 applied before, at 1")
    assert trace(gate) == [
        "afterEachMigrateStatementError", "afterEachMigrateError", "afterMigrateError",
    ]  # fmt: skip


def test_failing_error_callback_does_not_mask_the_first_error(gate: Gate) -> None:
    """It is a finding beside the error that came first."""
    gate.release({"afterEachMigrateError.sql": "SELECT 1/0", "afterMigrateError.sql": "SELECT 2/0"})
    report = gate.run(TABLE | {"V2__x.sql": BAD})
    assert deciding(report).message.startswith("V2__x.sql:1 42883")
    beside = findings(report)
    assert [item.status for item in beside] == [Status.WARNED] * 2
    assert [item.message for item in beside] == [
        "callback afterEachMigrateError.sql:1 22012 division by zero",
        "callback afterMigrateError.sql:1 22012 division by zero",
    ]


def test_retried_script_reruns_its_callbacks(gate: Gate) -> None:
    """They are in its transaction, so that an attempt that is rolled back left none of them."""
    gate.limit(run_settings(ladder=[0.1, 30]))
    assert gate.run(TABLE).exit_code is ExitCode.OK
    around = telling("beforeEachMigrate", "beforeEachMigrateStatement", "afterEachMigrate")
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t")
        running = gate.start(around | {"V2__x.sql": "ALTER TABLE t ADD x int"})
        eventually(lambda: bool(gate.events.named("retry.scheduled")))
        other.rollback()
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.migrations[0].attempts > 1
    assert trace(gate) == ["beforeEachMigrate", "beforeEachMigrateStatement", "afterEachMigrate"]


def test_callback_that_loses_against_others_is_tried_again(gate: Gate) -> None:
    """In a transaction of its own it left nothing behind, like a migration."""
    gate.limit(run_settings(ladder=[0.1, 30]))
    assert gate.run(TABLE).exit_code is ExitCode.OK
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t")
        running = gate.start({"afterMigrate.sql": f"{told('it')}; LOCK TABLE t"})
        eventually(lambda: bool(gate.events.named("retry.scheduled")))
        other.rollback()
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert trace(gate) == ["it"]


def test_callback_that_never_gets_its_lock_is_contention(gate: Gate) -> None:
    """The ladder is that of a migration."""
    assert gate.run(TABLE).exit_code is ExitCode.OK
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t")
        report = gate.run({"beforeMigrate.sql": "LOCK TABLE t"})
        pid = other.info.backend_pid
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    assert report.verdict.endswith("; rolled back, at 1")
    assert deciding(report).message.startswith(
        "callback beforeMigrate.sql:1 55P03 canceling statement due to lock timeout (3 attempts);"
        f" in the way: pid {pid} (user postgres, "
    )
    assert f"SELECT pg_terminate_backend({pid});" in deciding(report).hint


def test_callback_without_transaction_that_stops_half_way(gate: Gate) -> None:
    """What it did stays, and somebody has to look."""
    gate.release({"afterMigrate.sql.conf": "executeInTransaction=false"})
    report = gate.run(TABLE | {"afterMigrate.sql": f"{told('one')};\n{told('two')};\n{BAD}"})
    assert report.exit_code is ExitCode.PARTIAL
    assert deciding(report).message.endswith("; left behind: everything up to line 2")
    assert trace(gate) == ["one", "two"]


def test_script_without_transaction_resumes_behind_its_callbacks(gate: Gate) -> None:
    """What has taken effect is not run again when the statement behind it waits in vain."""
    gate.limit(run_settings(ladder=[0.1, 30]))
    assert gate.run(TABLE).exit_code is ExitCode.OK
    around = telling("beforeEachMigrate", "beforeEachMigrateStatement", "afterEachMigrate")
    script = f"{told('V2')};\nALTER TABLE t ADD x int"
    files = {"V2__x.sql": script, "V2__x.sql.conf": "executeInTransaction=false"}
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t")
        running = gate.start(around | files)
        eventually(lambda: bool(gate.events.named("retry.scheduled")))
        other.rollback()
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert trace(gate) == [
        "beforeEachMigrate", "beforeEachMigrateStatement", "V2", "beforeEachMigrateStatement",
        "afterEachMigrate",
    ]  # fmt: skip


def test_script_without_transaction_names_what_its_callbacks_did(gate: Gate) -> None:
    """Their work is committed like that of the script."""
    files = {"V1__t.sql": BAD, "V1__t.sql.conf": "executeInTransaction=false"}
    report = gate.run(files | telling("beforeEachMigrate"))
    assert report.exit_code is ExitCode.PARTIAL
    assert "left behind: what beforeEachMigrate.sql did" in deciding(report).message


def test_callback_that_refuses_the_migrations_transaction_is_refused_at_once(gate: Gate) -> None:
    """It would fail behind the work of the migration."""
    report = gate.run(TABLE | {"afterEachMigrate.sql": "SELECT 1;\nVACUUM t"})
    assert report.exit_code is ExitCode.BAD_SET
    report = gate.run({"afterEachMigrate.sql": "VACUUM t"})
    assert report.verdict == (
        "REFUSED 11 BAD_SET: afterEachMigrate.sql:1: VACUUM cannot run in a transaction, and it"
        " runs in the transaction of V1__t.sql; database untouched"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("SELECT 'it", "afterMigrate.sql:1: unterminated quoted string"),
        ("SELEC 1", 'afterMigrate.sql:1 42601 syntax error at or near "SELEC"'),
        ("SELECT ${nobody}", "afterMigrate.sql"),
    ],
    ids=["lexer", "server", "placeholder"],
)
def test_bad_callback_is_refused_before_anything_runs(text: str, said: str, gate: Gate) -> None:
    """As for scripts: cut, replaced and parsed first."""
    report = gate.run(TABLE | {"afterMigrate.sql": text})
    assert report.exit_code is ExitCode.BAD_SET
    assert said in deciding(report).message
    assert gate.database.query("SELECT to_regclass('flyway_schema_history')") == [(None,)]


def test_drift_is_told_behind_the_callbacks_of_validation(gate: Gate) -> None:
    """The code is that of the drift; that callbacks ran is not kept back."""
    assert gate.run(TABLE).exit_code is ExitCode.OK
    events = telling("beforeValidate", "afterValidate", "afterValidateError", "beforeMigrate")
    report = gate.run(events | {"V1__t.sql": "SELECT 1"})
    assert report.exit_code is ExitCode.DRIFT
    assert report.verdict.endswith("; callbacks ran, nothing applied, at 1"), report.verdict
    assert trace(gate) == ["beforeValidate", "afterValidateError"]


def test_drift_rolls_nothing_back_when_its_own_callback_fails(gate: Gate) -> None:
    """The failure is told beside it, and left nothing."""
    assert gate.run(TABLE).exit_code is ExitCode.OK
    report = gate.run({"afterValidateError.sql": BAD, "V1__t.sql": "SELECT 1"})
    assert report.exit_code is ExitCode.DRIFT
    assert report.verdict.endswith("; database untouched"), report.verdict
    assert [item.status for item in findings(report, "callback")] == [Status.WARNED]


def test_validation_judges_what_beforevalidate_left(gate: Gate) -> None:
    """A history that a callback has mended is no drift any more."""
    assert gate.run(TABLE).exit_code is ExitCode.OK
    mend = "UPDATE flyway_schema_history SET checksum = NULL"
    report = gate.run(
        {"beforeValidate.sql": mend, "V1__t.sql": "SELECT 1", "V2__x.sql": "SELECT 1"}
    )
    assert report.verdict.startswith("PASSED 0 OK: 1 applied (V2), at 2"), report.verdict


def test_stop_request_in_a_callback(gate: Gate) -> None:
    """It is cancelled and rolled back; the migrations before it stay."""
    gate.limit(run_settings(ladder=[20]))
    script = f"{told('it')};\nSELECT pg_sleep(60)"
    running = gate.start(TABLE | {"afterMigrate.sql": script})
    eventually(lambda: bool(gate.events.named("callback.started")))
    eventually(lambda: bool(gate.database.query(SLEEPING)))
    gate.interrupt.set("SIGTERM")
    report = running.report()
    assert report.exit_code is ExitCode.INTERRUPTED, report.verdict
    assert "callback afterMigrate.sql:2" in report.verdict
    assert trace(gate) == []
    assert len(gate.history()) == 1


def test_lines_of_a_script_are_right_between_callbacks(gate: Gate) -> None:
    """Its statements go to the server one by one, and each knows where it comes from."""
    gate.release(telling("beforeEachMigrateStatement", "afterEachMigrateStatement"))
    script = "-- one\nSELECT 1;\n\nSELECT 2;\nSELECT\n    emial\nFROM t"
    report = gate.run(TABLE | {"V2__x.sql": script})
    assert 'V2__x.sql:6 42703 column "emial" does not exist; rolled back, 1' in report.verdict
