"""Sessions on a real server: scripts sent whole, reads, stops and losses."""

from __future__ import annotations

import gc
import resource
import weakref
from collections.abc import Callable, Iterator

import pytest

from hook.clock import Interrupt
from hook.core.execution.dry_run import DryRun
from hook.core.reporting.redaction import Redactor
from hook.errors import (
    BudgetExceeded,
    DatabaseRejected,
    DatabaseUnreachable,
    HookError,
    Interrupted,
    LockContention,
    QueryFailed,
)
from hook.postgres.session import Session
from hook.render.sql import SqlText
from tests.testbed.database import Database, Role
from tests.testbed.run_context import (
    eventually,
    is_running,
    meanwhile,
    open_session,
    target_of,
)


@pytest.fixture
def session(database: Database, interrupt: Interrupt) -> Iterator[Session]:
    """Return a session with the test's database."""
    with open_session(target_of(database), interrupt) as opened:
        yield opened


def test_run_counts_the_statements_of_one_message(session: Session) -> None:
    """Each statement is one result, empty ones are none."""
    outcome = session.run("CREATE TABLE t (id int); ; INSERT INTO t VALUES (1), (2); SELECT 1")
    assert (outcome.completed, outcome.failure) == (3, None)


def test_run_tells_which_statement_failed(session: Session) -> None:
    """A failure comes with what was completed, the SQLSTATE and the position in the message."""
    outcome = session.run("SELECT 1; SELECT 2; SELECT emial FROM pg_class; SELECT 3")
    assert outcome.completed == 2
    assert outcome.failure is not None
    assert (outcome.failure.sqlstate, outcome.failure.position) == ("42703", 28)


def test_run_parses_everything_before_it_executes_anything(session: Session) -> None:
    """A syntax error anywhere means that nothing ran; only the position tells where."""
    outcome = session.run("CREATE TABLE t (id int); SELEC 1")
    assert outcome.completed == 0
    assert outcome.failure is not None
    assert (outcome.failure.sqlstate, outcome.failure.position) == ("42601", 26)
    assert session.fetch("SELECT to_regclass('t') IS NULL") == [(True,)]


def test_run_leaves_a_failed_transaction_to_the_caller(session: Session) -> None:
    """After an error inside BEGIN the session says so until it is rolled back."""
    session.run("BEGIN; SELECT 1/0; COMMIT")
    assert session.in_transaction
    session.run("ROLLBACK")
    assert not session.in_transaction


def test_run_refuses_a_message_with_nul(session: Session) -> None:
    """A NUL would make libpq send only what precedes it."""
    outcome = session.run("CREATE TABLE t (id int);\0 SELECT 1")
    assert outcome.failure is not None
    assert (outcome.completed, outcome.failure.sqlstate) == (0, "22021")
    assert session.fetch("SELECT to_regclass('t') IS NULL") == [(True,)]


def test_run_feeds_copy_from_the_middle_of_a_message(session: Session) -> None:
    """Data goes to each COPY in order, in pieces larger than one chunk."""
    many = b"".join(b"%d\n" % number for number in range(50_000))
    outcome = session.run(
        "CREATE TABLE t (id int); COPY t FROM STDIN; CREATE TABLE u (id int);"
        " COPY u FROM STDIN; SELECT 1",
        [many, b"7\n"],
    )
    assert (outcome.completed, outcome.failure) == (5, None)
    assert session.fetch("SELECT count(*), (SELECT sum(id) FROM u) FROM t") == [(50_000, 7)]


def test_run_reports_bad_copy_data_as_a_failure(session: Session) -> None:
    """The server's complaint about the data names the line."""
    outcome = session.run("CREATE TABLE t (id int); COPY t FROM STDIN; SELECT 1", [b"1\nx\n"])
    assert outcome.completed == 1
    assert outcome.failure is not None
    assert outcome.failure.sqlstate == "22P02"
    assert "line 2" in outcome.failure.context


def test_run_fails_a_copy_without_data(session: Session) -> None:
    """A COPY that nobody gave data for ends with an error, not with a hang."""
    outcome = session.run("CREATE TABLE t (id int); COPY t FROM STDIN")
    assert outcome.completed == 1
    assert outcome.failure is not None


