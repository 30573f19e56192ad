"""Which statements destroy data."""

from __future__ import annotations

import pytest

from hook.core.sql.creations import Creations
from hook.core.sql.loss_rule import STATEMENTS, LossRule
from hook.core.sql.losses import Loss, find_losses
from hook.core.sql.statements import cut_statements

DESTROYING = [
    ("DROP TABLE t", "drop-table"),
    ("drop table if exists only_this, other cascade", "drop-table"),
    ("ALTER TABLE t DROP COLUMN c", "drop-column"),
    ("ALTER TABLE ONLY s.t * DROP c CASCADE", "drop-column"),
    ("ALTER TABLE IF EXISTS t ADD d int, DROP COLUMN IF EXISTS c", "drop-column"),
    ("ALTER TYPE pair DROP ATTRIBUTE IF EXISTS a CASCADE", "drop-column"),
    ("DROP SCHEMA s CASCADE", "drop-schema"),
    ("DROP SEQUENCE s", "drop-sequence"),
    ("DROP DATABASE IF EXISTS d", "drop-database"),
    ("DROP OWNED BY somebody", "drop-owned"),
    ("DROP EXTENSION pgcrypto", "drop-extension"),
    ("DROP TYPE mood CASCADE", "drop-cascade"),
    ("DROP DOMAIN IF EXISTS d, e CASCADE", "drop-cascade"),
    ("DROP COLLATION c CASCADE", "drop-cascade"),
    ("DROP ACCESS METHOD a CASCADE", "drop-cascade"),
    ("TRUNCATE t", "truncate"),
    ("TRUNCATE TABLE ONLY t, s.u RESTART IDENTITY CASCADE", "truncate"),
    ("DELETE FROM t", "delete-without-where"),
    ("DELETE FROM ONLY t AS x USING u RETURNING *", "delete-without-where"),
    ("DELETE FROM t WHERE TRUE", "delete-without-where"),
    ("DELETE FROM t WHERE (1 = 1) RETURNING id", "delete-without-where"),
    ("DELETE FROM t WHERE 'a'='a'", "delete-without-where"),
    ("DELETE FROM t WHERE NOT false", "delete-without-where"),
    ("UPDATE t SET a = 1", "update-without-where"),
    ("UPDATE t SET a = ' WHERE a = 1'", "update-without-where"),
    ("UPDATE t SET a = E'\\' WHERE a = 1'", "update-without-where"),
    ("UPDATE t SET a = $$ WHERE a = 1$$", "update-without-where"),
    ('UPDATE t SET " WHERE a = 1" = 1', "update-without-where"),
    ("UPDATE t SET a = 1 -- WHERE a = 1", "update-without-where"),
    ("UPDATE t SET a = 1 /* WHERE a = 1 */", "update-without-where"),
    ("UPDATE t SET a = (SELECT 1 FROM u WHERE a = 1)", "update-without-where"),
    (
        "UPDATE t AS x SET (a, b) = (1, (SELECT 2 WHERE false)), c = d FROM u",
        "update-without-where",
    ),
    ("UPDATE t SET a = b IS DISTINCT FROM c, d = e", "update-without-where"),
    ("WITH d AS (DELETE FROM t RETURNING *) SELECT * FROM d WHERE id > 1", "delete-without-where"),
    ("WITH u AS (SELECT 1) UPDATE t SET a = 1", "update-without-where"),
    (
        "(WITH d AS (DELETE FROM t RETURNING id) SELECT count(*) FROM d)",
        "delete-without-where",
    ),
    (
        "CREATE TABLE n AS WITH d AS (DELETE FROM t RETURNING id) SELECT count(*) FROM d",
        "delete-without-where",
    ),
    (
        (
            "CREATE TEMP TABLE IF NOT EXISTS n (a) ON COMMIT DROP AS (WITH d AS (UPDATE t SET a = 1"
            " RETURNING id) TABLE d)"
        ),
        "update-without-where",
    ),
    ("PREPARE gone AS DELETE FROM t", "delete-without-where"),
    ("COPY (DELETE FROM t RETURNING *) TO STDOUT", "delete-without-where"),
    ("EXPLAIN ANALYZE DELETE FROM t", "delete-without-where"),
    ("EXPLAIN (ANALYZE, VERBOSE) UPDATE t SET a = 1", "update-without-where"),
    ("MERGE INTO t USING u ON c WHEN NOT MATCHED BY SOURCE THEN DELETE", "delete-without-where"),
    (
        "MERGE INTO t USING u ON c WHEN MATCHED THEN DELETE WHEN NOT MATCHED BY SOURCE THEN UPDATE",
        "update-without-where",
    ),
    (
        "WITH q AS (SELECT 1) MERGE INTO t USING q ON c WHEN NOT MATCHED BY SOURCE THEN DELETE",
        "delete-without-where",
    ),
    (
        "EXPLAIN ANALYZE MERGE INTO t USING u ON c WHEN NOT MATCHED BY SOURCE THEN DELETE",
        "delete-without-where",
    ),
    ("ALTER TABLE t ALTER COLUMN c TYPE int", "alter-type"),
    ("ALTER TABLE t ALTER c SET DATA TYPE varchar(20)", "alter-type"),
    ("ALTER TABLE t ALTER c TYPE text USING left(c, 1)", "alter-type"),
    ("ALTER TABLE t ALTER c TYPE text[]", "alter-type"),
    ("ALTER TYPE pair ALTER ATTRIBUTE a TYPE int", "alter-type"),
]
HARMLESS = [
    "ALTER TABLE t DROP CONSTRAINT c",
    "ALTER TABLE t ALTER c DROP NOT NULL, ALTER d DROP DEFAULT, ALTER e SET DATA TYPE text",
    'ALTER TABLE t ALTER c TYPE varchar COLLATE "C", ALTER d TYPE character varying',
    "ALTER TABLE t DETACH PARTITION p",
    "ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b",
    "ALTER TABLE t SET (fillfactor = 70)",
    "ALTER FOREIGN TABLE t DROP COLUMN c",
    "ALTER TYPE mood ADD VALUE 'ok'",
    "ALTER SEQUENCE s RESTART",
    "DROP SCHEMA s",
    "DROP TYPE t",
    "DROP VIEW v CASCADE",
    "DROP MATERIALIZED VIEW v",
    "DROP INDEX CONCURRENTLY i",
    "DROP FUNCTION f() CASCADE",
    "DROP TABLE pg_temp.t",
    "DELETE FROM t WHERE id = 1",
    "DELETE FROM t WHERE id = id",
    "UPDATE s.t SET a = 'it''s', b = 2 WHERE t.id IN (1, 2)",
    "UPDATE t SET a = 1 WHERE b LIKE 'x'",
    "DELETE FROM t WHERE true AND b",
    "DELETE FROM t WHERE CURRENT OF c",
    "UPDATE t SET a = 1 WHERE id IN (SELECT 1)",
    "UPDATE t SET a[1] = 1 FROM u WHERE u.id = t.id RETURNING *",
    "INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE SET a = 1",
    "SELECT * FROM t FOR UPDATE",
    "WITH q AS (SELECT delete FROM t FOR UPDATE) SELECT q.update AS update FROM q",
    "WITH q AS (SELECT 1) DELETE FROM t WHERE id = 1",
    "EXPLAIN DELETE FROM t",
    "PREPARE p AS DELETE FROM t WHERE id = $1",
    "MERGE INTO t USING u ON t.id = u.id WHEN NOT MATCHED BY SOURCE AND t.old THEN DELETE",
    "MERGE INTO t USING u ON t.id = u.id WHEN NOT MATCHED BY SOURCE THEN DO NOTHING",
    "PREPARE m AS MERGE INTO t USING u ON t.id = u.id WHEN MATCHED THEN DELETE",
    "COPY t FROM '/x'",
    "CREATE TABLE t (update int REFERENCES u (a) ON DELETE CASCADE, delete int)",
    "CREATE TABLE t (a int) WITH (fillfactor = 70)",
    "CREATE TABLE n AS SELECT delete FROM t JOIN u ON true",
    "(SELECT 1)",
    "CREATE RULE r AS ON DELETE TO t DO INSTEAD DELETE FROM u",
    "DO $$ BEGIN DROP TABLE t; END $$",
    "SELECT 'DROP TABLE t'",
    "COMMENT ON TABLE t IS 'DROP TABLE'",
]
# The release has made it all itself.
OF_ITS_OWN = [
    "CREATE TABLE t (); DROP TABLE T",
    'CREATE UNLOGGED TABLE "t" (); ALTER TABLE t DROP c, ALTER d TYPE int; TRUNCATE t, t',
    "CREATE TEMP TABLE t (); SELECT set_config('search_path', 'x', false); DROP TABLE t",
    "CREATE TABLE t (); UPDATE t SET a = 1; DELETE FROM t",
    "CREATE TABLE t (); ALTER TABLE t RENAME TO u; DROP TABLE u",
    "CREATE SCHEMA s; CREATE TABLE s.t (); SET search_path = s; DROP SCHEMA s CASCADE",
    "CREATE SCHEMA s; CREATE TABLE s.t (); SET search_path = s; DROP TABLE s.t",
    "CREATE SEQUENCE s; DROP SEQUENCE s",
    "ALTER TABLE t ADD COLUMN c int; UPDATE t SET c = 1; ALTER TABLE t DROP c",
    "ALTER TABLE t ADD c int, ADD d int; UPDATE ONLY t SET (c, d) = (1, 2), c = 3",
    "ALTER TABLE t ADD c int; ALTER TABLE t RENAME c TO d; ALTER TABLE t DROP COLUMN d",
    "CREATE TABLE t (); MERGE INTO t USING u ON true WHEN NOT MATCHED BY SOURCE THEN DELETE",
    "CREATE TABLE t (); SET lock_timeout = 1; SELECT 1; DROP TABLE t",
    "CREATE TABLE t (); CREATE TABLE p (); ALTER TABLE t ATTACH PARTITION p DEFAULT; DELETE FROM t",
    "CREATE TABLE t (); CREATE TABLE p (); ALTER TABLE p INHERIT t; DELETE FROM t",
    "CREATE TEMP TABLE t ON COMMIT DELETE ROWS AS SELECT 1; DELETE FROM t",
    "CREATE SCHEMA s; ALTER TABLE a RENAME CONSTRAINT b TO s; DROP SCHEMA s CASCADE",
    "ALTER TABLE t ADD c int, ADD d int; ALTER TABLE t DROP c; ALTER TABLE t DROP d",
]
# It is not certain that it has.
NOT_ITS_OWN = [
    "CREATE TABLE IF NOT EXISTS t (); DROP TABLE t",
    "CREATE TABLE s.t (); DROP TABLE t",
    'CREATE TABLE "T" (); DROP TABLE t',
    "CREATE TABLE t (); DROP TABLE t, u",
    "CREATE TABLE t (); ROLLBACK; DROP TABLE t",
    "CREATE TABLE t (); SET search_path = x; DROP TABLE t",
    "CREATE TABLE t (); WITH q AS (SELECT set_config('x', 'y', true)) SELECT; DROP TABLE t",
    "SET LOCAL search_path = x; CREATE TABLE t (); RESET search_path; DROP TABLE t",
    "CREATE TABLE t (); ALTER TABLE t RENAME TO a; ALTER TABLE u RENAME TO t; DROP TABLE t",
    "CREATE TABLE t (); ALTER TABLE t SET SCHEMA s; DROP TABLE t",
    "CREATE TABLE t (); ALTER TABLE t ATTACH PARTITION p FOR VALUES IN (1); DROP TABLE t",
    "CREATE TABLE t (); ALTER TABLE p INHERIT t; DELETE FROM t",
    "CREATE TABLE t (); TRUNCATE t CASCADE",
    "CREATE SCHEMA s; ALTER TABLE t SET SCHEMA s; DROP SCHEMA s CASCADE",
    "CREATE TABLE s.t (); ALTER SCHEMA s RENAME TO a; DROP TABLE s.t",
    "CREATE SEQUENCE s; ALTER SEQUENCE s RENAME TO a; DROP SEQUENCE s",
    "ALTER TABLE t ADD c int; UPDATE t SET c = 1, d = 2",
    "ALTER TABLE t ADD c int; UPDATE t SET c = d IS DISTINCT FROM e, d = 2",
    "ALTER TABLE t ADD c int; UPDATE u SET c = 1",
    "ALTER TABLE t ADD IF NOT EXISTS c int; ALTER TABLE t DROP c",
    "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 1); ALTER TABLE t DROP COLUMN constraint_",
    "ALTER TABLE t RENAME c TO d; ALTER TABLE t DROP COLUMN d",
    "SET search_path = x; ALTER TABLE t ADD c int; ALTER TABLE t DROP c",
    "CREATE TABLE s.p (); ALTER TABLE p ATTACH PARTITION a DEFAULT; DROP TABLE s.p",
    (
        "CREATE TABLE p (); CREATE TABLE q PARTITION OF p DEFAULT PARTITION BY LIST (a);"
        " ALTER TABLE q ATTACH PARTITION a DEFAULT; DELETE FROM p"
    ),
    "CREATE TABLE s.t (); ALTER TABLE a INHERIT t; DELETE FROM s.t",
    "CREATE TABLE t (); ALTER TABLE s.t RENAME TO u; ALTER TABLE a RENAME TO t; DROP TABLE t",
    "CREATE TABLE t (); ALTER INDEX s.t RENAME TO u; ALTER TABLE a RENAME TO t; DROP TABLE t",
    "CREATE SEQUENCE s; ALTER TABLE s RENAME TO u; ALTER TABLE a RENAME TO s; DROP SEQUENCE s",
    (
        "ALTER TABLE t ADD c int; ALTER TABLE t DROP c; ALTER TABLE t RENAME a TO c;"
        " ALTER TABLE t DROP c"
    ),
    (
        "ALTER TABLE t ADD c int; ALTER TABLE s.t RENAME c TO d; ALTER TABLE t RENAME a TO c;"
        " ALTER TABLE t DROP c"
    ),
    "ALTER TABLE t ADD c int, DROP c",
    (
        'ALTER TABLE t ADD "constraint" int; ALTER TABLE t RENAME CONSTRAINT a TO b;'
        " ALTER TABLE t DROP b"
    ),
    "CREATE SCHEMA s; ALTER SEQUENCE a SET SCHEMA s; DROP SCHEMA s CASCADE",
    "CREATE SCHEMA s; ALTER EXTENSION a SET SCHEMA s; DROP SCHEMA s CASCADE",
    "CREATE SCHEMA s; ALTER FUNCTION f(int) SET SCHEMA s; DROP SCHEMA s CASCADE",
    "CREATE SCHEMA s; ALTER FOREIGN TABLE IF EXISTS a SET SCHEMA s; DROP SCHEMA s CASCADE",
    "CREATE SCHEMA s; ALTER MATERIALIZED VIEW a SET SCHEMA s; DROP SCHEMA s CASCADE",
    "BEGIN; CREATE TEMP TABLE t ON COMMIT DROP AS SELECT 1; COMMIT; DELETE FROM t",
    "CREATE TEMP TABLE t (a int) ON COMMIT DROP; DELETE FROM t",
    "CREATE TEMP TABLE t (); DISCARD TEMP; DELETE FROM t",
    "SET search_path = public, PG_TEMP; CREATE TEMP TABLE t (); DELETE FROM t",
    "CREATE TEMP TABLE t (); DISCARD ALL; DELETE FROM t",
]
# What was new may hold the last copy of what is lost first.
MOVED = [
    "CREATE TABLE u AS TABLE t; DROP TABLE t; ALTER TABLE u RENAME TO t; ALTER TABLE t DROP c",
    "ALTER TABLE t ADD c int; UPDATE t SET c = b; ALTER TABLE t DROP b; UPDATE t SET c = 0",
    "CREATE TABLE u AS WITH d AS (DELETE FROM t RETURNING *) TABLE d; DROP TABLE u",
]


