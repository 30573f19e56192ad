"""Which relations a statement names, and the locks it will ask for.

The modes themselves are compared with those of a real server in
tests/integration/test_lock_requests.py.
"""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.sql.locks import LockMode, LockRequest, LockTarget
from hook.core.sql.relations import lock_requests, script_lock_requests
from hook.core.sql.statements import parse_statements, split_statements
from hook.core.sql.summary import summarize
from hook.core.sql.transactions import TransactionMode, classify

# Enough of the grammar to get into every rule, in any order.
WORDS = [
    *("alter table", "alter index", "alter sequence", "alter publication", "alter subscription"),
    *("create index", "create table", "create or replace view", "create trigger", "create rule"),
    *(
        "drop index",
        "drop table",
        "drop policy",
        "reindex",
        "vacuum",
        "cluster",
        "comment on column",
    ),
    *("lock", "copy", "truncate", "with", "insert into", "update", "explain", "do", "discard"),
    *(
        "set",
        "add",
        "attach partition",
        "detach partition",
        "concurrently",
        "references",
        "inherits",
    ),
    *("on", "only", "from", "to", "in", "mode", "publication", "refresh", "full", "a", "b.c", '""'),
    *("(", ")", ",", ".", "*", "=", "'x'", "$$commit;$$", "1", "begin", "rollback", "savepoint"),
]
SHORT = {
    LockMode.ACCESS_SHARE: "AS",
    LockMode.ROW_SHARE: "RS",
    LockMode.ROW_EXCLUSIVE: "RE",
    LockMode.SHARE_UPDATE_EXCLUSIVE: "SUE",
    LockMode.SHARE: "S",
    LockMode.SHARE_ROW_EXCLUSIVE: "SRE",
    LockMode.EXCLUSIVE: "E",
    LockMode.ACCESS_EXCLUSIVE: "AE",
}


