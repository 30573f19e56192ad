"""`presync plan --sql`: JSON, secrets, and what is printed where there is nothing to send."""

from __future__ import annotations

import json
from collections.abc import Callable

from hook.errors import ExitCode
from tests.testbed.binaries import Binaries
from tests.testbed.database import Database
from tests.testbed.deployment import Deployment
from tests.testbed.process import Completed
from tests.testbed.psql import pipe_into_psql

RunPresync = Callable[..., Completed]
CANARY = "c4nary-p@ss"


def test_json_holds_the_statements_of_each_script(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """A program need not cut them itself."""
    deployment.release({"V1__t.sql": "CREATE TABLE t (id int);\nCOPY t FROM stdin;\n1\n\\.\n"})
    done = run_presync(["plan", "--sql", "--format", "json"], deployment.env())
    first, script = done.report["sql"]
    assert first["script"] is None
    assert first["statements"][0].startswith('CREATE TABLE "public"."flyway_schema_history"')
    assert (script["script"], script["transactional"]) == ("V1__t.sql", True)
    assert script["statements"][:9] == [
        "BEGIN",
        "SET LOCAL lock_timeout = 100",
        "SET LOCAL statement_timeout = 300000",
        "SET LOCAL tcp_keepalives_idle = 30",
        "SET LOCAL tcp_keepalives_interval = 10",
        "SET LOCAL tcp_keepalives_count = 3",
        "SET LOCAL tcp_user_timeout = 60000",
        "CREATE TABLE t (id int)",
        "COPY t FROM stdin\n;\n1\n\\.",
    ]
    assert script["statements"][-3].startswith("INSERT INTO")
    assert script["statements"][-1] == "COMMIT"
    assert json.loads(deployment.report.read_text())["verdict"] == done.report["verdict"]


def test_secret_is_masked_and_the_script_says_so(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """What is printed is not what would run, which nobody has to find out."""
    deployment.release({"V1__r.sql": "CREATE ROLE nobody_at_all PASSWORD '${role_password}'"})
    env = deployment.env(FLYWAY_PLACEHOLDERS_ROLE_PASSWORD=CANARY)
    done = run_presync(["plan", "--sql"], env)
    assert "CREATE ROLE nobody_at_all PASSWORD '***'" in done.stdout
    assert "-- *** stands for a secret: as it is, this is not what would run." in done.stdout
    assert CANARY not in done.stdout + done.stderr


def test_refusal_is_no_sql(
    deployment: Deployment, run_presync: RunPresync, database: Database, binaries: Binaries
) -> None:
    """Whoever pipes it into psql runs nothing."""
    deployment.release({"V1__x.sql": "SELECT 1;\nSELEC 2"})
    done = run_presync(["plan", "--sql"], deployment.env())
    assert done.exit_code == ExitCode.BAD_SET
    assert "V1__x.sql:2 42601" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("-- REFUSED 11 BAD_SET: ")
    pipe_into_psql(done.stdout, database, binaries)


def test_nothing_pending_is_said_in_a_comment(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """There is nothing to run."""
    deployment.apply({"V1__t.sql": "CREATE TABLE t ()"})
    done = run_presync(["plan", "--sql"], deployment.env())
    assert done.exit_code == ExitCode.OK
    assert [line for line in done.stdout.splitlines() if line and not line.startswith("-- ")] == []


def test_adoption_is_shown_with_nothing_pending_too(
    deployment: Deployment, run_presync: RunPresync, database: Database
) -> None:
    """A run would create the history with its baseline."""
    database.execute("CREATE TABLE orders ()")
    deployment.release({"V1__orders.sql": "CREATE TABLE orders ()"})
    adopts = {"FLYWAY_BASELINE_ON_MIGRATE": "true", "PRESYNC_ALLOW_BASELINE": "true"}
    done = run_presync(["plan", "--sql"], deployment.env() | adopts)
    assert done.exit_code == ExitCode.OK
    assert 'CREATE TABLE "public"."flyway_schema_history"' in done.stdout
    assert "VALUES (1, '1', '<< Flyway Baseline >>', 'BASELINE'" in done.stdout
