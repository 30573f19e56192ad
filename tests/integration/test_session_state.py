"""Nothing that a script does to its session reaches the next script or the history."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hook.errors import ExitCode
from tests.testbed.database import Database, Role
from tests.testbed.gate import Gate, settings_for
from tests.testbed.run_context import eventually, target_of

LOOK = r"""
CREATE TABLE public.seen (name, value) AS
SELECT name, current_setting(name, true) FROM unnest(ARRAY[
    'search_path', 'statement_timeout', 'lock_timeout', 'standard_conforming_strings',
    'TimeZone', 'client_encoding', 'check_function_bodies', 'transaction_read_only',
    'session_replication_role', 'application_name', 'app.tenant', 'DateStyle', 'row_security',
    'default_transaction_isolation', 'idle_in_transaction_session_timeout', 'work_mem',
    'default_tablespace']) AS name;
INSERT INTO public.seen VALUES
    ('user', current_user), ('session', session_user), ('text', 'é\x'), ('text', '日本');
"""
HARMLESS = "SELECT set_config('app.tenant', '', false)"
LEAKS = {
    "role": "SET ROLE pg_monitor",
    "session authorization": "SET SESSION AUTHORIZATION pg_monitor",
    "search path": "SET search_path = pg_catalog",
    "search path of pg_dump": "SELECT pg_catalog.set_config('search_path', '', false)",
    "statement timeout": "SET statement_timeout = '61s'",
    "lock timeout": "SET lock_timeout = 0",
    "strings": "SET standard_conforming_strings = off",
    "time zone": "SET TimeZone = 'Asia/Shanghai'",
    "client encoding": "DO $$ BEGIN PERFORM set_config('client_encoding', 'LATIN1', false); END $$",
    "function bodies": "SET check_function_bodies = false",
    "replication role": "SET session_replication_role = replica",
    "application": "SET application_name = 'somebody else'",
    "dates": "SET DateStyle = 'German'",
    "row security": "SET row_security = off",
    "isolation": "SET default_transaction_isolation = 'serializable'",
    "idle timeout": "SET idle_in_transaction_session_timeout = '61s'",
    "memory": "SET work_mem = '1MB'",
    "tablespace": "SET default_tablespace = pg_default",
    "read-only": "SET default_transaction_read_only = on",
}
ROW = (
    "SELECT installed_by, abs(extract(epoch FROM installed_on - now() AT TIME ZONE 'UTC')) < 60"
    " FROM public.flyway_schema_history WHERE version = '1'"
)


def seen_behind(gate: Gate, leak: str, conf: str) -> list[tuple[object, ...]]:
    """Return what a script sees in whose session *leak* ran before it."""
    gate.database.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    files = {"V1__leak.sql": f"{HARMLESS};\n{leak};", "V1__leak.sql.conf": conf, "V2__x.sql": LOOK}
    report = gate.run(files)
    assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.database.query(ROW) == [("postgres", True)]
    return gate.database.query("SELECT name, value FROM public.seen ORDER BY name, value")


@pytest.mark.parametrize("conf", ["", "executeInTransaction=false"], ids=["one", "none"])
def test_session_state_does_not_leak(gate: Gate, conf: str) -> None:
    """Whatever a script sets, with or without a transaction, the next one starts afresh."""
    expected = seen_behind(gate, HARMLESS, conf)
    assert ("search_path", '"public","$user", public') in expected
    for name, leak in LEAKS.items():
        assert seen_behind(gate, leak, conf) == expected, name


def test_state_is_told(gate: Gate) -> None:
    """Once, and it is what a script finds behind one that has set everything."""
    leaks = ";\n".join(LEAKS[name] for name in ("time zone", "dates", "row security", "role"))
    files = {"V1__leak.sql": leaks, "V2__x.sql": LOOK}
    assert gate.run(files).exit_code is ExitCode.OK
    (state,) = gate.events.named("session.state")
    seen: dict[str, str] = dict(gate.database.query("SELECT name, value FROM public.seen"))
    assert (state["role"], state["login"]) == (seen["user"], seen["session"])
    assert state["TimeZone"] == "UTC"
    names = seen.keys() & state.keys()
    assert names >= {"search_path", "DateStyle", "row_security", "client_encoding"}
    assert {name: state[name] for name in names} == {name: seen[name] for name in names}


KEPT = """
CREATE TEMPORARY TABLE kept AS SELECT 1 AS id;
PREPARE kept AS SELECT 1;
DECLARE kept CURSOR WITH HOLD FOR SELECT 1;
LISTEN kept;
SELECT pg_advisory_lock(5);
"""
LOOK_FOR_KEPT = """
CREATE TABLE public.seen AS
    SELECT 'table' AS what FROM kept
     UNION ALL SELECT 'prepared' FROM pg_prepared_statements WHERE name = 'kept'
     UNION ALL SELECT 'cursor' FROM pg_cursors WHERE name = 'kept'
     UNION ALL SELECT 'channel' FROM pg_listening_channels() AS c WHERE c = 'kept'
     UNION ALL SELECT 'lock' FROM pg_locks WHERE locktype = 'advisory' AND objid = 5
                  AND pid = pg_backend_pid();
