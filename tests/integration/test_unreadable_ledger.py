"""What a run does that cannot read, or write, what the ledger says of a script begun before it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hook import bootstrap
from hook.core.outcome import Status
from hook.core.reporting.past_run import PastRun
from hook.core.reporting.report import Report
from hook.core.schema_history.baseline import BaselineRules
from hook.core.schema_history.orders import Orders
from hook.errors import ExitCode
from hook.postgres.ledger import Ledger
from hook.postgres.session import Session
from tests.testbed.database import Role
from tests.testbed.gate import Gate, deciding, run_settings, settings_for
from tests.testbed.proxy import Fault, Proxy
from tests.testbed.release import write_files
from tests.testbed.run_context import eventually, target_of

# A trigger fails the row with number 2 as long as there is a table of that name.
BASE = """\
CREATE TABLE t (n int);
CREATE FUNCTION full() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN IF to_regclass(''full_disk'') IS NOT NULL AND NEW.n = 2 THEN RAISE disk_full; END IF;
    RETURN NEW; END';
CREATE TRIGGER f BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION full();
"""
ALONE = {"V2__x.sql.conf": "executeInTransaction=false"}
SCRIPT = "".join(f"INSERT INTO t VALUES ({number});\n" for number in (1, 2, 3))
HARMLESS = {"V3__y.sql": "CREATE TABLE y ()"}
ROWS = "SELECT n FROM t ORDER BY 1"
VIEW = (
    "RENAME TO kept; CREATE VIEW presync_run AS SELECT * FROM kept WHERE exit_code = 0;"
    " GRANT ALL ON presync_run TO PUBLIC"
)
CUT_OFF = "SELECT report #>> '{cut_off,done}' FROM presync_run ORDER BY id DESC LIMIT 1"


@pytest.fixture
def role(gate: Gate, make_role: Callable[..., Role]) -> Role:
    """Return a role that may do all that the gate's runs do; the tables are not its own."""
    assert gate.run({"V1__base.sql": BASE, **ALONE}).exit_code is ExitCode.OK
    role = make_role()
    gate.hand_to(role)
    return role


@pytest.fixture
def part(gate: Gate, role: Role) -> Role:
    """Return *role*, of which a run has done the first statement of the script, noted."""
    gate.database.execute("CREATE TABLE full_disk ()")
    report = gate.run({"V2__x.sql": SCRIPT})
    assert "left behind: everything up to line 1 (the next run goes on" in report.verdict
    gate.database.execute("DROP TABLE full_disk")
    return role


def assert_untouched(gate: Gate, report: Report) -> None:
    """Nothing of the script has run for the second time, or at all, and nobody has noted it."""
    assert report.verdict.endswith("; database untouched"), report.verdict
    assert gate.database.query(ROWS) == [(1,)]
    assert gate.history()[1:] == []
    assert gate.database.query(CUT_OFF) == [("1",)]


def assert_goes_on(gate: Gate) -> None:
    """The run after that needs nobody."""
    report = gate.run()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.database.query(ROWS) == [(1,), (2,), (3,)]


@pytest.mark.parametrize("right", ["SELECT", "SELECT (report)"])
def test_script_is_not_run_again_by_a_role_that_may_not_read_the_ledger(
    gate: Gate, part: Role, right: str
) -> None:
    """The grant is told; with it the next run goes on."""
    gate.database.execute(f"REVOKE SELECT ON presync_run FROM {part.name}")
    if right != "SELECT":
        gate.database.execute(f"GRANT SELECT (id, command) ON presync_run TO {part.name}")
    refused = gate.run()
    assert refused.exit_code is ExitCode.AUTH, refused.verdict
    finding = deciding(refused)
    assert "public.presync_run could not be read: " in finding.message
    assert "whether a part of V2__x.sql has run" in finding.message
    assert "--retry-failed" in finding.hint
    assert_untouched(gate, refused)
    grant, found, _ = finding.hint.partition(";")
    assert found
    assert grant == (f'GRANT SELECT, INSERT, UPDATE ON "public"."presync_run" TO "{part.name}"')
    gate.database.execute(grant)
    assert_goes_on(gate)