def test_run_drops_copied_out_and_selected_rows(session: Session) -> None:
    """100,000 rows pass by without piling up in memory."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    outcome = session.run(
        "SELECT repeat('x', 500) FROM generate_series(1, 100000);"
        " COPY (SELECT repeat('x', 500) FROM generate_series(1, 100000)) TO STDOUT"
    )
    assert (outcome.completed, outcome.failure) == (2, None)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 10_000  # KiB, of the 100 MB that passed by


def test_run_keeps_notices_within_bounds(session: Session) -> None:
    """Warnings are kept with their SQLSTATE; a flood of them is counted."""
    block = "DO $$ BEGIN FOR i IN 1..250 LOOP RAISE WARNING 'number %', i; END LOOP; END $$"
    outcome = session.run(block)
    assert len(outcome.notices) == 100
    assert outcome.notices_dropped == 150
    first = outcome.notices[0]
    assert (first.severity, first.sqlstate, first.message) == ("WARNING", "01000", "number 1")


def test_run_sends_large_messages(session: Session) -> None:
    """A message larger than every buffer arrives whole."""
    values = ", ".join(f"({number})" for number in range(300_000))
    outcome = session.run(f"CREATE TABLE t (id int); INSERT INTO t VALUES {values}")
    assert (outcome.completed, outcome.failure) == (2, None)


def test_run_tells_the_last_words_of_a_killed_backend(session: Session, database: Database) -> None:
    """A terminated backend is a lost connection, with 57P01 as the reason."""

    def kill() -> None:
        eventually(lambda: is_running(database, "pg_sleep"))
        database.execute(f"SELECT pg_terminate_backend({session.pid})")

    with meanwhile(kill):
        outcome = session.run("SELECT 1; SELECT pg_sleep(60)")
    assert outcome.is_lost
    assert outcome.completed == 1
    assert outcome.failure is not None
    assert outcome.failure.sqlstate == "57P01"
    assert session.run("SELECT 1").is_lost
    with pytest.raises(DatabaseUnreachable, match="connection lost"):
        session.fetch("SELECT 1")


def test_loss_of_an_idle_session_is_seen_without_a_query(
    session: Session, database: Database
) -> None:
    """An idle session knows that its backend is gone."""
    assert not session.is_lost
    database.execute(f"SELECT pg_terminate_backend({session.pid})")
    eventually(lambda: session.is_lost)


def test_fetch_binds_parameters_and_returns_typed_rows(session: Session) -> None:
    """Parameters never become SQL; values come back as Python's."""
    rows = session.fetch("SELECT %s, %s::int + 1, %s::text[], NULL", ("'; DROP", 1, ["a", "b"]))
    assert rows == [("'; DROP", 2, ["a", "b"], None)]


def test_fetch_of_a_command_returns_no_rows(session: Session) -> None:
    """A statement without result is no error."""
    assert session.fetch("SET search_path = public") == []


def test_dry_session_sends_nothing_but_reads(session: Session) -> None:
    """What it would run is taken down, and a read that writes is refused by the server."""
    lines: list[str] = []
    dry = session.dry(DryRun(SqlText.for_psql(lines.append, Redactor(()))))
    dry.execute("CREATE TABLE t ()")
    assert dry.run("CREATE TABLE u ()").failure is None
    assert dry.shielded(1).run("CREATE TABLE v ()").failure is None
    assert "".join(lines) == "".join(f"CREATE TABLE {name} ()\n;\n" for name in "tuv")
    with pytest.raises(HookError, match="read-only"):
        dry.fetch("CREATE TABLE w ()")
    assert dry.fetch("SELECT to_regclass('t'), to_regclass('w')") == [(None, None)]


def test_fetch_is_cancelled_by_a_stop_request(
    session: Session, interrupt: Interrupt, database: Database
) -> None:
    """A read that waits for a lock ends with the stop request, cancelled on the server."""
    database.execute("CREATE TABLE t (id int)")

    def stop() -> None:
        eventually(lambda: is_running(database, "FROM t"))
        interrupt.set("SIGTERM")

    with database.connect(autocommit=False) as holder:
        holder.execute("LOCK TABLE t")
        with meanwhile(stop), pytest.raises(Interrupted):
            session.fetch("SELECT * FROM t")
        assert not is_running(database, "FROM t")


def test_fetch_maps_a_missing_right(
    database: Database, make_role: Callable[..., Role], interrupt: Interrupt
) -> None:
    """A right that is missing is a refusal, not a bug."""
    role = make_role()
    with (
        open_session(target_of(database, role), interrupt) as session,
        pytest.raises(DatabaseRejected, match="42501"),
    ):
        session.fetch("SELECT * FROM pg_authid")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT * FROM nowhere", QueryFailed),
        ("SET statement_timeout = 20; SELECT pg_sleep(60)", BudgetExceeded),
        ("DO $$ BEGIN RAISE 'full' USING ERRCODE = '53100'; END $$", DatabaseUnreachable),
        ("DO $$ BEGIN RAISE 'locked' USING ERRCODE = '55P03'; END $$", LockContention),
    ],
)
def test_fetch_maps_errors_by_sqlstate(
    session: Session, query: str, expected: type[Exception]
) -> None:
    """Each kind of failure of a read becomes the error with its own exit code."""
    with pytest.raises(expected):
        session.fetch(query)


def test_application_name_holds_version_and_run(session: Session, database: Database) -> None:
    """An operator finds the run in pg_stat_activity; a script is UTF-8."""
    (row,) = session.fetch(
        "SELECT current_setting('application_name'), current_setting('client_encoding')"
    )
    assert row[0].startswith("presync/")
    assert row[0].endswith(" run=r1")
    assert row[1] == "UTF8"
    assert database.query(
        f"SELECT count(*) FROM pg_stat_activity WHERE application_name = '{row[0]}'"
    ) == [(1,)]


def test_close_rolls_back(session: Session, database: Database) -> None:
    """A closed session leaves nothing open behind it."""
    session.run("BEGIN; CREATE TABLE t (id int)")
    session.close()
    assert database.query("SELECT to_regclass('t') IS NULL") == [(True,)]
    assert session.is_lost


@pytest.fixture
def uncollected() -> Iterator[None]:
    """Leave to themselves what hold each other, as a run does nearly always."""
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
def test_refusal_that_was_dealt_with_holds_nothing_of_its_callers(session: Session) -> None:
    """Through its traceback it would hold all scripts of a run, which makes a ledger, say."""

    class Scripts:
        """What a caller has in its hands."""

    def create() -> weakref.ref[Scripts]:
        scripts = Scripts()
        with pytest.raises(QueryFailed):
            session.fetch("SELECT * FROM nowhere")
        return weakref.ref(scripts)

    assert create()() is None
