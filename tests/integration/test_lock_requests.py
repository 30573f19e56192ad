"""What the words of a statement promise, compared with what a real server does."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.rows import TupleRow

from hook.core.sql.locks import LockMode, LockTarget, strongest
from hook.core.sql.relations import lock_requests
from hook.core.sql.statement_list import Statement
from hook.core.sql.statements import split_statements
from hook.core.sql.transactions import TransactionMode, classify
from tests.testbed.database import Database

SCHEMA = """
create table z (id int primary key, x int);
create table t (id int primary key, x int, y text, constraint chk check (x > 0) not valid,
    constraint fk foreign key (x) references z not valid);
create index i on t (x);
create index j on t (y);
create table b (id int primary key, x int);
create view v as select 1 as c;
create materialized view m as select 1 as id;
create unique index mi on m (id);
create table p (id int, k int) partition by list (id);
create table p1 partition of p for values in (1);
create table p2 (id int, k int);
create index pi on only p (k);
create index p1i on p1 (k);
create table parent (id int);
create table child () inherits (parent);
create table orphan (id int);
create sequence s;
create function f() returns trigger language plpgsql as 'begin return new; end';
create trigger tr before insert on t for each row execute function f();
create rule ru as on insert to z do also nothing;
create policy po on b using (true);
create publication pub for table b;
"""
TABLE_OF = {"i": "t", "j": "t", "mi": "m"}
RELATIONS = """
select oid, relname, relkind in ('i', 'I') from pg_class
where relnamespace = 'public'::regnamespace
"""
LOCKS = """
select relation, mode from pg_locks where pid = pg_backend_pid() and relation = any(%s)
"""
SAME_LOCKS = """
insert into t values (1); update t set x = 1; delete from t;
with w as (delete from b returning *) update z set x = 1 from w;
explain insert into b values (1);
truncate b, only orphan;
alter table t add column n int; alter table t drop column y; alter table t rename to n;
alter table t alter y set not null; alter table t alter x set default 3;
alter table t alter column y type varchar(5); alter table t alter y set storage plain;
alter table t add check (x > 1) not valid; alter table t add unique (x);
alter table t add foreign key (x) references b; alter table t add column n int references b;
alter table t add constraint n foreign key (x) references b not valid;
alter table t validate constraint chk; alter table t drop constraint chk;
alter table t alter x set statistics 10; alter table t alter x set (n_distinct = 3);
alter table t set (fillfactor = 50); alter table t reset (fillfactor);
alter table t set (user_catalog_table = true); alter table t set unlogged;
alter table t cluster on i; alter table t set without cluster;
alter table t enable trigger tr; alter table t disable trigger all;
alter table t enable always trigger tr; alter table z disable rule ru;
alter table t enable row level security; alter table t replica identity full;
alter table t add column n int, alter x set statistics 4;
alter table p attach partition p2 for values in (2);
alter table orphan inherit parent; alter table child no inherit parent;
alter view v set (security_barrier); alter materialized view m rename to n;
alter index i rename to n; alter index pi attach partition p1i;
alter sequence s restart; alter sequence s owner to current_user;
alter trigger tr on t rename to n; alter policy po on b using (false);
alter publication pub add table t; alter publication pub drop table b;
create index n on t (x); create unique index n on only t (id);
create table n (a int references z, b int references b (id)); create table n (like t);
create table n () inherits (parent); create table n partition of p for values in (7);
create trigger n before insert or update of x, y on t for each row execute function f();
create rule n as on insert to t do also nothing; create policy n on t using (true);
create or replace view v as select 1 as c; create statistics n on x, y from t;
create publication n for table t, b; create table n as select * from t;
drop table b; drop view v; drop materialized view m; drop sequence s;
drop index j; drop trigger tr on t; drop rule ru on z; drop policy po on b;
lock table t, b in share row exclusive mode nowait; lock t; lock t in row share mode;
refresh materialized view m; refresh materialized view concurrently m;
cluster t using i; cluster i on t; analyze t (x), b; analyze verbose b;
reindex index i; reindex table t;
comment on table t is 'x'; comment on column t.x is 'x'; comment on index i is 'x';
comment on view v is 'x'; comment on constraint chk on t is 'x';
select * from t; grant select on t to public
"""
MERGE = "merge into b using t on b.id = t.id when matched then update set x = 1"
DETACH = "alter table p detach partition p1"
REFUSED = """
create index concurrently n on t (x); drop index concurrently j; reindex table concurrently t;
reindex schema public; reindex database postgres;
vacuum t; vacuum (full) t; cluster; create database n; drop database n;
create tablespace n location '/n'; drop tablespace n; alter system reset all;
alter database postgres set tablespace pg_default;
create subscription n connection 'dbname=n' publication n;
commit prepared 'n'; rollback prepared 'n'; discard all;
do $$ begin commit; end $$
"""
DETACH_CONCURRENTLY = "alter table p detach partition p1 concurrently"
REINDEX_WITH_OPTION = "reindex (concurrently) index i"


@pytest.fixture
def connection(database: Database) -> Iterator[psycopg.Connection[TupleRow]]:
    """Return an autocommit connection to a database with one relation of each sort."""
    database.execute(SCHEMA)
    with database.connect() as opened:
        yield opened


def promised(statement: Statement) -> dict[str, LockMode]:
    """Return the strongest mode foreseen for each relation."""
    modes: dict[str, list[LockMode]] = {}
    for item in lock_requests(statement):
        on_table = item.target is LockTarget.INDEXED_TABLE
        modes.setdefault(TABLE_OF[item.relation] if on_table else item.relation, []).append(
            item.mode
        )
    return {relation: strongest(wanted) for relation, wanted in modes.items()}


def taken(
    connection: psycopg.Connection[TupleRow], statement: Statement, named: list[str]
) -> dict[str, LockMode]:
    """Return the strongest lock held on each relation after *statement*, then undo it.

    Left out are locks to read, which are not foreseen, relations that the statement
    made, and indexes that it did not name.
    """
    names = {
        oid: name
        for oid, name, is_index in connection.execute(RELATIONS)
        if name in named or not is_index
    }
    held: dict[str, list[LockMode]] = {}
    connection.execute("begin")
    try:
        connection.execute(statement.text.encode())
        for oid, mode in connection.execute(LOCKS, (list(names),)):
            held.setdefault(names[oid], []).append(LockMode(mode))
    finally:
        connection.execute("rollback")
    modes = {name: strongest(found) for name, found in held.items()}
    return {
        name: mode
        for name, mode in modes.items()
        if mode is not LockMode.ACCESS_SHARE or name in named
    }


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param(SAME_LOCKS, id="all"),
        pytest.param(MERGE, id="merge", marks=pytest.mark.since_server(15, "MERGE")),
        pytest.param(
            DETACH,
            id="detach",
            marks=pytest.mark.since_server(14, "exclusive lock on what it detaches"),
        ),
    ],
)
def test_locks_are_those_that_the_server_takes(
    connection: psycopg.Connection[TupleRow], sql: str
) -> None:
    """For every command with a rule: the same relations, the same modes."""
    statements = split_statements(sql)
    foreseen = {item.text: promised(item) for item in statements}
    seen = {item.text: taken(connection, item, list(promised(item))) for item in statements}
    assert seen == foreseen


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param(REFUSED, id="all"),
        pytest.param(
            DETACH_CONCURRENTLY,
            id="detach concurrently",
            marks=pytest.mark.since_server(14, "DETACH … CONCURRENTLY"),
        ),
        pytest.param(
            REINDEX_WITH_OPTION,
            id="reindex with option",
            marks=pytest.mark.since_server(14, "REINDEX (CONCURRENTLY)"),
        ),
    ],
)
def test_statements_said_to_refuse_a_transaction_do(
    connection: psycopg.Connection[TupleRow], sql: str
) -> None:
    """The server knows them all, and says so inside of a transaction block."""
    answers = {}
    for statement in split_statements(sql):
        assert classify(statement).mode is TransactionMode.NON_TRANSACTIONAL, statement.text
        connection.execute("begin")
        with pytest.raises(psycopg.Error) as caught:
            connection.execute(statement.text.encode())
        connection.execute("rollback")
        answers[statement.text] = caught.value.sqlstate
    in_transaction, termination = "25001", "2D000"
    assert set(answers.values()) <= {in_transaction, termination}, answers
