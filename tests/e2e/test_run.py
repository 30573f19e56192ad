"""`presync run` as a process: exit code, verdict, report, log and termination message agree."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pytest

from hook.core.sessions.lock_key import migration_lock_key
from hook.errors import ExitCode
from tests.testbed.database import Role
from tests.testbed.deployment import Deployment
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.process import ROOT, Completed
from tests.testbed.run_context import eventually

RunPresync = Callable[..., Completed]
TABLE = {"V1__t.sql": "CREATE TABLE t (id int PRIMARY KEY)"}
UNTOUCHED = "database untouched"


@dataclass(frozen=True)
class Case:
    """A release on top of `TABLE` and a setting, and what must be said of it."""

    code: ExitCode
    said: str
    files: Mapping[str, str | bytes] = field(default_factory=dict)
    env: Mapping[str, str] = field(default_factory=dict)
    state: str = UNTOUCHED


CASES = {
    "edited after it was applied": Case(
        ExitCode.DRIFT,
        "1 (V1__t.sql) is not what was applied: checksum",
        {"V1__t.sql": "CREATE TABLE t (id bigint)"},
    ),
    "two files of one version": Case(
        ExitCode.BAD_SET, "V1", {"V1__other.sql": "SELECT 1"}
    ),
    "quote that is not closed": Case(
        ExitCode.BAD_SET, "V2__x.sql:3: unterminated quoted string",
        {"V2__x.sql": "SELECT 1;\n\nSELECT 'it"},
    ),
    "empty file": Case(ExitCode.BAD_SET, "V2__x.sql is empty", {"V2__x.sql": ""}),
    "binary file": Case(ExitCode.BAD_SET, "V2__x.sql", {"V2__x.sql": b"\x00\xff\xfe\x01"}),
    "syntax error": Case(
        ExitCode.BAD_SET, 'V3__y.sql:2 42601 syntax error at or near "SELEC"',
        {"V2__x.sql": "SELECT 1", "V3__y.sql": "SELECT 1;\nSELEC 2"},
    ),
    "folder that is not there": Case(
        ExitCode.BAD_SET, "/nowhere", env={"PRESYNC_LOCATIONS": "/nowhere"}
    ),
    "no backup source": Case(
        ExitCode.CONFIG, "PRESYNC_BACKUP_SOURCE", {"V2__x.sql": "SELECT 1"},
        {"PRESYNC_BACKUP_SOURCE": ""},
    ),
    "repository without the stanza": Case(
        ExitCode.NO_WAY_BACK, "", {"V2__x.sql": "SELECT 1"},
        {"PRESYNC_BACKUP_SOURCE": "pgbackrest:/", "PRESYNC_BACKUP_STANZA": "demo"},
    ),
    "other database than expected": Case(
        ExitCode.CONFIG, "expected prod", env={"PRESYNC_EXPECT_DATABASE": "prod"}
    ),
    "statement that fails": Case(
        ExitCode.SQL_FAILED, 'V2__x.sql:2 42703 column "emial" does not exist',
        {"V2__x.sql": "ALTER TABLE t ADD email text;\nSELECT emial FROM t"},
        state="rolled back, at 1",
    ),
    "statement that takes too long": Case(
        ExitCode.BUDGET, "V2__x.sql:1 57014", {"V2__x.sql": "SELECT pg_sleep(60)"},
        {"PRESYNC_STATEMENT_TIMEOUT": "100ms"}, "rolled back, at 1",
    ),
    "callback that is a program": Case(
        ExitCode.UNSUPPORTED, "afterMigrate.sh (only scripts in SQL are run)",
        {"afterMigrate.sh": "exit 0"},
    ),
    "index that cannot be": Case(
        ExitCode.SQL_FAILED, "V2__x.sql:1 23505 could not create unique index",
        {"V2__x.sql": "CREATE UNIQUE INDEX CONCURRENTLY i ON t ((1))"},
        state="rolled back, at 1",
    ),
    "script that stops half-way": Case(
        ExitCode.PARTIAL, 'V2__x.sql:2 42P01 relation "missing" does not exist',
        {"V2__x.sql": "CREATE INDEX CONCURRENTLY i ON t (id);\nVACUUM missing"},
        state="left behind: index i (line 1), at 1",
    ),
}  # fmt: skip


@pytest.fixture
def released(deployment: Deployment) -> Deployment:
    """Return a deployment with one migration applied and two rows in its table."""
    deployment.apply(TABLE)
    deployment.database.execute("INSERT INTO t VALUES (1), (2)")
    return deployment


def verdict_of(completed: Completed, deployment: Deployment, code: ExitCode) -> str:
    """Return the verdict after seeing that every channel says the same."""
    last = completed.events[-1]
    assert completed.exit_code == code, completed.stderr
    assert (last["event"], last["exit_code"], last["code"]) == ("run.finished", code, code.name)
    report, verdict = completed.report, last["verdict"]
    assert isinstance(verdict, str)
    assert (report["verdict"], report["exit_code"], report["code"]) == (verdict, code, code.name)
    assert deployment.termination_log.read_text().splitlines()[0] == verdict
    assert len(verdict) <= 160
    assert json.loads(deployment.report.read_text()) == report
    assert "Traceback" not in completed.stderr
    return verdict


@pytest.mark.parametrize("name", CASES)
def test_bad_run_says_why(name: str, released: Deployment, run_presync: RunPresync) -> None:
    """One line names the object and the state of the database; a hint names the next step."""
    case = CASES[name]
    released.release(case.files)
    completed = run_presync(["run"], released.env(**case.env))
    verdict = verdict_of(completed, released, case.code)
    assert case.said in verdict
    assert verdict.endswith(case.state)
    findings = [item for stage in completed.report["stages"] for item in stage["findings"]]
    (deciding, *_) = [item for item in findings if item["code"] == case.code.name]
    assert deciding["hint"]
    is_partial = case.code is ExitCode.PARTIAL
    assert [row[3] for row in released.history()] == [True, *([False] if is_partial else [])]
    eventually(lambda: not released.has_sessions())


def test_index_that_was_left_invalid_fails_the_run(
    released: Deployment, run_presync: RunPresync
) -> None:
    """Its migration was applied, and only verify sees what is wrong."""
    invalid = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'i'::regclass"
    released.release({"V2__x.sql": f"CREATE INDEX i ON t (id);\n{invalid}"})
    verdict = verdict_of(run_presync(["run"], released.env()), released, ExitCode.VERIFY_FAILED)
    assert "public.i on t" in verdict
    assert [row[3] for row in released.history()] == [True, True]


def test_failing_callback_behind_migrations_leaves_them(
    released: Deployment, run_presync: RunPresync
) -> None:
    """They are recorded, and the verdict says at which version the schema is."""
    released.release({"V2__x.sql": "SELECT 1", "afterMigrate.sql": "SELECT 1;\nSELECT emial"})
    completed = run_presync(["run"], released.env())
    verdict = verdict_of(completed, released, ExitCode.SQL_FAILED)
    assert verdict == (
        'FAILED 20 SQL_FAILED: callback afterMigrate.sql:2 42703 column "emial" does not exist;'
        " 1 applied, at 2"
    )
    assert [row[1:] for row in released.history()] == [
        ("1", "V1__t.sql", True),
        ("2", "V2__x.sql", True),
    ]


def test_readme_tells_every_stage_of_a_run(released: Deployment, run_presync: RunPresync) -> None:
    """Who meets a name in the output finds there what it stands for."""
    readme = (ROOT / "README.md").read_text()
    section = readme.partition("\n## The run\n")[2].partition("\n## ")[0]
    told = re.findall(r"^    ([a-z]+) {2,}", section, re.MULTILINE)
    seen: list[str] = []
    for script in ("SELECT emial", "SELECT emial", "VACUUM t"):
        released.release({"V2__x.sql": script})
        stages = run_presync(["run"], released.env()).report["stages"]
        seen += [item["name"] for item in stages]
    assert {"memory", "rights", "ledger"} < set(seen)
    assert set(told) == set(seen)


def test_run_applies_and_then_has_nothing_to_do(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """The first run migrates, the second one only looks."""
    deployment.release({**TABLE, "R__v.sql": "CREATE VIEW v AS SELECT 1 AS one"})
    first = run_presync(["run"], deployment.env())
    verdict = verdict_of(first, deployment, ExitCode.OK)
    assert verdict.startswith("PASSED 0 OK: 2 applied (V1, R v), at 1, in ")
    assert [item["script"] for item in first.report["migrations"]] == ["V1__t.sql", "R__v.sql"]
    assert first.report["pending"] == []
    assert (first.report["before"], first.report["after"]) == ({"version": None}, {"version": "1"})
    second = run_presync([], deployment.env())
    assert verdict_of(second, deployment, ExitCode.OK).startswith("PASSED 0 OK: up to date at 1 (")
    assert [stage["name"] for stage in second.report["stages"]] == [
        "wait",
        "resolve",
        "history",
        "verify",
    ]


def test_older_release_passes_on_a_newer_database(
    released: Deployment, run_presync: RunPresync
) -> None:
    """An application that is rolled back finds its schema, and is told that it is newer."""
    released.release({"V2__x.sql": "CREATE TABLE x ()"})
    run_presync(["run"], released.env())
    (released.folder / "sql" / "V2__x.sql").unlink()
    verdict = verdict_of(run_presync(["run"], released.env()), released, ExitCode.OK)
    assert verdict.startswith("PASSED 0 OK: database is ahead at 2")
    refused = run_presync(["run"], released.env(PRESYNC_ON_AHEAD="fail"))
    assert verdict_of(refused, released, ExitCode.AHEAD).endswith(UNTOUCHED)


def test_failed_row_is_refused_until_it_is_resolved(
    released: Deployment, run_presync: RunPresync
) -> None:
    """The run after a partial one names the row."""
    released.release({"V2__x.sql": "CREATE INDEX CONCURRENTLY i ON t (id);\nVACUUM missing"})
    run_presync(["run"], released.env())
    refused = run_presync(["run"], released.env())
    verdict = verdict_of(refused, released, ExitCode.FAILED_BEFORE)
    assert "version 2 (V2__x.sql) is recorded as failed" in verdict
    assert refused.report["next"] == ["presync info", "presync repair"]


@pytest.mark.parametrize("wait", [{"PRESYNC_LOCK_WAIT": "100ms"}, {"FLYWAY_LOCK_RETRY_COUNT": "0"}])
def test_lock_of_another_migrator_is_named(
    released: Deployment, run_presync: RunPresync, wait: dict[str, str]
) -> None:
    """Whoever migrates at the moment is named, and nothing is touched."""
    released.release({"V2__x.sql": "SELECT 1"})
    key = migration_lock_key("public", "flyway_schema_history")
    with released.database.connect() as other:
        other.execute(b"SET application_name = 'flyway'; ")
        other.execute("SELECT pg_advisory_lock(%s)", [key])
        completed = run_presync(["run"], released.env(**wait))
        pid = other.info.backend_pid
    verdict = verdict_of(completed, released, ExitCode.LOCKED)
    assert str(pid) in verdict
    assert verdict.endswith(UNTOUCHED)


def test_contention_and_blockers_have_codes_of_their_own(
    released: Deployment, run_presync: RunPresync
) -> None:
    """Seen by the gate it is 33; met while migrating it is 32."""
    released.release({"V2__x.sql": "ALTER TABLE t ADD x int"})
    wait = {"PRESYNC_BLOCKER_WAIT": "100ms", "PRESYNC_LOCK_LADDER": "100ms,100ms"}
    with released.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t")
        seen = run_presync(["run"], released.env(**wait))
        assert verdict_of(seen, released, ExitCode.BLOCKED).endswith(UNTOUCHED)
        met = run_presync(["run"], released.env(**wait, PRESYNC_BLOCKERS_POLICY="off"))
        assert verdict_of(met, released, ExitCode.CONTENTION).endswith("rolled back, at 1")


def test_wrong_password_and_database(
    released: Deployment, run_presync: RunPresync, make_role: Callable[..., Role]
) -> None:
    """Credentials are 16, a database that does not exist is 10; the password is not told."""
    role = make_role("right")
    wrong = Role(role.name, "c4nary")
    completed = run_presync(["run"], released.env(PRESYNC_URL=released.database.url_for(wrong)))
    assert verdict_of(completed, released, ExitCode.AUTH).endswith(UNTOUCHED)
    assert "c4nary" not in completed.stdout + completed.stderr
    missing = released.database.server.url("missing")
    completed = run_presync(["run"], released.env(PRESYNC_URL=missing))
    assert '"missing" does not exist' in verdict_of(completed, released, ExitCode.CONFIG)


def test_standby_is_not_used(
    released: Deployment, run_presync: RunPresync, standby: PostgresServer
) -> None:
    """Only a writable primary will do."""
    env = released.env(PRESYNC_URL=standby.url("postgres"), PRESYNC_WAIT_TIMEOUT="500ms")
    verdict = verdict_of(run_presync(["run"], env), released, ExitCode.UNREACHABLE)
    assert "standby" in verdict


def test_verify_waits_for_nothing_and_says_not_yet(
    released: Deployment, run_presync: RunPresync
) -> None:
    """An init container learns that the schema is not at the level of its release."""
    released.release({"V2__x.sql": "CREATE TABLE x ()"})
    completed = run_presync(["verify"], released.env())
    verdict = verdict_of(completed, released, ExitCode.NOT_YET)
    assert verdict == "FAILED 24 NOT_YET: 1 pending: V2__x.sql, at 1"
    run_presync(["run"], released.env())
    assert run_presync(["verify"], released.env()).exit_code == ExitCode.OK
