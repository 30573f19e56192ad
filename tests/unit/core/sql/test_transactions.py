"""Which statements refuse a transaction, and how a whole script can run."""

from __future__ import annotations

import pytest

from hook.core.sql.statements import parse_statements, split_statements
from hook.core.sql.transactions import (
    ScriptMode,
    TransactionMode,
    classify,
    is_open_after,
    script_mode,
    stray_rollback,
)

# Statement → the command that its reason names.
REFUSING = {
    "create index concurrently i on t (a)": "CREATE INDEX CONCURRENTLY",
    "create  index\n/* c */ concurrently i on t (a)": "CREATE INDEX CONCURRENTLY",
    'CREATE UNIQUE INDEX CONCURRENTLY "my idx" ON public.t (a)': "CREATE INDEX CONCURRENTLY",
    "drop index concurrently if exists public.i": "DROP INDEX CONCURRENTLY",
    "create database d": "CREATE DATABASE",
    "drop database if exists d": "DROP DATABASE",
    "create tablespace s location '/s'": "CREATE TABLESPACE",
    "drop tablespace s": "DROP TABLESPACE",
    "create subscription s connection 'c' publication p": "CREATE SUBSCRIPTION",
    "drop subscription s": "DROP SUBSCRIPTION",
    "alter subscription s refresh publication": "ALTER SUBSCRIPTION REFRESH",
    'alter subscription "s" set publication p': "ALTER SUBSCRIPTION SET PUBLICATION",
    "alter subscription s add publication p with (copy_data)": "ALTER SUBSCRIPTION ADD PUBLICATION",
    "alter subscription s drop publication p": "ALTER SUBSCRIPTION DROP PUBLICATION",
    "alter subscription s set (failover = true)": "ALTER SUBSCRIPTION SET (failover)",
    "alter subscription s set (slot_name = none, two_phase)": "ALTER SUBSCRIPTION SET (two_phase)",
    "alter system reset all": "ALTER SYSTEM",
    "alter database d set tablespace s": "ALTER DATABASE SET TABLESPACE",
    "alter table p detach partition c concurrently": "DETACH PARTITION CONCURRENTLY",
    'alter table if exists only s.p detach partition s."C" concurrently': (
        "DETACH PARTITION CONCURRENTLY"
    ),
    "reindex index concurrently i": "REINDEX CONCURRENTLY",
    "reindex table concurrently t": "REINDEX CONCURRENTLY",
    "reindex (concurrently) index i": "REINDEX CONCURRENTLY",
    "reindex (verbose, concurrently true) table t": "REINDEX CONCURRENTLY",
    "reindex (concurrently 'on') table t": "REINDEX CONCURRENTLY",
    "reindex (verbose) database d": "REINDEX DATABASE",
    "reindex verbose schema s": "REINDEX SCHEMA",
    "reindex schema concurrently s": "REINDEX SCHEMA",
    "reindex system d": "REINDEX SYSTEM",
    "vacuum": "VACUUM",
    "vacuum (analyze) t": "VACUUM",
    "cluster": "CLUSTER without a table",
    "cluster verbose": "CLUSTER without a table",
    "cluster (verbose)": "CLUSTER without a table",
    "discard all": "DISCARD ALL",
    "commit prepared 'a;b'": "COMMIT PREPARED",
    "rollback prepared 'x'": "ROLLBACK PREPARED",
    "do $$ begin insert into t values (1); commit; end $$": "DO with COMMIT or ROLLBACK",
    "do language plpgsql $x$ begin if a then rollback and chain; end if; end $x$": (
        "DO with COMMIT or ROLLBACK"
    ),
    "do 'begin raise notice ''x''; <<l>> commit; end'": "DO with COMMIT or ROLLBACK",
}
TRANSACTIONAL = [
    "create table a (i int)",
    "create index concurrently_x on a (i)",
    'create index "concurrently" on a (i)',
    "create schema s create table a (i int) create index concurrently_x on a (i)",
    "create view v as select 1",
    "drop index i",
    "drop table vacuum_log",
    "alter table p detach partition c",
    "alter table p detach partition c finalize",
    "alter table p rename column detach to attach",
    "alter database d set timezone to 'UTC'",
    "alter database d rename to e",
    "alter type c add value 'x'",
    "alter subscription s set publication p with (refresh = false)",
    "alter subscription s set (slot_name = none)",
    "alter subscription s enable",
    "alter subscription s owner to o",
    "reindex table t",
    "reindex (verbose) index i",
    "reindex (concurrently false) table t",
    "cluster t using i",
    "cluster (verbose) t",
    "analyze t",
    "refresh materialized view concurrently m",
    "discard plans",
    "prepare q as select 1",
    "set transaction isolation level serializable",
    "call p()",
    "do $$ begin perform commit(); raise notice 'commit;'; end $$",
    "do $$ begin create index concurrently i on t (a); end $$",
    "do $$ begin 'unclosed; commit; end $$",
    "create procedure p() language plpgsql as $$ begin commit; end $$",
    "with x as (insert into t values (1) returning *) select * from x",
    "lock table t",
    "(select 1)",
]
CONTROL = [
    "begin",
    "start transaction read only",
    "commit and chain",
    "end work",
    "rollback",
    "rollback to savepoint s",
    "abort",
    "savepoint s",
    "release s",
    "prepare transaction 'x'",
]


