"""The schema history created and written on a real server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hook.clock import Interrupt
from hook.core.schema_history.baseline import BaselineRules
from hook.core.scripts.migration_set import build_set
from hook.core.scripts.version import Version
from hook.core.sessions.server import ServerFacts
from hook.errors import ConfigError, DatabaseRejected, ExitCode
from hook.postgres.facts import fetch_server_facts
from hook.postgres.session import Session
from hook.settings.migrations import HistoryTable
from tests.testbed.database import Database, Role
from tests.testbed.history import HOSTILE, ROWS, TABLE, CountingReader, create, engine
from tests.testbed.release import migration
from tests.testbed.run_context import open_session, target_of

COLUMNS = """
    SELECT attname, format_type(atttypid, atttypmod), attnotnull,
           pg_get_expr(adbin, adrelid)
      FROM pg_attribute
      LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
     WHERE attrelid = 'public.flyway_schema_history'::regclass AND attnum > 0
     ORDER BY attnum
"""
MARKER = "<< Flyway Schema Creation >>"
BASELINE = "<< Flyway Baseline >>"


def test_created_table_is_flyways(database: Database, session: Session) -> None:
    """Columns, types, defaults, key and index are those of a real Flyway."""
    create(session)
    assert database.query(COLUMNS) == [
        ("installed_rank", "integer", True, None),
        ("version", "character varying(50)", False, None),
        ("description", "character varying(200)", True, None),
        ("type", "character varying(20)", True, None),
        ("script", "character varying(1000)", True, None),
        ("checksum", "integer", False, None),
        ("installed_by", "character varying(100)", True, None),
        ("installed_on", "timestamp without time zone", True, "now()"),
        ("execution_time", "integer", True, None),
        ("success", "boolean", True, None),
    ]
    assert database.query("SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'") == [
        (f"CREATE UNIQUE INDEX flyway_schema_history_pk ON {TABLE} USING btree (installed_rank)",),
        (f"CREATE INDEX flyway_schema_history_s_idx ON {TABLE} USING btree (success)",),
    ]
    keys = (
        f"SELECT conname FROM pg_constraint WHERE conrelid = '{TABLE}'::regclass AND contype = 'p'"
    )
    assert database.query(keys) == [("flyway_schema_history_pk",)]
    assert database.query(ROWS.format(TABLE)) == []


@pytest.mark.parametrize(
    ("schema", "table"),
    [('My "Schema"', 'my "history" 100%'), ("a.b", "{schemas}{history}"), ("Größe", "it's\\n")],
)
def test_names_of_any_kind_are_quoted(
    database: Database, session: Session, schema: str, table: str
) -> None:
    """Schema and table, in every statement."""
    settings = HistoryTable(table=table, default_schema=schema)
    history = create(session, settings)
    facts = fetch_server_facts(session)
    made = engine(settings)
    row = made.new_row(migration("V1__a.sql"), history.next_rank, facts)
    assert session.run(made.history_row_sql(history, row)).failure is None
    rows = made.read_history(session, facts).rows
    assert [(item.installed_rank, item.type) for item in rows] == [(0, "SCHEMA"), (1, "SQL")]
    quoted = schema.replace('"', '""')
    assert rows[0].script == f'"{quoted}"'
    assert database.query("SELECT nspname FROM pg_namespace ORDER BY oid DESC LIMIT 1") == [
        (schema,)
    ]


def test_missing_schemas_are_created_and_recorded(database: Database, session: Session) -> None:
    """The marker names those that were missing, and has rank zero."""
    database.execute("CREATE SCHEMA app1")
    settings = HistoryTable(default_schema="app", schemas=("app1", "app2"))
    create(session, settings)
    query = ROWS.format("app.flyway_schema_history")
    assert database.query(query) == [
        (0, None, MARKER, "SCHEMA", '"app","app2"', None, "postgres", 0, True)
    ]


def test_schema_added_later_is_created_and_recorded(session: Session, facts: ServerFacts) -> None:
    """The history is there already; its rows stay."""
    first = create(session)
    made = engine(HistoryTable(default_schema="public", schemas=("late", "later")))
    row = made.new_row(migration("V1__a.sql"), first.next_rank, facts)
    session.run(made.history_row_sql(first, row))
    found = made.read_history(session, facts)
    assert (found.exists, found.missing_schemas) == (True, ("late", "later"))
    after = made.create_history(session, found, facts)
    assert after.missing_schemas == ()
    assert [(row.installed_rank, row.script) for row in after.rows] == [
        (1, "V1__a.sql"), (2, '"late","later"'),
    ]  # fmt: skip


def test_missing_schema_is_not_created_against_the_settings(
    session: Session, facts: ServerFacts
) -> None:
    """It is named instead, before anything runs."""
    made = engine(HistoryTable(default_schema="app", creates_schemas=False))
    history = made.read_history(session, facts)
    _, findings = made.plan(build_set([migration("V1__a.sql")]), history)
    assert [(item.code, item.message) for item in findings] == [
        (ExitCode.CONFIG, "schema app does not exist")
    ]


def test_adopted_schema_starts_with_a_baseline(
    database: Database, session: Session, facts: ServerFacts
) -> None:
    """Rank one, whatever else was created in the same run."""
    database.execute("CREATE TABLE t (i int)")
    rules = BaselineRules(on_migrate=True, is_allowed=True, version=Version.parse("3"))
    table = HistoryTable(default_schema="public", schemas=("more",), installed_by="me")
    made = engine(table, rules)
    made.create_history(session, made.read_history(session, facts), facts)
    assert database.query(ROWS.format(TABLE)) == [
        (1, "3", BASELINE, "BASELINE", BASELINE, None, "me", 0, True),
        (2, None, MARKER, "SCHEMA", '"more"', None, "me", 0, True),
    ]


def test_table_created_meanwhile_is_taken_as_it_is(session: Session, facts: ServerFacts) -> None:
    """Another migrator was faster, between our look and our statement."""
    made = engine(HistoryTable(default_schema="app"))
    absent = made.read_history(session, facts)
    create(session, HistoryTable(default_schema="app"))
    assert len(made.create_history(session, absent, facts).rows) == 1


def test_name_of_an_index_that_is_taken_is_told(
    database: Database, session: Session, facts: ServerFacts
) -> None:
    """As after a history table was renamed: what belongs to it keeps its names."""
    database.execute("CREATE TABLE old (); CREATE INDEX flyway_schema_history_s_idx ON old ((1))")
    made = engine(HistoryTable(default_schema="public"))
    with pytest.raises(ConfigError, match=r"_history cannot be created: .*_s_idx.* exists"):
        made.create_history(session, made.read_history(session, facts), facts)
    assert not made.read_history(session, facts).exists


def test_history_that_is_complete_costs_nothing_to_create(
    session: Session, facts: ServerFacts
) -> None:
    """Creating is safe to ask for."""
    history = create(session)
    reader = CountingReader(session)
    assert engine().create_history(reader, history, facts) is history
    assert reader.queries == []


def test_tablespace_holds_table_key_and_index(database: Database, session: Session) -> None:
    """All three clauses are accepted by the server."""
    create(session, HistoryTable(tablespace="pg_default"))
    assert database.query(f"SELECT count(*) FROM {TABLE}") == [(0,)]


def test_creation_that_is_refused_leaves_nothing(
    database: Database, make_role: Callable[..., Role], interrupt: Interrupt
) -> None:
    """Schemas and table are one transaction."""
    role = make_role()
    database.execute(f'GRANT CREATE ON DATABASE "{database.name}" TO "{role.name}"')
    database.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")
    made = engine(HistoryTable(default_schema="public", schemas=("more",)))
    with open_session(target_of(database, role), interrupt) as other:
        facts = fetch_server_facts(other)
        absent = made.read_history(other, facts)
        with pytest.raises(DatabaseRejected, match="permission denied for schema public") as caught:
            made.create_history(other, absent, facts)
    refused = caught.value
    assert refused.message.startswith(
        f"public.flyway_schema_history cannot be created: {role.name}"
    )
    assert "CREATE on schema public and on the database, for schema more to the" in refused.hint
    assert database.query("SELECT 1 FROM pg_namespace WHERE nspname = 'more'") == []


def test_row_means_the_same_whatever_the_script_did(
    database: Database, session: Session, facts: ServerFacts
) -> None:
    """Strings and functions do not depend on the session that the script leaves."""
    history = create(session)
    database.execute(HOSTILE)
    made = engine()
    row = made.new_row(migration("V1__back\\slash_'quoted'.sql", -7), 1, facts)
    message = (
        "BEGIN; SET standard_conforming_strings = off; SET search_path = evil, pg_catalog;"
        f" SELECT pg_catalog.pg_sleep(0.05); {made.history_row_sql(history, row)}; COMMIT"
    )
    assert session.run(message).failure is None
    ((rank, version, description, *_, script, checksum, user, duration, success),) = database.query(
        ROWS.format(TABLE)
    )
    assert (rank, version, checksum, user, success) == (1, "1", -7, "postgres", True)
    assert (description, script) == ("back\\slash 'quoted'", "V1__back/slash_'quoted'.sql")
    assert 50 <= duration < 5000