def requested(sql: str) -> str:
    """Return the requests of one statement like ``AE t, S i*``; a star: the index's table."""
    return ", ".join(
        f"{SHORT[item.mode]} {item.relation}{'*' * (item.target is LockTarget.INDEXED_TABLE)}"
        for item in lock_requests(split_statements(sql)[0])
    )


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("insert into public.t (a) values (1)", "RE public.t"),
        ("insert into t as x values (1) on conflict do update set a = 1", "RE t"),
        ('update only "T t" set a = 1', 'RE "T t"'),
        ("delete from only t * using u", "RE t"),
        ("merge into t using u on true when matched then update set a = 1", "RE t"),
        ("with a as (insert into t select 1 returning *) delete from only u using a", "RE t, RE u"),
        ("with a as (select 1 for update) update t set a = 1 from a", "RE t"),
        ("with a as (select 1) insert into t select 1 on conflict do update set b = 1", "RE t"),
        ("with a as (select 1) merge into t using a on true when matched then update set b = 1",
         "RE t"),
        ("with a as (select 1 for no key update) select 1 from a", ""),
        ("explain (analyze, costs off) delete from t", "RE t"),
        ("explain update t set a = 1", "RE t"),
        ("copy t (a) from stdin", "RE t"),
        ("copy binary t from stdin", "RE t"),
        ("copy t to stdout", ""),
        ("copy (select 1) to stdout", ""),
        ("select * from t for update", ""),
        ("values (1)", ""),
    ],
)  # fmt: skip
def test_data_statements_ask_for_the_tables_they_write(sql: str, expected: str) -> None:
    """Tables that are only read are left out."""
    assert requested(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("alter table t add column a int", "AE t"),
        ("alter table if exists only s.t * drop a, alter b set statistics 1", "AE s.t"),
        ("alter table t", "AE t"),
        ("alter table all in tablespace a set tablespace b", ""),
        ("alter table t add constraint c foreign key (a) references s.u (id) not valid",
         "SRE t, SRE s.u"),
        ("alter table t add foreign key (a) references u", "SRE t, SRE u"),
        ("alter table t add column a int check (a > 0) references u, add b int references v",
         "AE t, SRE u, SRE v"),
        ("alter table t validate constraint c", "SUE t"),
        ("alter table t alter column a set statistics 1, alter b reset (n_distinct)", "SUE t"),
        ("alter table t alter column a set default 1", "AE t"),
        ("alter table t cluster on i", "SUE t"),
        ("alter table t set without cluster", "SUE t"),
        ("alter table t set (fillfactor = 50)", "SUE t"),
        ("alter table t set (user_catalog_table = true)", "AE t"),
        ("alter table t set logged", "AE t"),
        ("alter table t enable trigger a", "SRE t"),
        ("alter table t enable replica trigger a", "SRE t"),
        ("alter table t disable row level security", "AE t"),
        ("alter table t inherit p", "AE t, SUE p"),
        ("alter table t attach partition p for values in (1)", "SUE t, AE p"),
        ("alter table t detach partition p", "AE t, AE p"),
        ("alter table t detach partition p concurrently", "SUE t, SUE p"),
        ("alter table t detach partition p finalize", "SUE t, AE p"),
        ("alter foreign table f add a int", "AE f"),
        ("alter materialized view if exists m cluster on i", "SUE m"),
        ("alter view if exists v alter a set default 1", "AE v"),
        ("alter index if exists i rename to j", "SUE i"),
        ("alter index i alter column 1 set statistics 5", "SUE i"),
        ("alter index i set (fillfactor = 50)", "AE i"),
        ("alter index i attach partition j", "SUE i, AE j"),
        ("alter sequence if exists s restart", "SRE s"),
        ("alter sequence s owner to o", "AE s"),
        ("alter sequence s set schema a", "AE s"),
        ("alter trigger a on t rename to b", "AE t"),
        ("alter publication p add table only t, u (a)", "SUE t, SUE u"),
        ("alter publication p owner to o", ""),
        ("alter type a add value 'b'", ""),
        ("alter policy p", ""),
    ],
)  # fmt: skip
def test_alter_asks_by_its_actions(sql: str, expected: str) -> None:
    """The strongest action decides; an unknown one counts as the strongest."""
    assert requested(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("create index on t (a)", "S t"),
        ("create unique index concurrently if not exists i on only s.t (a)", "SUE s.t"),
        ("create temp table t (a int references u, b int, foreign key (b) references s.v (id))",
         "SRE u, SRE s.v"),
        ("create unlogged table if not exists t () inherits (p, q)", "SUE p, SUE q"),
        ("create table t partition of s.p for values in (1)", "AE s.p"),
        ("create foreign table f partition of p default server s", "AE p"),
        ("create table t as select 1", ""),
        ("create view v as select 1", ""),
        ("create or replace view v as select 1", "AE v"),
        ("create or replace recursive view v (a) as select 1", "AE v"),
        ("create or replace trigger a before update of b, c on t for each row execute function f()",
         "SRE t"),
        ("create constraint trigger a after insert on t from u execute function f()", "SRE t"),
        ("create rule r as on update to t do also nothing", "AE t"),
        ("create policy p on t using (true)", "AE t"),
        ("create statistics s on a, b from t", "SUE t"),
        ("create publication p for table t, u", "SUE t, SUE u"),
        ("create publication p for all tables", ""),
        ("create function f() returns int language sql as 'select 1'", ""),
        ("create index", ""),
        ("create trigger t", ""),
        ("create rule r", ""),
        ("create statistics s", ""),
        ("drop table if exists t, s.u cascade", "AE t, AE s.u"),
        ("drop materialized view m", "AE m"),
        ("drop sequence s", "AE s"),
        ("drop index i, j", "AE i, AE i*, AE j, AE j*"),
        ("drop index concurrently if exists i", "SUE i, SUE i*"),
        ("drop trigger if exists a on t", "AE t"),
        ("drop policy p on t", "AE t"),
        ("drop schema s cascade", ""),
    ],
)  # fmt: skip
def test_create_and_drop_ask_for_what_exists(sql: str, expected: str) -> None:
    """The new object itself is locked by nobody; an index leads to its table."""
    assert requested(sql) == expected


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        ("truncate t, only u *, s.v restart identity", "AE t, AE u, AE s.v"),
        ("truncate table t", "AE t"),
        ("lock t", "AE t"),
        ("lock table t, u in share row exclusive mode nowait", "SRE t, SRE u"),
        ("lock t in access share mode", "AS t"),
        ("lock t in share", "S t"),
        ("lock t in no such mode", "AE t"),
        ("refresh materialized view m", "AE m"),
        ("refresh materialized view concurrently m", "E m"),
        ("vacuum (analyze) t (a), u", "SUE t, SUE u"),
        ("vacuum full verbose t", "AE t"),
        ("vacuum (full) t", "AE t"),
        ("vacuum", ""),
        ("analyze verbose t", "SUE t"),
        ("cluster verbose t using i", "AE t"),
        ("cluster i on t", "AE t"),
        ("cluster", ""),
        ("reindex table t", "S t"),
        ("reindex (concurrently) table t", "SUE t"),
        ("reindex index i", "AE i, S i*"),
        ("reindex index concurrently i", "SUE i, SUE i*"),
        ("reindex schema s", ""),
        ("comment on table t is 'x'", "SUE t"),
        ("comment on column s.t.a is 'x'", "SUE s.t"),
        ("comment on materialized view m is 'x'", "SUE m"),
        ("comment on index i is 'x'", "SUE i"),
        ("comment on constraint c on t is 'x'", ""),
        ("comment on function f() is 'x'", ""),
        ("comment on column", ""),
        ("comment on column a.b.c.d.e is 'x'", ""),
        ("security label for p on table t is 'x'", "SUE t"),
    ],
)
def test_maintenance_asks_for_the_tables_it_names(sql: str, expected: str) -> None:
    """CONCURRENTLY and FULL decide; without a table nothing is named."""
    assert requested(sql) == expected


def test_script_asks_once_for_each_relation() -> None:
    """Repeated INSERTs and weaker modes disappear; names are compared as written."""
    script = parse_statements(
        (
            "insert into t values (1);\n" * 3
            + "insert into t (a) values (2);\ninsert into t select 1;\nselect 1;\n"
            + "insert into u values (1);\ntruncate u;\ncreate index on t (a);\nvacuum t;\n"
        ).encode()
    )
    assert script_lock_requests(script) == (
        LockRequest("t", LockMode.SHARE),
        LockRequest("t", LockMode.SHARE_UPDATE_EXCLUSIVE),
        LockRequest("u", LockMode.ACCESS_EXCLUSIVE),
    )


@given(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join))
def test_no_statement_is_too_broken_to_be_looked_at(sql: str) -> None:
    """What makes no sense is for the server to refuse; here it only must not fail."""
    for statement in split_statements(sql):
        for request in lock_requests(statement):
            assert request.relation
        assert classify(statement).mode in TransactionMode
        assert len(summarize(statement)) <= 80
