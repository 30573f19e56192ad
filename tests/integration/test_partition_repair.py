"""What a build that was cut off leaves on the partitions of its table, and its end."""

from __future__ import annotations

import psycopg
import pytest

from hook.errors import ExitCode
from tests.testbed.gate import Gate

BASE = """\
CREATE TABLE t ();
CREATE TABLE p (id int) PARTITION BY LIST (id);
CREATE TABLE d PARTITION OF p DEFAULT;
CREATE TABLE q PARTITION OF p FOR VALUES IN (1) PARTITION BY LIST (id);
CREATE TABLE c PARTITION OF q DEFAULT;
CREATE INDEX pi ON p (id);
"""
INVALID = "SELECT indexrelid::regclass FROM pg_index WHERE NOT indisvalid"


_OF_ALL = pytest.mark.since_server(14, "REINDEX of partitioned relations")


@pytest.mark.parametrize(
    "script",
    [
        pytest.param("REINDEX INDEX CONCURRENTLY pi", marks=_OF_ALL),
        pytest.param("REINDEX TABLE CONCURRENTLY p", marks=_OF_ALL),
        "REINDEX INDEX CONCURRENTLY c_id_idx",
    ],
)
def test_leftover_of_a_reindex_on_a_partition_is_dropped(gate: Gate, script: str) -> None:
    """It is on a table that the statement need not name."""
    assert gate.run({"V1__base.sql": BASE}).exit_code is ExitCode.OK
    with gate.database.connect(autocommit=False) as reader:
        reader.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        reader.execute("SELECT FROM t")
        with gate.database.connect() as other:
            other.execute("SET statement_timeout = 300")
            with pytest.raises(psycopg.errors.QueryCanceled):
                other.execute("REINDEX INDEX CONCURRENTLY c_id_idx")
    assert gate.database.query(INVALID) == [("c_id_idx_ccnew",)]
    report = gate.run({"V2__r.sql": script})
    assert report.exit_code is ExitCode.OK, report.verdict
    (notice,) = [told for event, told, _ in gate.events.told if event == "migration.notice"]
    assert "invalid index public.c_id_idx_ccnew on c" in notice
    assert gate.database.query(INVALID) == []