def losses_of(sql: str, made: Creations | None = None) -> tuple[Loss, ...]:
    """Return what *sql* destroys."""
    return find_losses(cut_statements(sql.encode()), made or Creations())


@pytest.mark.parametrize(("sql", "rule"), DESTROYING)
def test_statement_destroys(sql: str, rule: str) -> None:
    """Each by its words, alone."""
    assert [item.rule for item in losses_of(sql)] == [rule]


@pytest.mark.parametrize("sql", HARMLESS)
def test_statement_destroys_nothing(sql: str) -> None:
    """Or what it does is not in its words."""
    assert losses_of(sql) == ()


@pytest.mark.parametrize("sql", OF_ITS_OWN)
def test_what_the_release_has_made_is_no_loss(sql: str) -> None:
    """It holds nothing that was there before."""
    assert losses_of(sql) == ()


@pytest.mark.parametrize("sql", NOT_ITS_OWN)
def test_what_may_have_been_there_is_a_loss(sql: str) -> None:
    """Wherever a name may mean something else, it does."""
    assert len(losses_of(sql)) == 1


@pytest.mark.parametrize("sql", MOVED)
def test_what_may_hold_what_was_lost_is_a_loss(sql: str) -> None:
    """Nothing tells where a row came from."""
    assert len(losses_of(sql)) == 2