@pytest.mark.usefixtures("part")
@pytest.mark.parametrize(
    ("change", "back"),
    [
        ("RENAME report TO told", "RENAME told TO report"),
        ("ALTER report TYPE text", "ALTER report TYPE jsonb USING report::jsonb"),
        (
            "ALTER started_at DROP NOT NULL; UPDATE presync_run SET started_at = NULL",
            "ALTER recorded_at DROP NOT NULL; UPDATE presync_run SET started_at = recorded_at",
        ),
        ("ENABLE ROW LEVEL SECURITY", "DISABLE ROW LEVEL SECURITY"),
        (
            VIEW,
            "RENAME TO passed; DROP VIEW passed; ALTER TABLE kept RENAME TO presync_run",
        ),
    ],
    ids=["column", "type", "null", "policy", "view"],
)
def test_script_is_not_run_again_behind_a_ledger_that_somebody_has_changed(
    gate: Gate, change: str, back: str
) -> None:
    """What it says of the script is there, for whoever undoes the change."""
    ledger = "ALTER TABLE presync_run"
    gate.database.execute(f"{ledger} {change}")
    refused = gate.run()
    assert refused.exit_code is ExitCode.FAILED_BEFORE, refused.verdict
    assert "whether a part of V2__x.sql has run" in deciding(refused).message
    gate.database.execute(f"{ledger} {back}")
    assert_untouched(gate, refused)
    assert_goes_on(gate)


@pytest.mark.usefixtures("part")
@pytest.mark.parametrize("value", ["'{\"a\": 1}'", "'\"a\"'", "'1'", "'true'"])
def test_script_is_not_gone_on_with_where_what_was_held_is_not_readable(
    gate: Gate, value: str
) -> None:
    """A list says that it was nothing; whoever has put something else there does not."""
    note = f"jsonb_set(report, '{{cut_off,held}}', {value})"
    gate.database.execute(f"UPDATE presync_run SET report = {note} WHERE report ? 'cut_off'")
    refused = gate.run()
    assert refused.exit_code is ExitCode.FAILED_BEFORE, refused.verdict
    assert_untouched(gate, refused)


def test_script_in_front_is_not_run_either(gate: Gate, part: Role) -> None:
    """Behind it the other one would be run in the same go."""
    rules = gate.settings.migrations.rules._replace(is_out_of_order=True)
    migrations = gate.settings.migrations._replace(rules=rules)
    gate.settings = gate.settings._replace(migrations=migrations)
    gate.database.execute(f"REVOKE SELECT ON presync_run FROM {part.name}")
    refused = gate.run({"V1.5__y.sql": "CREATE TABLE y ()"})
    assert refused.exit_code is ExitCode.AUTH, refused.verdict
    assert_untouched(gate, refused)


def test_scripts_that_may_run_again_are_run_without_the_ledger(gate: Gate, role: Role) -> None:
    """A transaction undoes what was not finished; it is told all the same."""
    gate.database.execute(f"REVOKE SELECT ON presync_run FROM {role.name}")
    gate.release({"V4__z.sql": "VACUUM pg_class"})
    report = gate.run(HARMLESS)
    assert report.exit_code is ExitCode.OK, report.verdict
    told = [item for result in report.results for item in result.findings]
    (finding,) = [item for item in told if item.rule == "failure-memory"]
    assert finding.status is Status.WARNED
    assert "public.presync_run could not be read" in finding.message


def test_who_knows_that_nothing_has_run_says_so(gate: Gate, part: Role) -> None:
    """--retry-failed begins at the first statement, as everywhere."""
    gate.database.execute(f"REVOKE SELECT ON presync_run FROM {part.name}; DELETE FROM t")
    gate.orders = Orders(retries_failed=True)
    report = gate.run()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.database.query(ROWS) == [(1,), (2,), (3,)]


@pytest.mark.parametrize("right", ["INSERT", "UPDATE"])
def test_nobody_goes_on_without_a_note(gate: Gate, part: Role, right: str) -> None:
    """Killed in it, a run that has no row would leave the old one, and that be gone on with."""
    gate.database.execute(f"REVOKE {right} ON presync_run FROM {part.name}")
    refused = gate.run()
    assert refused.exit_code is ExitCode.AUTH, refused.verdict
    assert "public.presync_run could not be written" in deciding(refused).message
    assert_untouched(gate, refused)
    gate.database.execute(f"GRANT {right} ON presync_run TO {part.name}")
    assert_goes_on(gate)


