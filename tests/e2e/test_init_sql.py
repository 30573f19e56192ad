"""FLYWAY_INIT_SQL on real connections."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hook.errors import ExitCode
from tests.testbed.database import Role
from tests.testbed.deployment import Deployment
from tests.testbed.process import Completed
from tests.testbed.round_trips import counted_round_trips

RunPresync = Callable[..., Completed]
SEEN = """
    INSERT INTO seen SELECT current_setting('app.mode', true), current_setting('TimeZone'),
        current_setting('lock_timeout'), current_user, to_regclass('pg_temp.scratch') IS NULL;
"""
SPOIL = "SET app.mode = 'leak'; SET TimeZone = 'Asia/Tokyo'; RESET ROLE; SET lock_timeout = '1h';"
TABLE = "CREATE TABLE seen (mode text, zone text, lock_timeout text, who text, lacks_scratch bool);"


def run(deployment: Deployment, presync: RunPresync, init_sql: str, **more: str) -> Completed:
    """Run the gate with *init_sql*."""
    return presync(["run"], deployment.env(FLYWAY_INIT_SQL=init_sql, **more))


def refused(deployment: Deployment, presync: RunPresync, init_sql: str) -> str:
    """Return the verdict of a run that *init_sql* makes impossible."""
    completed = run(deployment, presync, init_sql)
    assert completed.exit_code == ExitCode.CONFIG
    verdict = deployment.termination_log.read_text().splitlines()[0]
    assert verdict.endswith("; database untouched")
    return verdict


def test_what_init_sql_sets_is_in_force_in_each_script(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """Neither the reset between scripts nor what a script does takes it away."""
    deployment.release(
        {
            "V1__a.sql": f"{TABLE}{SEEN}{SPOIL}",
            "V2__b.sql": f"{SEEN}{SPOIL}",
            "V3__c.sql": f"VACUUM seen;\n{SEEN}{SPOIL}",
            "V3__c.sql.conf": "executeInTransaction=false",
            "V4__d.sql": SEEN,
        }
    )
    init_sql = (
        "SET app.mode = '${stage}'; SET TimeZone = 'Asia/Shanghai' -- of the office\n"
        "; CREATE TEMP TABLE scratch ()"
    )
    completed = run(deployment, run_presync, init_sql, FLYWAY_PLACEHOLDERS_STAGE="dev")
    assert completed.exit_code == ExitCode.OK, completed.stderr
    rows = deployment.database.query("SELECT mode, zone, lacks_scratch FROM seen")
    assert rows == [("dev", "Asia/Shanghai", False)] * 4


def test_role_of_init_sql_works_and_is_recorded(
    deployment: Deployment, run_presync: RunPresync, make_role: Callable[..., Role]
) -> None:
    """As with Flyway it owns what is created, and is who installed it."""
    owner = make_role()
    database = deployment.database
    database.execute(f"GRANT ALL ON SCHEMA public TO {owner.name}")
    deployment.release(
        {"V1__a.sql": "CREATE TABLE a (); RESET ROLE;", "V2__b.sql": "CREATE TABLE b ()"}
    )
    completed = run(deployment, run_presync, f"SET ROLE {owner.name}")
    assert completed.exit_code == ExitCode.OK, completed.stderr
    owners = "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'"
    assert database.query(owners) == [(owner.name,)]
    installed = "SELECT DISTINCT installed_by FROM flyway_schema_history"
    assert database.query(installed) == [(owner.name,)]


def test_init_sql_runs_on_each_connection_once(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """Those with the lock and the ledger are connections too."""
    deployment.database.execute("CREATE SCHEMA log CREATE TABLE logins (pid int)")
    deployment.release({"V1__a.sql": "SELECT 1", "V2__b.sql": "SELECT 1"})
    completed = run(deployment, run_presync, "INSERT INTO log.logins VALUES (pg_backend_pid())")
    assert completed.exit_code == ExitCode.OK, completed.stderr
    counts = "SELECT count(*), count(DISTINCT pid) FROM log.logins"
    ((runs, connections),) = deployment.database.query(counts)
    assert runs == connections >= 3


def test_failing_init_sql_is_told_with_its_sqlstate_and_undone(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """The statement is counted, not quoted."""
    deployment.database.execute("CREATE SCHEMA log CREATE TABLE logins (pid int)")
    verdict = refused(
        deployment, run_presync, "INSERT INTO log.logins VALUES (1); SET ROLE nobody_there"
    )
    reason = 'FLYWAY_INIT_SQL, statement 2: role "nobody_there" does not exist (22023)'
    assert reason in verdict
    assert deployment.database.query("SELECT * FROM log.logins") == []


@pytest.mark.parametrize(
    "init_sql",
    [
        "SET app.api_key = 'hunter2hunter2' hunter2hunter2",
        "SET lock_timeout = 'hunter2hunter2'",
        "SET app.x TO hunter2hunter2 hunter2hunter2",
        "SELECT 1;\nSELECT $$hunter2hunter2$$::int",
    ],
)
def test_error_of_init_sql_does_not_tell_its_values(
    deployment: Deployment, run_presync: RunPresync, init_sql: str
) -> None:
    """The server quotes what it does not understand."""
    completed = run(deployment, run_presync, init_sql)
    assert completed.exit_code == ExitCode.CONFIG
    everything = completed.stdout + completed.stderr + deployment.report.read_text()
    assert "FLYWAY_INIT_SQL, " in everything
    assert "hunter2" not in everything


@pytest.mark.parametrize(
    ("init_sql", "reason"),
    [
        ("BEGIN", "FLYWAY_INIT_SQL leaves a transaction open"),
        ("SET app.who = '${flyway:user}'", "FLYWAY_INIT_SQL: line 1: no value for ${flyway:user}"),
        ("COPY pg_class FROM STDIN", "FLYWAY_INIT_SQL, statement 1: "),
        ("SELECT 1;\nSELEC 2", 'FLYWAY_INIT_SQL, line 2: syntax error at or near "SELEC" (42601)'),
    ],
)
def test_init_sql_that_cannot_be_used_is_refused(
    deployment: Deployment, run_presync: RunPresync, init_sql: str, reason: str
) -> None:
    """Nothing is left to chance on a connection that migrates."""
    assert reason in refused(deployment, run_presync, init_sql)


def test_config_does_not_show_init_sql(deployment: Deployment, run_presync: RunPresync) -> None:
    """It may hold a secret."""
    env = deployment.env(FLYWAY_INIT_SQL="SET app.key = 'hunter2hunter2'")
    completed = run_presync(["config", "--format", "text"], env)
    assert "FLYWAY_INIT_SQL" in completed.stdout
    assert "hunter2" not in completed.stdout


def test_init_sql_costs_a_run_with_nothing_to_do_one_round_trip(
    deployment: Deployment, run_presync: RunPresync
) -> None:
    """Unset it costs none."""
    deployment.apply({"V1__a.sql": "SELECT 1"})
    counts = []
    for init_sql in ("", "SET app.mode = 'x'; SELECT 1"):
        with counted_round_trips(deployment.database.server) as trips:
            port = f":{deployment.database.server.port}/"
            url = deployment.database.url.replace(port, f":{trips.port}/")
            completed = run(deployment, run_presync, init_sql, PRESYNC_URL=url)
        assert completed.exit_code == ExitCode.OK, completed.stderr
        counts.append(trips.count)
    assert counts[1] == counts[0] + 1
