"""What `check` tells of roles that may read the schema history and not write what a run writes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hook import bootstrap
from hook.core.outcome import Finding
from hook.core.reporting.report import Report
from hook.errors import ExitCode
from hook.settings.migrations import HistoryTable
from tests.testbed.database import Role
from tests.testbed.gate import NEXT_TRANSACTION, Gate, deciding
from tests.testbed.run_context import target_of

FIRST = {"V1__t.sql": "CREATE TABLE t (id int)"}
HISTORY = "public.flyway_schema_history"
# What a run may do there that keeps its own tables, as two roles of an application share them.
READS = (
    "GRANT USAGE ON SCHEMA public TO {role}; GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}"
)


@pytest.fixture
def role(gate: Gate, make_role: Callable[..., Role]) -> Role:
    """Return a role with no rights of its own, and let the gate be it."""
    made = make_role()
    gate.database.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    return made


def become(gate: Gate, role: Role) -> None:
    """Let the next command log in as *role*."""
    target = target_of(gate.database, role)
    gate.settings = gate.settings._replace(database=gate.settings.database._replace(target=target))


def grant(gate: Gate, *statements: str, role: Role) -> None:
    """Run *statements*, in which the role is named ``{role}``."""
    gate.database.execute(";".join(statements).format(role=role.name))


def check(gate: Gate) -> Report:
    """Run the command; it must change nothing."""
    before = gate.database.query(NEXT_TRANSACTION)
    report = bootstrap.check(gate.settings, gate.context())
    assert gate.database.query(NEXT_TRANSACTION) == before
    return report


def stages(report: Report) -> list[str]:
    """Return the stages that have said something, in their order."""
    return [item.name for item in report.results]


def told(report: Report) -> list[Finding]:
    """Return what was told of rights."""
    return [
        item for result in report.results if result.name == "rights" for item in result.findings
    ]


def test_role_that_may_only_read_the_history_is_told(gate: Gate, role: Role) -> None:
    """With the statement that mends it, after which the run passes."""
    gate.run(FIRST)
    grant(gate, READS, role=role)
    become(gate, role)
    report = check(gate)
    assert report.exit_code is ExitCode.AUTH
    assert deciding(report).message == f"{role.name} may read {HISTORY} and not write into it"
    assert report.verdict.startswith("REFUSED 16 AUTH: ")
    grant(gate, deciding(report).hint.removesuffix(";"), role=role)
    assert check(gate).exit_code is ExitCode.OK
    # The ledger cannot be written either, which keeps nobody from migrating.
    assert gate.run({"V2__x.sql": "SELECT 1"}).exit_code is ExitCode.OK


def test_missing_right_is_told_beside_what_the_gates_find(gate: Gate, role: Role) -> None:
    """All at once, so that one look is enough; the ledger is a warning."""
    gate.run(FIRST)
    grant(gate, READS, role=role)
    become(gate, role)
    report = check(gate)
    assert stages(report)[-5:] == ["rights", "blockers", "backup", "archive", "marker"]
    ledger = next(item for item in told(report) if item.rule == "ledger-rights")
    assert ledger.code is ExitCode.OK
    assert f'GRANT INSERT, UPDATE ON "public"."presync_run" TO "{role.name}";' in ledger.hint


def test_rights_on_the_columns_are_enough(gate: Gate, role: Role) -> None:
    """Those that a run writes; the time is the table's own."""
    gate.run(FIRST)
    columns = (
        "installed_rank, version, description, type, script, checksum, installed_by,"
        " execution_time, success"
    )
    grant(gate, READS, f"GRANT INSERT ({columns}) ON {HISTORY} TO {{role}}", role=role)
    become(gate, role)
    assert check(gate).exit_code is ExitCode.OK
    assert gate.run({"V2__x.sql": "SELECT 1"}).exit_code is ExitCode.OK


def test_role_that_may_not_create_the_history_is_told(gate: Gate, role: Role) -> None:
    """Nothing is there yet; the run would end the same way, after everything else."""
    gate.release(FIRST)
    become(gate, role)
    report = check(gate)
    assert deciding(report).message == f"{role.name} may not create {HISTORY}"
    assert gate.run().exit_code is report.exit_code is ExitCode.AUTH
    grant(gate, deciding(report).hint.removesuffix(";"), role=role)
    assert check(gate).exit_code is ExitCode.OK
    assert gate.run().exit_code is ExitCode.OK


