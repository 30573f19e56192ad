"""Which relations decide whether a script can run in a transaction."""

from __future__ import annotations

import pytest

from hook.core.sql.creations import Creations, Name
from hook.core.sql.losses import find_losses
from hook.core.sql.partition_refusals import PARTITIONED_TABLE, relations_in_doubt
from hook.core.sql.statements import cut_statements
from hook.core.sql.transactions import ScriptMode, TransactionMode, classify, script_mode


@pytest.mark.parametrize(
    ("sql", "relation", "command"),
    [
        ("REINDEX TABLE p", ("p",), "REINDEX TABLE of a partitioned table"),
        ("reindex (verbose) index App.P_i", ("app", "p_i"), "REINDEX INDEX of a partitioned index"),
        ('REINDEX VERBOSE TABLE "P"', ("P",), "REINDEX TABLE of a partitioned table"),
        ("CLUSTER p USING i", ("p",), "CLUSTER of a partitioned table"),
        ("CLUSTER (VERBOSE) s.p", ("s", "p"), "CLUSTER of a partitioned table"),
        ("CLUSTER VERBOSE i ON p", ("p",), "CLUSTER of a partitioned table"),
    ],
)
def test_statement_refuses_a_transaction_if_its_relation_is_partitioned(
    sql: str, relation: Name, command: str
) -> None:
    """Whether it is, the words do not say."""
    statements = cut_statements(sql.encode())
    assert relations_in_doubt(statements) == (relation,)
    assert classify(statements[0]).mode is TransactionMode.TRANSACTIONAL
    assert classify(statements[0], {("other",)}).mode is TransactionMode.TRANSACTIONAL
    known = classify(statements[0], {relation})
    assert known.mode is TransactionMode.NON_TRANSACTIONAL
    assert known.reason == f"{command} cannot run in a transaction"


@pytest.mark.parametrize(
    "sql",
    ["REINDEX TABLE CONCURRENTLY p", "REINDEX SCHEMA s", "CLUSTER", "SELECT 1", "REINDEXED p"],
)
def test_other_statements_are_in_no_doubt(sql: str) -> None:
    """They refuse a transaction, or do not, whatever the catalog says."""
    assert relations_in_doubt(cut_statements(sql.encode())) == ()


def test_name_means_nothing_where_the_search_path_may_move() -> None:
    """With its schema it means what it always does."""
    statements = cut_statements(b"SET search_path = a; REINDEX TABLE p; REINDEX TABLE s.p")
    assert relations_in_doubt(statements) == (("s", "p"),)


def test_each_relation_is_asked_for_once() -> None:
    """However often it is named."""
    statements = cut_statements(b"REINDEX TABLE p; REINDEX TABLE q; CLUSTER p USING i")
    assert relations_in_doubt(statements) == (("p",), ("q",))


def test_script_with_other_statements_is_mixed() -> None:
    """As with whatever else refuses a transaction."""
    verdict = script_mode(cut_statements(b"SELECT 1; REINDEX TABLE p"), {("p",)})
    assert verdict.mode is ScriptMode.MIXED
    assert verdict.decisive is not None
    assert verdict.decisive.head == "REINDEX"


@pytest.mark.parametrize(
    ("sql", "is_partitioned"),
    [
        ("CREATE TABLE p (id int) PARTITION BY RANGE (id)", True),
        ("create table p partition of q default\npartition  by list (id)", True),
        ("CREATE TABLE p (id int)", False),
        ("CREATE TABLE p AS SELECT row_number() OVER (PARTITION BY id) FROM t", False),
        ("CREATE TABLE IF NOT EXISTS p (id int) PARTITION BY RANGE (id)", False),
        ("CREATE TABLE p (id int) PARTITION BY RANGE (id); ALTER TABLE p RENAME TO q", False),
    ],
)
def test_release_tells_which_new_tables_are_partitioned(
    sql: str,
    is_partitioned: bool,  # noqa: FBT001 - a parameter
) -> None:
    """Of a table that may have been there, or is called otherwise by then, it does not."""
    made = Creations()
    find_losses(cut_statements(sql.encode()), made)
    assert made.has(PARTITIONED_TABLE, ("p",)) is is_partitioned
