"""Scripts without transaction that are stopped from outside, with a note of how far they came."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping

import pytest

from hook import bootstrap
from hook.clock import Interrupt
from hook.core.reporting.report import Report
from hook.core.schema_history.orders import Orders
from hook.errors import ExitCode
from tests.testbed.gate import WORDING, Gate, deciding, run_settings
from tests.testbed.run_context import eventually

ALONE = {"V2__x.sql.conf": "executeInTransaction=false"}
# A trigger fails the row with number 2 as long as there is a table of that name.
BASE = """\
CREATE TABLE t (n int, name text DEFAULT current_setting('application_name'));
CREATE TABLE u (n int);
CREATE FUNCTION full() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN IF to_regclass(''full_disk'') IS NOT NULL AND NEW.n = 2 THEN RAISE disk_full; END IF;
    RETURN NEW; END';
CREATE TRIGGER f BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION full();
"""
SCRIPT = """\
SET application_name = 'set';
INSERT INTO t VALUES (1);
INSERT INTO t SELECT 2 FROM (SELECT count(*) FROM u) AS x;
CREATE INDEX CONCURRENTLY i ON t (n);
INSERT INTO t VALUES (3);
"""
BRIEF = SCRIPT.replace("CREATE INDEX CONCURRENTLY i ON t (n);\n", "")
ROWS = "SELECT n, name FROM t ORDER BY 1"
EVERYTHING = [(1, "set"), (2, "set"), (3, "set")]
GOES_ON = "; left behind: everything up to line 2 (the next run goes on behind that)"
WAITING = (
    "SELECT FROM pg_stat_activity WHERE application_name = 'set'"
    " AND datname = current_database() AND wait_event_type = 'Lock'"
)


@pytest.fixture(autouse=True)
def _released(gate: Gate) -> None:
    """Begin with the tables."""
    assert gate.run({"V1__base.sql": BASE, **ALONE}).exit_code is ExitCode.OK


@pytest.fixture
def stop(gate: Gate) -> Iterator[Callable[[], None]]:
    """Return what stops the run that is at work, and no later one."""
    with contextlib.ExitStack() as stack:

        def stop_now() -> None:
            gate.interrupt.set("SIGTERM")
            gate.interrupt = stack.enter_context(contextlib.closing(Interrupt()))

        yield stop_now


@contextlib.contextmanager
def held(gate: Gate) -> Iterator[None]:
    """Keep the script waiting in its third line."""
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE u")
        yield


def stopped(gate: Gate, stop: Callable[[], None], script: str = SCRIPT) -> Report:
    """Return how a run ends that is told to stop in the third line."""
    with held(gate):
        running = gate.start({"V2__x.sql": script})
        eventually(lambda: bool(gate.database.query(WAITING)))
        stop()
        return running.report()


def allow_out_of_order(gate: Gate) -> None:
    """Let a script run that has a lower version than what is applied."""
    rules = gate.settings.migrations.rules._replace(is_out_of_order=True)
    migrations = gate.settings.migrations._replace(rules=rules)
    gate.settings = gate.settings._replace(migrations=migrations)


def assert_goes_on(gate: Gate, report: Report) -> None:
    """The run after *report* needs nobody, and does nothing for the second time."""
    assert gate.history()[1:] == [], report.verdict
    gate.limit(run_settings())
    again = gate.run()
    assert again.exit_code is ExitCode.OK, again.verdict
    assert gate.database.query(ROWS) == EVERYTHING
    assert gate.history()[1:] == [(2, "2", "V2__x.sql", True)]


def test_script_that_is_stopped_is_gone_on_with(gate: Gate, stop: Callable[[], None]) -> None:
    """The verdict says from where on."""
    report = stopped(gate, stop)
    assert report.verdict == (
        f"FAILED 40 INTERRUPTED: SIGTERM received in V2__x.sql:3{GOES_ON}, at 1"
    )
    assert_goes_on(gate, report)


def test_script_may_be_stopped_again_and_again(gate: Gate, stop: Callable[[], None]) -> None:
    """Each time the row of the last run says how far it is."""
    assert GOES_ON in stopped(gate, stop).verdict
    again = stopped(gate, stop)
    assert again.exit_code is ExitCode.INTERRUPTED
    assert GOES_ON in again.verdict
    assert_goes_on(gate, again)


def test_script_that_takes_too_long_is_gone_on_with(gate: Gate) -> None:
    """A statement ran into its limit, and nothing says that it will again."""
    gate.limit(run_settings(statement_timeout=2, ladder=[60]))
    with held(gate):
        report = gate.run({"V2__x.sql": SCRIPT})
    assert report.exit_code is ExitCode.BUDGET, report.verdict
    assert GOES_ON in report.verdict
    assert_goes_on(gate, report)


def test_script_that_gets_no_lock_is_gone_on_with(gate: Gate) -> None:
    """It has tried the same statement as often as the ladder says."""
    with held(gate):
        report = gate.run({"V2__x.sql": SCRIPT})
    assert report.exit_code is ExitCode.CONTENTION, report.verdict
    assert GOES_ON in report.verdict
    assert_goes_on(gate, report)


def test_script_on_a_full_disk_is_gone_on_with(gate: Gate) -> None:
    """Nothing is wrong with it; what it is to find may be mended meanwhile."""
    gate.database.execute("CREATE TABLE full_disk ()")
    report = gate.run({"V2__x.sql": SCRIPT})
    assert report.exit_code is ExitCode.SQL_FAILED, report.verdict
    assert GOES_ON in report.verdict
    gate.database.execute("DROP TABLE full_disk")
    assert_goes_on(gate, report)


def test_script_whose_session_is_ended_between_two_attempts_goes_on(gate: Gate) -> None:
    """In a new session, as what is done is known."""
    gate.limit(run_settings(ladder=[0.1, 0.1, 0.1, 60, 60]))
    ours = WAITING.split("AND wait", 1)[0].replace("SELECT", "SELECT pid")
    with held(gate):
        running = gate.start({"V2__x.sql": SCRIPT})
        eventually(lambda: bool(gate.events.named("retry.scheduled")))
        ((first,),) = gate.database.query(ours)
        gate.database.query(f"SELECT pg_terminate_backend({first})")
        eventually(lambda: bool(gate.database.query(f"{WAITING} AND pid <> {first}")))
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.database.query(ROWS) == EVERYTHING


def test_mistake_behind_what_was_gone_on_with_is_for_a_human(
    gate: Gate, stop: Callable[[], None]
) -> None:
    """The failed row is there as for any other run, also for Flyway."""
    assert GOES_ON in stopped(gate, stop, f"{SCRIPT}INSERT INTO no VALUES (1)").verdict
    report = gate.run()
    assert report.verdict == (
        'FAILED 21 PARTIAL: V2__x.sql:6 42P01 relation "no" does not exist; left behind: index i'
        " (line 4), all else up to line 5, at 1"
    )
    assert gate.history()[1:] == [(2, "2", "V2__x.sql", False)]
    assert gate.run().exit_code is ExitCode.FAILED_BEFORE


def test_note_that_somebody_has_deleted_is_none(gate: Gate, stop: Callable[[], None]) -> None:
    """Then only a failed row can keep the next run from the beginning of the script."""
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t IN ROW EXCLUSIVE MODE")
        running = gate.start({"V2__x.sql": SCRIPT})
        eventually(lambda: bool(gate.database.query(WAITING)))
        gate.database.execute("DELETE FROM presync_run")
        stop()
        report = running.report()
    assert report.verdict == (
        "FAILED 40 INTERRUPTED: SIGTERM received in V2__x.sql:4; left behind: everything up to"
        " line 3, invalid index public.i on t, at 1"
    )
    assert gate.history()[1:] == [(2, "2", "V2__x.sql", False)]
    assert gate.run().exit_code is ExitCode.FAILED_BEFORE


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (
            {"V2__x.sql": SCRIPT.replace("(3)", "(4)")},
            "run r1 may have run a part of V2__x.sql, of which the text has changed since",
        ),
        (
            {"V1.5__y.sql": "INSERT INTO u VALUES (1)"},
            "run r1 has done a part of V2__x.sql, and V1.5__y.sql would be applied before it",
        ),
        (
            {"V2__x.sql.conf": "executeInTransaction=true"},
            "run r1 may have run a part of V2__x.sql, which is run in a transaction now",
        ),
    ],
    ids=["other text", "other script", "transaction"],
)
def test_other_release_is_looked_at_by_a_human(
    gate: Gate, stop: Callable[[], None], files: Mapping[str, str], why: str
) -> None:
    """Nobody but the run that is refused knows that a part of the script is there."""
    stopped(gate, stop, BRIEF)
    allow_out_of_order(gate)
    refused = gate.run(files)
    assert refused.exit_code is ExitCode.FAILED_BEFORE, refused.verdict
    assert why in deciding(refused).message
    assert gate.database.query(ROWS) == EVERYTHING[:1]


def test_repair_of_something_else_does_not_make_it_forgotten(
    gate: Gate, stop: Callable[[], None]
) -> None:
    """Its row in the ledger is the last one; it has undone nothing."""
    report = stopped(gate, stop)
    gate.release({"V1__base.sql": f"{BASE}-- changed"})
    confirmed = Orders(is_confirmed=True)
    repaired = bootstrap.repair(gate.settings, gate.context(), confirmed, WORDING)
    assert repaired.exit_code is ExitCode.OK, repaired.verdict
    newest = "SELECT command FROM presync_run ORDER BY id DESC LIMIT 1"
    assert gate.database.query(newest) == [("repair",)]
    assert_goes_on(gate, report)


def test_nothing_is_run_while_the_ledger_cannot_be_asked(
    gate: Gate, stop: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may say that a part of the script is there."""
    report = stopped(gate, stop)
    monkeypatch.setattr("hook.postgres.patience._ANSWER_SECONDS", 5.0)
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE presync_run")
        refused = gate.run()
    monkeypatch.undo()
    assert refused.exit_code is ExitCode.CONTENTION, refused.verdict
    assert gate.database.query(ROWS) == EVERYTHING[:1]
    assert_goes_on(gate, report)