@pytest.mark.parametrize(("sql", "command"), REFUSING.items())
def test_statement_that_refuses_a_transaction_is_named(sql: str, command: str) -> None:
    """Whatever the server refuses in a transaction block, as far as words tell."""
    classification = classify(split_statements(sql)[0])
    assert classification.mode is TransactionMode.NON_TRANSACTIONAL
    assert classification.reason == f"{command} cannot run in a transaction"


@pytest.mark.parametrize("sql", TRANSACTIONAL)
def test_other_statements_are_transactional(sql: str) -> None:
    """Names, bodies and look-alikes do not make a statement refuse a transaction."""
    assert classify(split_statements(sql)[0]).mode is TransactionMode.TRANSACTIONAL


@pytest.mark.parametrize("sql", CONTROL)
def test_transaction_control_is_told_apart(sql: str) -> None:
    """It neither refuses a transaction nor leaves the surrounding one alone."""
    assert classify(split_statements(sql)[0]).mode is TransactionMode.CONTROL


@pytest.mark.parametrize(
    "sql",
    [
        "",
        "select 1; select 2",
        "savepoint s; insert into t values (1); rollback to s; release savepoint s;",
    ],
)
def test_script_of_transactional_statements_is_transactional(sql: str) -> None:
    """Savepoints change nothing: the whole can still be rolled back."""
    statements = parse_statements(sql.encode())
    verdict = script_mode(statements)
    assert verdict.mode is ScriptMode.TRANSACTIONAL
    assert verdict.body == statements
    assert (verdict.reason, verdict.decisive, verdict.manages_transactions) == ("", None, False)


@pytest.mark.parametrize(
    ("begin", "commit"),
    [
        ("begin", "commit"),
        ("BEGIN WORK", "END TRANSACTION"),
        ("begin transaction", "commit work and no chain"),
        ("start transaction", "end"),
    ],
)
def test_script_wrapped_in_one_transaction_loses_its_wrapper(begin: str, commit: str) -> None:
    """The transaction around it is that of the history row as well."""
    verdict = script_mode(parse_statements(f"{begin}; select 1; savepoint s; {commit};".encode()))
    assert verdict.mode is ScriptMode.TRANSACTIONAL
    assert [item.text for item in verdict.body] == ["select 1", "savepoint s"]
    assert not verdict.manages_transactions


