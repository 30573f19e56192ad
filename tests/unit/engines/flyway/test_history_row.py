"""Rows of the schema history as SQL text."""

from __future__ import annotations

from hook.engines.flyway.history_row import (
    render_check,
    render_insert,
    row_of_created_schemas,
    row_of_migration,
)
from tests.testbed.release import migration

COLUMNS = (
    'INSERT INTO "s"."t" ("installed_rank", "version", "description", "type", "script",'
    ' "checksum", "installed_by", "execution_time", "success") VALUES '
)


def test_row_is_written_as_flyway_writes_it() -> None:
    """Column by column; times are whole milliseconds."""
    row = row_of_migration(migration("sub/V001_3__it's_done.sql", -5), 4, "o'neil")
    assert render_insert('"s"."t"', row._replace(execution_time=12)) == COLUMNS + (
        "(4, '001.3', 'it''s done', 'SQL', 'sub/V001_3__it''s_done.sql', -5, 'o''neil', 12, TRUE)"
    )
    failed = row._replace(execution_time=12, success=False)
    assert render_insert('"s"."t"', failed).endswith(", 12, FALSE)")


def test_row_of_a_repeatable_has_no_version() -> None:
    """Its description may be empty."""
    row = row_of_migration(migration("R__.sql"), 1, "app")
    assert "(1, NULL, '', 'SQL', 'R__.sql', 1, 'app', (" in render_insert('"s"."t"', row)


def test_row_adds_what_ran_in_front_of_the_script() -> None:
    """To the time that the server measures; a time that is known has it already."""
    row = row_of_migration(migration("R__x.sql"), 3, "app")._replace(preceding_ms=70)
    assert " OPERATOR(pg_catalog.+) 70), TRUE)" in render_insert('"s"."t"', row)
    grouped = render_insert('"s"."t"', row._replace(first_rank=2))
    assert " OPERATOR(pg_catalog.+) 70) OPERATOR(pg_catalog.-) (SELECT" in grouped
    assert "70" not in render_insert('"s"."t"', row._replace(execution_time=12))


def test_row_is_read_back_by_what_makes_it_the_one_of_its_script() -> None:
    """Not by its rank, which a trigger may set; the division fails where it is missing."""
    row = row_of_migration(migration("V2__it's.sql", -5), 3, "app")
    assert render_check('"s"."t"', row) == (
        'SELECT 1 OPERATOR(pg_catalog./) pg_catalog.count(*) FROM "s"."t" AS h'
        ' WHERE h."installed_rank" OPERATOR(pg_catalog.>=) 3'
        ' AND h."installed_rank" OPERATOR(pg_catalog.<=) 2147483647'
        " AND h.\"version\"::pg_catalog.text OPERATOR(pg_catalog.=) '2'"
        " AND h.\"description\"::pg_catalog.text OPERATOR(pg_catalog.=) 'it''s'"
        " AND h.\"checksum\"::pg_catalog.text OPERATOR(pg_catalog.=) '-5'"
        ' AND h."success" IS TRUE'
    )
    repeatable = row_of_migration(migration("R__x.sql"), 3, "app")._replace(checksum=None)
    failed = render_check('"s"."t"', repeatable._replace(success=False))
    assert ' AND h."version" IS NULL AND ' in failed
    assert failed.endswith(' AND h."checksum" IS NULL AND h."success" IS FALSE')


def test_row_of_a_baseline_script_has_its_own_type() -> None:
    """The type that free editions of Flyway read."""
    row = row_of_migration(migration("B2__x.sql"), 1, "app")
    assert row.type == "SQL_BASELINE"


def test_row_of_created_schemas_lists_them_quoted() -> None:
    """As Flyway's marker, without blanks."""
    row = row_of_created_schemas(("app", 'a"b'), 0, "joe")
    assert render_insert('"s"."t"', row) == COLUMNS + (
        "(0, NULL, '<< Flyway Schema Creation >>', 'SCHEMA', '\"app\",\"a\"\"b\"', NULL, 'joe',"
        " 0, TRUE)"
    )


def test_backslash_in_a_path_is_written_as_flyway_writes_it() -> None:
    """As a slash; the description keeps its own."""
    row = row_of_migration(migration("sub/V1__a\\b.sql"), 1, "app")
    assert (row.script, row.description) == ("sub/V1__a/b.sql", "a\\b")


def test_long_texts_are_abbreviated_to_fit() -> None:
    """A description loses its end, a path its beginning."""
    row = row_of_migration(migration(f"{'y' * 1000}/V1__{'x' * 230}.sql"), 1, "app")
    written = render_insert('"s"."t"', row)
    assert f"'{'x' * 197}...'" in written
    assert f"'...{'y' * (997 - 239)}/V1__" in written
