"""SIGKILL amid a script without transaction whose statements must not run twice."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

import pytest

from hook.errors import ExitCode
from tests.testbed.deployment import OURS, Deployment
from tests.testbed.process import Completed, RunningPresync
from tests.testbed.run_context import eventually

BASE = """\
CREATE TABLE t (n int);
CREATE TABLE u (n int);
CREATE FUNCTION wait_late() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_advisory_xact_lock(7); RETURN NULL; END';
CREATE CONSTRAINT TRIGGER late AFTER INSERT ON u DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION wait_late();
"""
ALONE = {"V2__x.sql.conf": "executeInTransaction=false"}
SCRIPT = """\
SET application_name = 'presync/set';
CREATE TABLE made (n int, name text DEFAULT current_setting('application_name'));
INSERT INTO t VALUES (1);
INSERT INTO u VALUES (2);
CREATE INDEX CONCURRENTLY i ON t (n);
INSERT INTO made VALUES (3);
VACUUM t;
INSERT INTO t VALUES (4);
"""
WRITTEN = (
    "SELECT n, '' FROM t UNION ALL SELECT n, '' FROM u UNION ALL SELECT n, name FROM made"
    " ORDER BY 1"
)
EVERYTHING = [(1, ""), (2, ""), (3, "presync/set"), (4, "")]
# What keeps the run in which statement.
AT_FIRST = "CREATE TABLE made ()"
IN_STATEMENT = "LOCK TABLE u"
IN_COMMIT = "SELECT pg_advisory_lock(7)"
IN_BUILD = "LOCK TABLE t IN ROW EXCLUSIVE MODE"
IN_LAST = "LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE"

pytestmark = pytest.mark.usefixtures("_released")


@pytest.fixture
def _released(deployment: Deployment) -> Iterator[None]:
    """Begin with two tables; the COMMIT of a row for one of them can be kept waiting."""
    deployment.apply({"V1__base.sql": BASE})
    deployment.release(ALONE)
    yield
    eventually(lambda: not deployment.has_sessions())


@pytest.fixture
def kill(
    deployment: Deployment, start_presync: Callable[..., RunningPresync]
) -> Callable[..., None]:
    """Return what kills a run of *script* that has to wait for whoever has run *hold*."""
    database = deployment.database
    ours = f"{OURS} '{database.name}' AND wait_event_type = 'Lock'"

    def kill_in(hold: str, *, is_finished: bool, script: str = SCRIPT) -> None:
        deployment.release({"V2__x.sql": script})
        with database.connect(autocommit=False) as other:
            other.execute(hold.encode())
            running = start_presync(["run"], env_of(deployment))
            eventually(lambda: bool(database.query(f"SELECT {ours}")))
            running.process.kill()
            running.wait()
            if not is_finished:
                database.query(f"SELECT pg_terminate_backend(pid) {ours}")
                eventually(lambda: not database.query(f"SELECT {ours}"))
            other.rollback()
        eventually(lambda: not deployment.has_sessions())

    return kill_in


def env_of(deployment: Deployment) -> dict[str, str]:
    """Return the environment of runs that nothing stops in front of the script, or within it."""
    return deployment.env(
        PRESYNC_BLOCKERS_POLICY="off", PRESYNC_LOCK_LADDER="1m", PRESYNC_DAMAGE_BUDGET="off"
    )


@pytest.mark.parametrize("is_finished", [True, False], ids=["finished", "undone"])
@pytest.mark.parametrize(
    "hold",
    [AT_FIRST, IN_STATEMENT, IN_COMMIT, IN_BUILD, IN_LAST],
    ids=["first", "statement", "commit", "build", "last"],
)
def test_next_run_does_each_statement_once(
    deployment: Deployment,
    kill: Callable[..., None],
    run_presync: Callable[..., Completed],
    hold: str,
    *,
    is_finished: bool,
) -> None:
    """Whether the server has finished for nobody what was under way, or undone it."""
    kill(hold, is_finished=is_finished)
    assert len(deployment.history()) == 1
    completed = run_presync(["run"], env_of(deployment))
    assert completed.exit_code == ExitCode.OK, completed.stderr
    assert deployment.database.query(WRITTEN) == EVERYTHING
    assert deployment.history()[1:] == [(2, "2", "V2__x.sql", True)]
    index = "SELECT indisvalid FROM pg_index WHERE indexrelid = 'i'::regclass"
    assert deployment.database.query(index) == [(True,)]


# The second table is held, so that each is killed where that is first needed.
DROPS = "DROP INDEX CONCURRENTLY of_t;\nDROP INDEX CONCURRENTLY of_u"
BUILDS = "CREATE INDEX CONCURRENTLY a ON t (n);\nCREATE INDEX CONCURRENTLY b ON u (n)"
DROP_BETWEEN = """\
CREATE INDEX CONCURRENTLY a ON t (n);
UPDATE t SET n = n + 1;
DROP INDEX CONCURRENTLY of_u;
UPDATE t SET n = n * 3;
CREATE INDEX CONCURRENTLY b ON u (n);
"""
BUILD_LAST = DROP_BETWEEN.replace("of_u", "of_t")
LEFT = (
    "SELECT n, (SELECT string_agg(name, ' ' ORDER BY name) FROM (SELECT indexrelid::regclass::text"
    " FROM pg_index WHERE indisvalid AND indrelid IN ('t'::regclass, 'u'::regclass)) AS x (name))"
    " FROM t"
)


@pytest.mark.parametrize("is_finished", [True, False], ids=["finished", "undone"])
@pytest.mark.parametrize(
    ("script", "left"),
    [
        (DROPS, [(1, None)]),
        (BUILDS, [(1, "a b of_t of_u")]),
        (DROP_BETWEEN, [(6, "a b of_t")]),
        (BUILD_LAST, [(6, "a b of_u")]),
    ],
    ids=["drops", "builds", "drop between", "build last"],
)
def test_second_of_two_that_lock_nobody_out_is_ended_by_the_next_run(
    deployment: Deployment,
    kill: Callable[..., None],
    run_presync: Callable[..., Completed],
    script: str,
    left: list[tuple[object, ...]],
    *,
    is_finished: bool,
) -> None:
    """What is in front of it stays, and rows between them are changed once."""
    deployment.database.execute(
        "INSERT INTO t VALUES (1); CREATE INDEX of_t ON t (n); CREATE INDEX of_u ON u (n)"
    )
    kill("LOCK TABLE u IN ROW EXCLUSIVE MODE", is_finished=is_finished, script=script)
    before = deployment.database.query("SELECT to_regclass('a')::oid")
    completed = run_presync(["run"], env_of(deployment))
    assert completed.exit_code == ExitCode.OK, completed.stderr
    assert deployment.database.query(LEFT) == left
    assert deployment.database.query("SELECT to_regclass('a')::oid") == before


def test_run_that_goes_on_may_be_killed_as_well(
    deployment: Deployment, kill: Callable[..., None], run_presync: Callable[..., Completed]
) -> None:
    """Each time the ledger's row of the last one says how far the script is."""
    kill(IN_STATEMENT, is_finished=False)
    kill(IN_COMMIT, is_finished=False)
    kill(IN_BUILD, is_finished=True)
    completed = run_presync(["run"], env_of(deployment))
    assert completed.exit_code == ExitCode.OK, completed.stderr
    assert deployment.database.query(WRITTEN) == EVERYTHING