def test_right_that_is_taken_away_amid_the_script_keeps_it_from_going_on(
    gate: Gate, role: Role
) -> None:
    """What is done is noted, so that nobody is needed but who grants it again."""
    gate.limit(run_settings(ladder=[60]))
    waiting = "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type"
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t")
        running = gate.start({"V2__x.sql": SCRIPT})
        eventually(lambda: bool(gate.database.query(f"{waiting} = 'Lock'")))
        gate.database.execute(f"REVOKE UPDATE ON presync_run FROM {role.name}")
        other.rollback()
        report = running.report()
    assert report.exit_code is ExitCode.SQL_FAILED, report.verdict
    assert "permission denied for table presync_run" in deciding(report).message
    assert "everything up to line 1 (the next run goes on behind that)" in report.verdict
    assert "SELECT, INSERT and UPDATE" in deciding(report).hint
    assert gate.database.query(ROWS) == [(1,)]
    assert gate.history()[1:] == []
    gate.database.execute(f"GRANT UPDATE ON presync_run TO {role.name}")
    assert_goes_on(gate)


@contextmanager
def locked_against_writing(gate: Gate) -> Iterator[None]:
    """Let everybody read the ledger, and nobody write into it."""
    database = f"ALTER DATABASE {gate.database.name}"
    gate.database.execute(f"{database} SET lock_timeout = '200ms'")
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE presync_run IN SHARE MODE")
        yield
    gate.database.execute(f"{database} RESET lock_timeout")


@pytest.mark.usefixtures("part")
def test_nobody_goes_on_while_the_ledger_is_locked(gate: Gate) -> None:
    """It passes, and so does the refusal."""
    with locked_against_writing(gate):
        refused = gate.run()
    assert refused.exit_code is ExitCode.CONTENTION, refused.verdict
    assert_untouched(gate, refused)
    assert_goes_on(gate)


@pytest.mark.usefixtures("role")
def test_script_that_must_not_run_twice_is_not_begun_while_the_ledger_is_locked(
    gate: Gate,
) -> None:
    """Nobody would know of it if the run were killed; others are run without a record."""
    with locked_against_writing(gate):
        assert gate.run({"V1.1__y.sql": "CREATE TABLE y ()"}).exit_code is ExitCode.OK
        refused = gate.run({"V2__x.sql": SCRIPT})
    assert refused.exit_code is ExitCode.CONTENTION, refused.verdict
    assert deciding(refused).message.endswith("; V2__x.sql must not run twice")
    assert gate.database.query(ROWS) == []
    assert_goes_on(gate)


@pytest.mark.usefixtures("part")
def test_look_at_the_ledger_that_never_gets_an_answer_ends_the_run(
    gate: Gate, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On two connections, one after the other; that may pass, and the next run goes on."""
    read = Ledger.read

    def impatient(ledger: Ledger, session: Session, limit: int) -> tuple[PastRun, ...]:
        with monkeypatch.context() as patched:
            patched.setattr("hook.postgres.patience._ANSWER_SECONDS", 1.0)
            return read(ledger, session, limit)

    monkeypatch.setattr(Ledger, "read", impatient)
    proxy.lose_read("'$.noted'", Fault.SILENCE, times=2)
    settings, gate.settings = gate.settings, settings_for(proxy.target(gate.database), gate.folder)
    refused = gate.run()
    assert refused.exit_code is ExitCode.UNREACHABLE, refused.verdict
    assert_untouched(gate, refused)
    monkeypatch.undo()
    gate.settings = settings
    assert_goes_on(gate)


@pytest.mark.usefixtures("part")
def test_part_is_not_forgotten_behind_a_run_with_another_history(gate: Gate) -> None:
    """Two releases may have their histories in one schema, and the ledger with it."""
    ours, folder = gate.settings, gate.folder.parent / "other"
    others = settings_for(target_of(gate.database), folder)
    history = others.migrations.history._replace(table="other_history")
    adopted = BaselineRules(on_migrate=True, is_allowed=True)
    migrations = others.migrations._replace(history=history, baseline=adopted)
    gate.settings = others._replace(migrations=migrations)
    write_files(folder, {"V2__other.sql": "CREATE TABLE other ()"})
    report = gate.run()
    assert report.exit_code is ExitCode.OK, report.verdict
    gate.settings = ours
    assert_goes_on(gate)
    runs = bootstrap.runs(gate.settings, gate.context()).runs or ()
    assert [run.exit_code for run in runs] == [0, 0, 20, 0]
