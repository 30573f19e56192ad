"""Every command on every state of a database: its exit code, and that it only looks."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hook.errors import ExitCode
from tests.testbed.database import Role
from tests.testbed.deployment import Deployment
from tests.testbed.gate_answer import findings
from tests.testbed.process import Completed

RunPresync = Callable[..., Completed]
OK, NOT_YET = ExitCode.OK, ExitCode.NOT_YET
DRIFT, FAILED_BEFORE, CONFIG = ExitCode.DRIFT, ExitCode.FAILED_BEFORE, ExitCode.CONFIG
UNSUPPORTED = ExitCode.UNSUPPORTED
COMMANDS = ("check", "plan", "info", "validate", "verify")
FINGERPRINT = """
SELECT n.nspname || '.' || c.relname, c.xmin::text FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_(toast|temp)' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
ORDER BY 1
"""


def _fresh(deployment: Deployment) -> None:
    deployment.release({"V1__t.sql": "CREATE TABLE t ()"})


def _up_to_date(deployment: Deployment) -> None:
    deployment.apply({"V1__t.sql": "CREATE TABLE t ()", "V2__u.sql": "CREATE TABLE u ()"})


def _pending(deployment: Deployment) -> None:
    _up_to_date(deployment)
    deployment.release({"V3__v.sql": "CREATE TABLE v ()"})


def _drift(deployment: Deployment) -> None:
    _up_to_date(deployment)
    deployment.release({"V1__t.sql": "CREATE TABLE t (edited int)"})


def _ahead(deployment: Deployment) -> None:
    _up_to_date(deployment)
    (deployment.folder / "sql/V2__u.sql").unlink()


def _failed(deployment: Deployment) -> None:
    _up_to_date(deployment)
    failure = "UPDATE flyway_schema_history SET success = false WHERE version = '2'"
    deployment.database.execute(failure)


def _strange(deployment: Deployment) -> None:
    deployment.database.execute("CREATE TABLE somebody_elses ()")
    _fresh(deployment)


# By state: how it comes about, and what the commands answer in their order.
STATES: dict[str, tuple[Callable[[Deployment], None], tuple[ExitCode, ...]]] = {
    "fresh": (_fresh, (OK, OK, OK, OK, NOT_YET)),
    "up to date": (_up_to_date, (OK, OK, OK, OK, OK)),
    "pending": (_pending, (OK, OK, OK, OK, NOT_YET)),
    "drift": (_drift, (DRIFT, DRIFT, OK, DRIFT, DRIFT)),
    "ahead": (_ahead, (OK, OK, OK, OK, OK)),
    "failed row": (
        _failed,
        (FAILED_BEFORE, FAILED_BEFORE, OK, FAILED_BEFORE, FAILED_BEFORE),
    ),
    "objects of somebody else": (_strange, (CONFIG, CONFIG, OK, OK, CONFIG)),
}


@pytest.mark.parametrize("state", STATES)
def test_looking_command_answers_and_writes_nothing(
    state: str, deployment: Deployment, run_presync: RunPresync
) -> None:
    """The answer is the exit code; the catalog is what it was."""
    make, codes = STATES[state]
    make(deployment)
    before = deployment.database.query(FINGERPRINT)
    given = [run_presync([command], deployment.env()).exit_code for command in COMMANDS]
    assert dict(zip(COMMANDS, given, strict=True)) == dict(zip(COMMANDS, codes, strict=True))
    assert deployment.database.query(FINGERPRINT) == before


def test_baseline_that_never_runs_does_not_make_the_schema_count_as_ready(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """Repair hides its scripts from Flyway: every gate tells, and what the hint says helps."""
    env, files = deployment.env(), deployment.folder / "sql"
    first, second = {"B5__all.sql": "CREATE TABLE five ()"}, {"B7__all.sql": "SELECT 'all'"}
    deployment.apply(first)
    (files / "B5__all.sql").unlink()
    scripts = {"V6__f.sql": "CREATE TABLE six ()", "V7__g.sql": "CREATE TABLE seven ()"}
    deployment.release(scripts | second)
    (gone,) = (item for item in findings(run_presync(["run"], env), "history") if item["hint"])
    assert gone["hint"].startswith("Put B5__all.sql back into the release")
    assert run_presync(["repair", "--yes"], env).exit_code == OK
    for command in ("run", "verify", "check", "plan", "validate"):
        refused = run_presync([command], env)
        assert refused.exit_code == DRIFT, refused.stderr
        assert "nor does what it covers: V6__f.sql, V7__g.sql" in refused.report["verdict"]
    (files / "B7__all.sql").unlink()
    deployment.release(first)
    assert run_presync(["run"], env).exit_code == OK
    (files / "B5__all.sql").unlink()
    deployment.release(second)
    assert [run_presync([command], env).exit_code for command in ("run", "verify")] == [OK, OK]
    assert [row[2] for row in deployment.history()][-2:] == list(scripts)


def test_check_asks_the_gates_also_when_nothing_is_pending(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """An operator asks before the release is there; a missing source is told."""
    _up_to_date(deployment)
    env = deployment.env(PRESYNC_BACKUP_SOURCE="")
    assert run_presync(["run"], env).exit_code == OK
    refused = run_presync(["check"], env)
    assert refused.exit_code == CONFIG
    assert "PRESYNC_BACKUP_SOURCE" in refused.report["verdict"]


@pytest.mark.parametrize("command", COMMANDS)
def test_target_that_no_migration_has_is_refused_by_every_command(
    command: str, deployment: Deployment, run_presync: RunPresync
) -> None:
    """States that follow from it would be wrong; that they are still shown does no harm."""
    _pending(deployment)
    done = run_presync([command], deployment.env(FLYWAY_TARGET="9"))
    assert done.exit_code == CONFIG
    assert "FLYWAY_TARGET: no migration has version 9" in done.report["verdict"]


def test_row_that_cannot_be_understood_is_told_by_every_command(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """Its migration would be shown as pending; the other states are shown nevertheless."""
    _up_to_date(deployment)
    deployment.database.execute("UPDATE flyway_schema_history SET type = 'COBOL'")
    for command in COMMANDS:
        done = run_presync([command], deployment.env())
        assert done.exit_code == UNSUPPORTED
        assert "row 1 has the unknown type 'COBOL'" in done.report["verdict"]


def test_verify_needs_nothing_but_the_history(
    deployment: Deployment, run_presync: RunPresync, make_role: Callable[..., Role]
) -> None:
    """An init container's role may read one table and write nowhere."""
    _up_to_date(deployment)
    role = make_role("reader", "NOSUPERUSER")
    deployment.database.execute(f"GRANT SELECT ON flyway_schema_history TO {role.name}")
    env = deployment.env(PRESYNC_URL=deployment.database.url_for(role))
    assert run_presync(["verify"], env).exit_code == OK
    deployment.release({"V3__v.sql": "CREATE TABLE v ()"})
    assert run_presync(["verify"], env).exit_code == NOT_YET