"""


def test_what_belongs_to_the_session_stays_for_the_run(gate: Gate) -> None:
    """As with Flyway, all scripts of a run have one session; it ends with the run."""
    assert gate.run({"V1__a.sql": KEPT, "V2__b.sql": LOOK_FOR_KEPT}).exit_code is ExitCode.OK
    seen = gate.database.query("SELECT what FROM public.seen ORDER BY what")
    kept = ["channel", "cursor", "lock", "prepared", "table"]
    assert seen == [(what,) for what in kept]
    locks = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND objid = 5"
    eventually(lambda: not gate.database.query(locks))


@pytest.fixture
def owner(database: Database, make_role: Callable[..., Role]) -> Role:
    """Return a role that may log in and create what it likes."""
    role = make_role()
    database.execute(f"GRANT CREATE ON DATABASE {database.name} TO {role.name};"
                     f"GRANT ALL ON SCHEMA public TO {role.name}")  # fmt: skip
    return role


def test_role_of_the_login_stays(gate: Gate, owner: Role, make_role: Callable[..., Role]) -> None:
    """Where ALTER ROLE gives a login another role, that one owns what scripts create."""
    login = make_role()
    gate.database.execute(
        f"GRANT {owner.name} TO {login.name}; ALTER ROLE {login.name} SET role = {owner.name}"
    )
    gate.settings = settings_for(target_of(gate.database, login), gate.folder)
    files = {
        "V1__a.sql": f"CREATE TABLE a (); SET ROLE {login.name}",
        "V2__b.sql": "CREATE TABLE b ()",
    }
    assert gate.run(files).exit_code is ExitCode.OK
    owners = gate.database.query(
        "SELECT tablename, tableowner FROM pg_tables WHERE schemaname = 'public'"
    )
    names = ("a", "b", "flyway_schema_history", "presync_run")
    assert sorted(owners) == [(name, owner.name) for name in names]
    rows = gate.database.query("SELECT installed_by FROM flyway_schema_history")
    assert rows == [(owner.name,), (owner.name,)]


@pytest.mark.parametrize(
    ("path", "seen"),
    [
        ("public, pg_temp", "public, pg_temp"),
        ('"$user", other', '"public","$user", other'),
        ("other, public", '"public",other, public'),
        ("''", '"public",""'),
    ],
)
def test_search_path_of_the_role_is_kept(gate: Gate, owner: Role, path: str, seen: str) -> None:
    """The schema of the history stands in front of it, unless it does already."""
    gate.database.execute(f"CREATE SCHEMA other; ALTER ROLE {owner.name} SET search_path = {path}")
    gate.settings = settings_for(target_of(gate.database, owner), gate.folder)
    gate.set_schema("public")
    script = "CREATE TABLE seen AS SELECT current_setting('search_path') AS path"
    assert gate.run({"V1__x.sql": script}).exit_code is ExitCode.OK
    assert gate.database.query("SELECT path FROM public.seen") == [(seen,)]


def test_limits_of_the_role_do_not_hold_for_the_history(gate: Gate, owner: Role) -> None:
    """A role whose statements may take a millisecond can migrate all the same."""
    gate.database.execute(f"ALTER ROLE {owner.name} SET lock_timeout = 1")
    gate.settings = settings_for(target_of(gate.database, owner), gate.folder)
    script = "SELECT pg_sleep(0.01); CREATE TABLE a ()"
    assert gate.run({"V1__a.sql": script}).exit_code is ExitCode.OK