@pytest.mark.parametrize(
    "sql",
    [
        "DROP TABLE t; CREATE TABLE t (); DELETE FROM t",
        "ALTER TABLE t ADD c int, DROP b; UPDATE t SET c = 0",
        # It ends with its session, whatever it holds.
        "CREATE TEMP TABLE u AS TABLE t; TRUNCATE t; INSERT INTO t TABLE u; DROP TABLE u",
    ],
)
def test_what_is_made_behind_a_loss_is_no_loss(sql: str) -> None:
    """It was not there to take anything over."""
    assert len(losses_of(sql)) == 1


def test_creations_of_one_script_count_in_the_next() -> None:
    """But not its temporary tables, and its search path is forgotten."""
    made = Creations()
    losses_of("CREATE TABLE t (); CREATE TEMP TABLE u (); SET search_path = x", made)
    assert losses_of("DROP TABLE t", made) == ()
    assert [item.rule for item in losses_of("DROP TABLE u", made)] == ["drop-table"]


def test_loss_tells_line_and_head_without_data() -> None:
    """A literal may be somebody's secret."""
    found = losses_of("\nUPDATE users\n SET token = 'hunter2', a = 1;\n\nDROP TABLE t; TRUNCATE u")
    assert found == (
        Loss(LossRule.UPDATE_WITHOUT_WHERE, 2, "UPDATE users SET token = …"),
        Loss(LossRule.DROP_TABLE, 5, "DROP TABLE t"),
        Loss(LossRule.TRUNCATE, 5, "TRUNCATE u"),
    )


def test_statement_may_destroy_in_several_ways() -> None:
    """Each is told once."""
    found = losses_of("ALTER TABLE t DROP a, ALTER b TYPE int, DROP c")
    assert [item.rule for item in found] == [LossRule.DROP_COLUMN, LossRule.ALTER_TYPE]


def test_every_rule_is_explained_and_found() -> None:
    """No rule is only a name."""
    assert set(STATEMENTS) == set(LossRule) == {LossRule(rule) for _, rule in DESTROYING}