# LISTEN may do more than can be noted, so that nothing is noted behind the beginning.
UNNOTED = f"{SCRIPT}LISTEN l"
OUT_OF_ORDER = {"FLYWAY_OUT_OF_ORDER": "true"}


@pytest.mark.parametrize("script", [SCRIPT, UNNOTED], ids=["noted", "not noted"])
@pytest.mark.parametrize(
    "first",
    [{"beforeMigrate.sql": "LOCK TABLE u"}, {"V1.5__u.sql": "INSERT INTO u VALUES (0)"}],
    ids=["callback", "script"],
)
def test_script_that_was_never_begun_is_run(
    deployment: Deployment,
    kill: Callable[..., None],
    run_presync: Callable[..., Completed],
    first: Mapping[str, str],
    script: str,
) -> None:
    """The run was killed in front of it, and would have told that it begins."""
    deployment.release(first)
    kill(IN_STATEMENT, is_finished=True, script=script)
    completed = run_presync(["run"], env_of(deployment))
    assert completed.exit_code == ExitCode.OK, completed.stderr
    assert [row for row in deployment.database.query(WRITTEN) if row[0]] == EVERYTHING


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (
            SCRIPT,
            {"V2__x.sql": SCRIPT.replace("(3)", "(5)")},
            "of which the text has changed since",
        ),
        (f"{SCRIPT}LISTEN l", {}, "line 9, LISTEN l, may do more than"),
        (SCRIPT, {"beforeEachMigrate.sql": "SELECT 1"}, "callbacks run around its statements"),
    ],
    ids=["other text", "LISTEN", "callback"],
)
def test_what_cannot_be_known_is_looked_at_by_a_human(
    deployment: Deployment,
    kill: Callable[..., None],
    run_presync: Callable[..., Completed],
    before: str,
    after: Mapping[str, str],
    why: str,
) -> None:
    """Nothing is run, and the reason is told where there is one."""
    kill(IN_STATEMENT, is_finished=True, script=before)
    deployment.release(after)
    refused = run_presync(["run"], env_of(deployment))
    assert refused.exit_code == ExitCode.FAILED_BEFORE, refused.stderr
    assert why in str(refused.report["stages"])
    assert deployment.database.query("SELECT n FROM u") == [(2,)]


