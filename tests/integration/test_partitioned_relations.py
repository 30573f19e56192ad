"""REINDEX and CLUSTER of what is partitioned: only the catalog knows that they refuse."""

from __future__ import annotations

import pytest

from hook.errors import ExitCode
from tests.testbed.gate import HISTORY, Gate, deciding

pytestmark = pytest.mark.since_server(14, "REINDEX of partitioned tables")

PARTITIONED = (
    "CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);"
    " CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (10);"
    " CREATE TABLE plain (id int)"
)
REINDEX = "REINDEX TABLE p"
MIXED = "INSERT INTO plain VALUES (1);\nREINDEX TABLE p;"
BY_CONF = "executeInTransaction"


@pytest.fixture
def started(gate: Gate) -> Gate:
    """Return the gate with the tables of an earlier release."""
    assert gate.run({"V1__p.sql": PARTITIONED}).exit_code is ExitCode.OK
    return gate


def how_it_ran(gate: Gate) -> dict[object, object]:
    """Return which scripts the last run has run in a transaction."""
    told = gate.events.named("migration.started")
    return {fields["script"]: fields["transactional"] for fields in told}


@pytest.mark.parametrize(
    "sql",
    [
        REINDEX,
        "REINDEX INDEX p_pkey",
        "REINDEX (VERBOSE) TABLE PUBLIC.p;\nREINDEX INDEX public.p_pkey",
        pytest.param(
            "CLUSTER p USING p_pkey",
            marks=pytest.mark.since_server(15, "CLUSTER of partitioned tables"),
        ),
    ],
)
def test_script_for_what_is_partitioned_runs_without_transaction(started: Gate, sql: str) -> None:
    """Nobody has to write a .conf for it."""
    report = started.run({"V2__r.sql": sql, "V3__x.sql": "REINDEX TABLE plain"})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert how_it_ran(started) == {"V2__r.sql": False, "V3__x.sql": True}


def test_name_is_looked_for_as_the_script_will(started: Gate) -> None:
    """What is partitioned in another schema of the search path, or in none, does not count."""
    started.database.execute(
        "CREATE SCHEMA later; CREATE TABLE later.plain (id int) PARTITION BY RANGE (id);"
        " CREATE SCHEMA hidden; CREATE TABLE hidden.q (id int) PARTITION BY RANGE (id);"
        " CREATE TABLE later.q (id int);"
        f" ALTER DATABASE {started.database.name} SET search_path = public, later"
    )
    files = {"V2__a.sql": "REINDEX TABLE plain", "V3__b.sql": "REINDEX TABLE q"}
    report = started.run({**files, "V4__c.sql": "REINDEX TABLE later.plain"})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert how_it_ran(started) == {"V2__a.sql": True, "V3__b.sql": True, "V4__c.sql": False}


def test_mixed_script_is_refused_before_anything_runs(started: Gate) -> None:
    """The server would refuse it in the middle of the release."""
    report = started.run({"V2__x.sql": "CREATE TABLE x ()", "V3__m.sql": MIXED})
    assert report.exit_code is ExitCode.BAD_SET, report.verdict
    assert "V3__m.sql:2: REINDEX TABLE of a partitioned table" in deciding(report).message
    assert len(started.database.query(HISTORY)) == 1


def test_conf_goes_before_the_catalog(started: Gate) -> None:
    """Whoever insists on a transaction gets one, and what the server says to that."""
    report = started.run({"V2__r.sql": REINDEX, "V2__r.sql.conf": f"{BY_CONF}=true"})
    assert report.exit_code is ExitCode.SQL_FAILED, report.verdict
    mixed = started.run({"V2__r.sql": MIXED, "V2__r.sql.conf": f"{BY_CONF}=false"})
    assert mixed.exit_code is ExitCode.OK, mixed.verdict


def test_table_of_the_same_release_is_known_from_its_script(gate: Gate) -> None:
    """In the catalog it is not as yet."""
    report = gate.run({"V1__p.sql": PARTITIONED, "V2__r.sql": REINDEX})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert how_it_ran(gate) == {"V1__p.sql": True, "V2__r.sql": False}


@pytest.mark.parametrize(
    ("release", "script"),
    [
        ({"V1__p.sql": PARTITIONED, "V2__r.sql": "REINDEX INDEX p_pkey"}, "V2__r.sql"),
        ({"V1__p.sql": f"{PARTITIONED};\n{REINDEX}"}, "V1__p.sql"),
        (
            {"V1__p.sql": PARTITIONED, "V2__r.sql": f"SET search_path = public; {REINDEX}"},
            "V2__r.sql",
        ),
    ],
)
def test_what_nobody_can_know_is_rolled_back_and_told(
    gate: Gate, release: dict[str, str], script: str
) -> None:
    """An index of the same release, a table of the same script, a name under another path."""
    report = gate.run(release)
    assert report.exit_code is ExitCode.SQL_FAILED, report.verdict
    assert deciding(report).hint.startswith(f"Put {BY_CONF}=false into {script}.conf")