def test_role_that_may_not_create_the_schema_is_told(gate: Gate, role: Role) -> None:
    """The right is one on the database then, and covers what is created in the schema."""
    gate.release(FIRST)
    table = HistoryTable(default_schema="shop", schemas=("shop",))
    gate.settings = gate.settings._replace(
        migrations=gate.settings.migrations._replace(history=table)
    )
    become(gate, role)
    report = check(gate)
    assert deciding(report).message == f"{role.name} may not create schema shop"
    grant(gate, deciding(report).hint.removesuffix(";"), role=role)
    report = check(gate)
    assert report.exit_code is ExitCode.OK, report.verdict
    assert [item.rule for item in told(report)] == ["history-rights"]
    assert gate.run().exit_code is ExitCode.OK


def test_script_without_transaction_is_not_run_where_its_row_cannot_be_written(
    gate: Gate, role: Role
) -> None:
    """It could not be taken back; before anything has run it is a refusal."""
    gate.run(FIRST)
    grant(gate, READS, "ALTER TABLE t OWNER TO {role}", role=role)
    become(gate, role)
    report = gate.run({"V2__i.sql": "CREATE INDEX CONCURRENTLY i ON t (id)"})
    assert report.exit_code is ExitCode.AUTH, report.verdict
    assert report.verdict.endswith("; database untouched")
    assert gate.database.query("SELECT to_regclass('i')") == [(None,)]


def test_script_in_a_transaction_is_not_run_where_its_row_cannot_be_written(
    gate: Gate, role: Role
) -> None:
    """It would be rolled back; nothing has been tried, and nothing is remembered as failed."""
    gate.run(FIRST)
    grant(gate, READS, "ALTER TABLE t OWNER TO {role}", role=role)
    become(gate, role)
    report = gate.run({"V2__x.sql": "ALTER TABLE t ADD x int"})
    assert report.exit_code is ExitCode.AUTH, report.verdict
    assert deciding(report).message == f"{role.name} may read {HISTORY} and not write into it"
    assert stages(report)[-4:] == ["rights", "blockers", "backup", "archive"]
    grant(gate, deciding(report).hint.removesuffix(";"), role=role)
    assert gate.run().exit_code is ExitCode.OK


def test_history_that_cannot_be_created_is_told_beside_the_gates(gate: Gate, role: Role) -> None:
    """Before a marker is left for a run that cannot begin."""
    gate.release(FIRST)
    become(gate, role)
    report = gate.run()
    assert report.verdict.endswith(f"{role.name} may not create {HISTORY}; database untouched")
    assert stages(report)[-4:] == ["rights", "blockers", "backup", "archive"]


def test_schema_that_cannot_be_created_is_told_beside_the_gates(gate: Gate, role: Role) -> None:
    """Also where the history is there, and one more schema is to be."""
    gate.run(FIRST)
    table = HistoryTable(schemas=("public", "shop"))
    migrations = gate.settings.migrations._replace(history=table)
    gate.settings = gate.settings._replace(migrations=migrations)
    grant(gate, READS, f"GRANT INSERT ON {HISTORY} TO {{role}}", role=role)
    become(gate, role)
    report = gate.run({"V2__x.sql": "SELECT 1"})
    assert deciding(report).message == f"{role.name} may not create schema shop"
    assert stages(report)[-4:] == ["rights", "blockers", "backup", "archive"]


def test_rights_that_are_there_cost_nothing(gate: Gate, role: Role) -> None:
    """Whether one is missing is read with the history."""
    grant(gate, "GRANT CREATE ON SCHEMA public TO {role}", role=role)
    become(gate, role)
    assert "rights" not in stages(gate.run(FIRST))
    assert "rights" not in stages(gate.run({"V2__x.sql": "ALTER TABLE t ADD x int"}))


def test_callback_may_give_the_right(gate: Gate, role: Role) -> None:
    """It runs before there is a row to write; whether it does, the server will tell."""
    gate.run(FIRST)
    gate.database.execute(
        "CREATE FUNCTION give() RETURNS void LANGUAGE sql SECURITY DEFINER"
        f" AS 'GRANT INSERT ON {HISTORY} TO PUBLIC'"
    )
    grant(gate, READS, role=role)
    become(gate, role)
    report = gate.run({"beforeMigrate.sql": "SELECT give()", "V2__x.sql": "SELECT 1"})
    assert report.exit_code is ExitCode.OK, report.verdict