@pytest.mark.parametrize(
    "sql",
    [
        "begin; select 1; commit; select 2;",
        "select 1; begin; select 2; commit;",
        "begin; select 1; rollback;",
        "begin; select 1; prepare transaction 'x';",
        "begin; select 1; commit; begin; select 2; commit;",
        "begin isolation level serializable; select 1; commit;",
        "start transaction read only; select 1; commit;",
        "begin; select 1; commit and chain;",
        "begin; select 1;",
        "select 1; commit;",
        "begin;",
    ],
)
def test_script_with_its_own_transactions_promises_no_rollback(sql: str) -> None:
    """Its first control statement decides; nothing is dropped."""
    statements = parse_statements(sql.encode())
    verdict = script_mode(statements)
    assert verdict.mode is ScriptMode.NON_TRANSACTIONAL
    assert verdict.manages_transactions
    assert verdict.reason == "the script manages its own transactions"
    assert verdict.decisive is not None
    assert verdict.decisive.head in {"BEGIN", "START", "COMMIT"}
    assert verdict.body == statements


def test_script_of_refusing_statements_is_non_transactional() -> None:
    """The first one gives the reason."""
    verdict = script_mode(parse_statements(b"vacuum a; discard all;"))
    assert verdict.mode is ScriptMode.NON_TRANSACTIONAL
    assert verdict.reason == "VACUUM cannot run in a transaction"
    assert verdict.decisive is not None
    assert verdict.decisive.text == "vacuum a"


@pytest.mark.parametrize(
    ("sql", "decisive"),
    [
        ("select 1; select 2; vacuum; select 3;", "vacuum"),
        ("vacuum; discard all; select 1; select 2;", "select 1"),
        ("begin; vacuum; commit;", "vacuum"),
        ("vacuum; savepoint s;", "savepoint s"),
    ],
)
def test_mixed_script_names_the_first_statement_of_the_other_kind(sql: str, decisive: str) -> None:
    """That is the statement to move into a script of its own."""
    verdict = script_mode(parse_statements(sql.encode()))
    assert verdict.mode is ScriptMode.MIXED
    assert verdict.reason == "VACUUM cannot run in a transaction"
    assert verdict.decisive is not None
    assert verdict.decisive.text == decisive
    assert verdict.manages_transactions is ("begin" in sql)


@pytest.mark.parametrize(
    ("sql", "within", "outside"),
    [
        ("select chain from t", True, False),
        ("begin", True, True),
        ("start transaction read only", True, True),
        ("savepoint s", True, False),
        ("rollback to s", True, False),
        ("commit", False, False),
        ("rollback and no chain", False, False),
        ("commit and chain", True, False),
        ("commit prepared 'x'", True, False),
        ("prepare transaction 'x'", False, False),
    ],
)
def test_transaction_is_followed_from_statement_to_statement(
    sql: str,
    within: bool,  # noqa: FBT001 - a parameter
    outside: bool,  # noqa: FBT001 - likewise
) -> None:
    """Whether one is open decides what may be told of the statements behind."""
    (statement,) = split_statements(sql)
    assert is_open_after(statement, was_open=True) is within
    assert is_open_after(statement, was_open=False) is outside


@pytest.mark.parametrize(
    ("sql", "line"),
    [
        ("select 1;\nrollback", 2),
        ("begin; select 1; commit;\nselect 2;\nabort", 3),
        ("savepoint s;\nselect 1;\nrollback to s;\nrollback and chain", 4),
        ("rollback; select 1", None),
        ("select 1; commit; rollback", None),
        ("begin; select 1; rollback; select 2", None),
        ("begin; commit and chain; select 1; rollback", None),
        ("select 1; savepoint s; rollback to s", None),
        ("select 1; rollback prepared 'x'", None),
    ],
)
def test_rollback_of_what_the_script_did_not_begin_is_found(sql: str, line: int | None) -> None:
    """Flyway's transaction would be taken back; statement by statement there is none."""
    found = stray_rollback(parse_statements(sql.encode()))
    assert (found and found.line) == line
