"""The schema history found and read on a real server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from hook.clock import Interrupt
from hook.core.schema_history.history import History
from hook.core.sessions.server import ServerFacts
from hook.errors import ConfigError, DatabaseRejected, ExitCode
from hook.postgres.facts import fetch_server_facts
from hook.postgres.session import Session
from hook.settings.migrations import HistoryTable
from tests.testbed.database import Database, Role
from tests.testbed.history import HOSTILE, TABLE, CountingReader, create, engine
from tests.testbed.release import migration
from tests.testbed.run_context import open_session, target_of


def test_history_of_an_empty_database_is_absent(session: Session, facts: ServerFacts) -> None:
    """Without objects nothing has to be adopted."""
    assert engine().read_history(session, facts) == History(
        "public", "flyway_schema_history", exists=False
    )


def test_history_is_read_in_one_round_trip(
    database: Database, session: Session, facts: ServerFacts
) -> None:
    """The common path costs one query, whatever is in the table."""
    create(session)
    database.execute(
        f"INSERT INTO {TABLE} VALUES"
        " (20, '1.1', 'b', 'SQL', 'V1_1__b.sql', -5, 'joe', '2026-01-02 03:04:05.6', 7, true),"
        " (5, NULL, '', 'SQL', 'R__.sql', NULL, 'joe', '2026-01-02 03:04:05', 0, false),"
        " (-5, '9', 'hidden', 'SQL', 'x', 1, 'joe', now(), 0, true)"
    )
    reader = CountingReader(session)
    history = engine().read_history(reader, facts)
    assert len(reader.queries) == 1
    assert [row.installed_rank for row in history.rows] == [5, 20]
    assert history.next_rank == 21
    first, second = history.rows
    assert (first.version, first.description, first.checksum, first.success) == (
        None,
        "",
        None,
        False,
    )
    assert second.installed_on == "2026-01-02 03:04:05"
    assert (second.version, second.script, second.checksum, second.execution_time) == (
        "1.1", "V1_1__b.sql", -5, 7,
    )  # fmt: skip


def test_empty_table_is_a_history_without_rows(session: Session) -> None:
    """It exists; the next rank is the first."""
    history = create(session)
    assert (history.rows, history.next_rank) == ((), 1)


def test_additional_columns_and_rank_gaps_do_not_matter(
    database: Database, session: Session, facts: ServerFacts
) -> None:
    """As in Flyway, as long as the columns may be empty."""
    create(session)
    database.execute(f"ALTER TABLE {TABLE} ADD COLUMN ticket text DEFAULT 'x'")
    made = engine()
    row = made.new_row(migration("V1__a.sql"), 7, facts)
    history = made.read_history(session, facts)
    assert session.run(made.history_row_sql(history, row)).failure is None
    assert made.read_history(session, facts).next_rank == 8


@pytest.mark.parametrize(
    ("ddl", "reason"),
    [
        (f"CREATE VIEW {TABLE} AS SELECT * FROM h", "is a view, not a table"),
        (f"CREATE MATERIALIZED VIEW {TABLE} AS SELECT * FROM h", "is a materialized view"),
        (
            f"CREATE TABLE {TABLE} (LIKE h) PARTITION BY LIST (success)",
            "is a partitioned table, not a table",
        ),
        (f"CREATE VIEW {TABLE} AS SELECT 1 AS installed_rank", "has not the columns"),
        (f"CREATE TABLE {TABLE} (version text)", "has not the columns"),
        (
            f"ALTER TABLE h DROP COLUMN checksum; ALTER TABLE h RENAME TO {TABLE[7:]}",
            "has not the columns",
        ),
        (f"CREATE SEQUENCE {TABLE}", "has not the columns"),
    ],
)
def test_something_else_under_the_name_is_refused(
    database: Database, session: Session, facts: ServerFacts, ddl: str, reason: str
) -> None:
    """Flyway would take it for absent, and fail to create the table."""
    create(session, HistoryTable(table="h"))
    database.execute(ddl)
    with pytest.raises(ConfigError) as raised:
        engine().read_history(session, facts)
    assert raised.value.exit_code is ExitCode.CONFIG
    assert reason in raised.value.message
    assert '"public"."flyway_schema_history"' in raised.value.message


def test_table_of_somebody_else_needs_a_grant(
    database: Database, session: Session, make_role: Callable[..., Role], interrupt: Interrupt
) -> None:
    """Without it the run is refused by name, and the grant told; SELECT is enough to read."""
    create(session)
    role = make_role()
    with open_session(target_of(database, role), interrupt) as other:
        facts = fetch_server_facts(other)
        with pytest.raises(DatabaseRejected, match="flyway_schema_history") as raised:
            engine().read_history(other, facts)
        needed = 'USAGE on schema public and SELECT on "public"."flyway_schema_history"'
        assert raised.value.hint == f"Grant the role {needed}."
        database.execute(f'GRANT SELECT ON {TABLE} TO "{role.name}"')
        assert engine().read_history(other, facts).exists


@pytest.mark.parametrize(
    ("ddl", "found"),
    [
        ("CREATE TABLE t (i int)", ("table public.t",)),
        ("CREATE VIEW v AS SELECT 1 AS i", ("view public.v",)),
        ("CREATE SEQUENCE s", ("sequence public.s",)),
        ("CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'", ("function public.f",)),
        ("CREATE TYPE e AS ENUM ('a')", ("type public.e",)),
        ("CREATE DOMAIN d AS int", ("type public.d",)),
        ("CREATE TABLE p (i int) PARTITION BY LIST (i)", ()),
        ("CREATE MATERIALIZED VIEW m AS SELECT 1 AS i", ()),
        ("CREATE TYPE c AS (i int)", ()),
        ('CREATE COLLATION c FROM "C"', ()),
        ("CREATE VIEW ev AS SELECT 1 AS i; ALTER EXTENSION plpgsql ADD VIEW ev", ()),
        ("CREATE TABLE presync_run (id int GENERATED ALWAYS AS IDENTITY, at timestamptz)", ()),
        ("CREATE TABLE presync_run (id serial)", ()),
        (
            'CREATE TABLE "B" (); CREATE TABLE a (); CREATE VIEW av AS SELECT 1; CREATE TABLE c ()',
            ('table public."B"', "table public.a", "table public.c"),
        ),
    ],
)  # fmt: skip
def test_schema_is_empty_or_not_as_flyway_sees_it(
    database: Database, session: Session, facts: ServerFacts, ddl: str, found: tuple[str, ...]
) -> None:
    """Flyway's definition, and presync's own table does not count."""
    database.execute(ddl)
    assert engine().read_history(session, facts).existing_objects == found


def test_reading_does_not_depend_on_the_sessions_settings(
    database: Database, session: Session, facts: ServerFacts
) -> None:
    """Date style, search path and strings belong to the role, not to us."""
    create(session)
    database.execute(
        f"INSERT INTO {TABLE} VALUES"
        " (1, '1', 'a', 'SQL', 'x', 1, 'j', '2026-02-01 03:04:05', 0, true)"
    )
    database.execute(HOSTILE)
    session.fetch("SET datestyle = 'German'")
    session.fetch("SET search_path = evil")
    session.fetch("SET standard_conforming_strings = off")
    made = engine(HistoryTable(default_schema="public"))
    assert made.read_history(session, facts).rows[0].installed_on == "2026-02-01 03:04:05"


def test_history_follows_the_search_path_of_the_role(
    database: Database, make_role: Callable[..., Role], interrupt: Interrupt
) -> None:
    """Without a setting the history is in the current schema."""
    role = make_role()
    database.execute(f'CREATE SCHEMA app AUTHORIZATION "{role.name}"')
    database.execute(f'ALTER ROLE "{role.name}" SET search_path = nowhere, app, public')
    with open_session(target_of(database, role), interrupt) as other:
        facts = fetch_server_facts(other)
        assert engine().read_history(other, facts).schema == "app"


@pytest.mark.parametrize("path", ["''", '"$user"', "nowhere, neither"])
def test_path_that_names_no_schema_is_refused(
    database: Database, make_role: Callable[..., Role], interrupt: Interrupt, path: str
) -> None:
    """The empty one is what a careful administrator gives every role."""
    role = make_role()
    database.execute(f'ALTER ROLE "{role.name}" SET search_path = {path}')
    with open_session(target_of(database, role), interrupt) as other:
        facts = fetch_server_facts(other)
        with pytest.raises(ConfigError, match="names no schema") as caught:
            engine().read_history(other, facts)
        assert "Set FLYWAY_DEFAULT_SCHEMA" in caught.value.hint
        made = engine(HistoryTable(default_schema="public"))
        assert made.read_history(other, facts).schema == "public"