@pytest.mark.parametrize(
    "changes",
    [{"V1.5__y.sql": "CREATE TABLE y ()"}, {"V2__x.sql": SCRIPT.replace("(4)", "(4), (5)")}],
    ids=["in front", "changed"],
)
def test_script_that_was_killed_in_its_first_statement_is_in_nobodys_way(
    deployment: Deployment,
    kill: Callable[..., None],
    run_presync: Callable[..., Completed],
    changes: Mapping[str, str],
) -> None:
    """That one would be noted if it had taken effect, so that nothing of it is there."""
    kill(AT_FIRST, is_finished=False)
    deployment.release(changes)
    completed = run_presync(["run"], env_of(deployment) | OUT_OF_ORDER)
    assert completed.exit_code == ExitCode.OK, completed.stderr
    assert deployment.database.query(WRITTEN)[:4] == EVERYTHING


def test_list_of_runs_tells_of_the_part_that_a_killed_run_has_done(
    deployment: Deployment, kill: Callable[..., None], run_presync: Callable[..., Completed]
) -> None:
    """It left no verdict, and "no end recorded" alone tells nobody what is in the database."""
    kill(IN_STATEMENT, is_finished=False)
    completed = run_presync(["info", "--runs", "--format", "text"], env_of(deployment))
    assert completed.exit_code == ExitCode.OK, completed.stderr
    assert "  had begun V2__x.sql: 3 statements of it noted as done" in completed.stdout


@pytest.mark.parametrize("is_repaired", [False, True])
def test_script_of_which_nobody_knows_how_far_it_came_is_not_run_behind_another(
    deployment: Deployment,
    kill: Callable[..., None],
    run_presync: Callable[..., Completed],
    *,
    is_repaired: bool,
) -> None:
    """The release has something to apply before it; that the history was edited undoes nothing."""
    kill(IN_STATEMENT, is_finished=True, script=UNNOTED)
    before = {} if is_repaired else {"V1.5__y.sql": "CREATE TABLE y ()"}
    deployment.release(before)
    if is_repaired:
        deployment.release({"V1__base.sql": f"{BASE}-- changed"})
        repaired = run_presync(["repair", "--yes"], env_of(deployment))
        assert repaired.exit_code == ExitCode.OK, repaired.stderr
    refused = run_presync(["run"], env_of(deployment) | OUT_OF_ORDER)
    assert refused.exit_code == ExitCode.FAILED_BEFORE, refused.stderr
    assert "a part of V2__x.sql" in str(refused.report["stages"])
    assert deployment.database.query("SELECT n FROM u") == [(2,)]


def test_part_of_which_a_failed_row_tells_is_not_gone_on_with(
    deployment: Deployment, kill: Callable[..., None], run_presync: Callable[..., Completed]
) -> None:
    """Also where the run was killed behind the row: whoever removes that has undone the part."""
    deployment.release({"afterMigrateError.sql": "LOCK TABLE u"})
    kill(IN_STATEMENT, is_finished=True, script="INSERT INTO t VALUES (1);\nINSERT INTO w SELECT 2")
    assert deployment.history()[1:] == [(2, "2", "V2__x.sql", False)]
    deployment.database.execute("DELETE FROM t; CREATE TABLE w (n int)")
    assert run_presync(["repair", "--yes"], env_of(deployment)).exit_code == ExitCode.OK
    assert run_presync(["run"], env_of(deployment)).exit_code == ExitCode.FAILED_BEFORE
    completed = run_presync(["run", "--retry-failed"], env_of(deployment))
    assert completed.exit_code == ExitCode.OK, completed.stderr
    assert deployment.database.query("SELECT n FROM t UNION ALL SELECT n FROM w") == [(1,), (2,)]