def test_nothing_is_run_before_it_while_the_ledger_cannot_be_asked(
    gate: Gate, stop: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is pending first may be harmless; what comes behind that is not."""
    stopped(gate, stop)
    allow_out_of_order(gate)
    monkeypatch.setattr("hook.postgres.patience._ANSWER_SECONDS", 5.0)
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE presync_run")
        refused = gate.run({"V1.5__y.sql": "INSERT INTO u VALUES (1)"})
    assert refused.exit_code is ExitCode.CONTENTION, refused.verdict
    assert gate.database.query(ROWS) == EVERYTHING[:1]
    assert gate.database.query("SELECT FROM u") == []


def test_nothing_is_run_when_the_role_has_no_time_to_ask_the_ledger(
    gate: Gate, stop: Callable[[], None]
) -> None:
    """Its own limit ends the query before somebody ends the lock."""
    report = stopped(gate, stop)
    limit = f"ALTER DATABASE {gate.database.name}"
    gate.database.execute(f"{limit} SET statement_timeout = '4s'")
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE presync_run")
        refused = gate.run()
    assert refused.exit_code is ExitCode.BUDGET, refused.verdict
    assert "public.presync_run could not be read: " in deciding(refused).message
    assert gate.database.query(ROWS) == EVERYTHING[:1]
    gate.database.execute(f"{limit} RESET statement_timeout")
    assert_goes_on(gate, report)


def test_who_has_undone_it_begins_anew(gate: Gate, stop: Callable[[], None]) -> None:
    """That is what --retry-failed says."""
    stopped(gate, stop)
    gate.database.execute("DELETE FROM t")
    gate.orders = Orders(retries_failed=True)
    report = gate.run()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.database.query(ROWS) == EVERYTHING