def test_offline_commands_need_no_database(deployment: Deployment, run_presync: RunPresync) -> None:
    """The same digest for the same files, wherever they lie; files alone can be judged."""
    _up_to_date(deployment)
    env = {"PRESYNC_LOCATIONS": str(deployment.folder / "sql")}
    digest = run_presync(["digest"], env)
    assert digest.exit_code == OK
    assert digest.report["set"]["digest"].startswith("sha256:")
    assert run_presync(["lint", env["PRESYNC_LOCATIONS"]]).exit_code == OK
    deployment.release({"V3__v.sql": "SELECT 'x"})
    lint = run_presync(["lint"], env)
    assert lint.exit_code == ExitCode.BAD_SET
    assert "V3__v.sql:1: unterminated" in lint.report["verdict"]
    deployment.release({"V03__w.sql": "SELECT 1"})
    assert run_presync(["lint"], env).exit_code == ExitCode.BAD_SET
    assert run_presync(["digest"], env).exit_code == ExitCode.BAD_SET
    assert run_presync(["config"], env).exit_code == OK


def test_lint_warns_of_what_is_refused_while_it_is_pending(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """The files do not tell whether it was applied long ago."""
    deployment.release({"V1__t.sql": " \n", f"V{'1' * 60}__u.sql": "SELECT 1"})
    lint = run_presync(["lint"], {"PRESYNC_LOCATIONS": str(deployment.folder / "sql")})
    assert lint.exit_code == OK
    told = {item["rule"]: item for item in findings(lint, "scripts") if item["status"] == "warned"}
    assert set(told) == {"script-empty", "version-length"}
    assert told["script-empty"]["message"] == (
        "V1__t.sql is empty, and is refused while it is pending"
    )
    assert told["script-empty"]["hint"]
