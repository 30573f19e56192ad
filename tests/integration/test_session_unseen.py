"""Looking for what may keep something in a session unseen, where that cannot be looked at."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hook.errors import ExitCode
from tests.testbed.database import Role
from tests.testbed.gate import Gate, settings_for
from tests.testbed.run_context import target_of

BASE = {"V1__base.sql": "CREATE TABLE t (n int); CREATE TABLE other (n int)"}
SCRIPT = {"V2__x.sql": "SELECT 1;\nINSERT INTO t VALUES (1)"}
ALONE = {"V2__x.sql.conf": "executeInTransaction=false"}
READS = "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT max(n) FROM other; END"


@pytest.mark.since_server(14, "BEGIN ATOMIC")
def test_table_that_somebody_locks_does_not_stop_a_script_that_does_not_need_it(gate: Gate) -> None:
    """The server takes a lock on it to tell the text of a function that reads it."""
    assert gate.run({**BASE, **ALONE}).exit_code is ExitCode.OK
    gate.database.execute(READS)
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE other IN ACCESS EXCLUSIVE MODE")
        report = gate.run(SCRIPT)
    assert report.exit_code is ExitCode.OK, report.verdict


def test_role_that_may_not_see_functions_runs_a_script(
    gate: Gate, make_role: Callable[..., Role]
) -> None:
    """Whoever has taken that right away has not taken away that to migrate."""
    role = make_role()
    gate.database.execute(
        f"GRANT CREATE, USAGE ON SCHEMA public TO {role.name};"
        " REVOKE EXECUTE ON FUNCTION pg_catalog.pg_get_functiondef(oid) FROM PUBLIC"
    )
    gate.settings = settings_for(target_of(gate.database, role), gate.folder)
    report = gate.run({**BASE, **SCRIPT, **ALONE})
    assert report.exit_code is ExitCode.OK, report.verdict
