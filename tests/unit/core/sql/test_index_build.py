"""What builds an index without locking its table, and where it may have failed before."""

from __future__ import annotations

import pytest

from hook.core.sql.index_build import (
    build_lines,
    judge_builds,
    probing_statement,
    read_index_build,
    read_reach,
)
from hook.core.sql.invalid_index import BuildScope, IndexBuild
from hook.core.sql.statement_list import Statement
from hook.core.sql.statements import parse_statements
from hook.errors import ExitCode


def only(text: str) -> Statement:
    """Return the statement that *text* is."""
    (statement,) = parse_statements(text.encode())
    return statement


@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("CREATE INDEX CONCURRENTLY i ON t (a)", IndexBuild(BuildScope.NAMED, "t", "i")),
        (
            'create unique index concurrently /* x */ if not exists "I" on only s . "T" (a)',
            IndexBuild(BuildScope.NAMED, 's."T"', '"I"'),
        ),
        ("CREATE INDEX CONCURRENTLY ON t USING gin (a)", IndexBuild(BuildScope.ON_TABLE, "t")),
        ("REINDEX INDEX CONCURRENTLY s.i", IndexBuild(BuildScope.OF_INDEX, "s.i")),
        ("REINDEX (VERBOSE) TABLE CONCURRENTLY t", IndexBuild(BuildScope.OF_TABLE, "t")),
        ("REINDEX (CONCURRENTLY) TABLE t", IndexBuild(BuildScope.OF_TABLE, "t")),
        ("REINDEX VERBOSE SCHEMA CONCURRENTLY s", IndexBuild(BuildScope.OF_SCHEMA, "s")),
        ("REINDEX DATABASE CONCURRENTLY d", IndexBuild(BuildScope.OF_DATABASE, "d")),
        ("REINDEX DATABASE CONCURRENTLY", IndexBuild(BuildScope.OF_DATABASE, "")),
        ("REINDEX (CONCURRENTLY off) TABLE t", None),
        ("REINDEX TABLE t", None),
        ("REINDEX CONCURRENTLY", None),
        ("CREATE INDEX i ON t (a)", None),
        ("DROP INDEX CONCURRENTLY i", None),
        ("CREATE TABLE concurrently ()", None),
    ],
)
def test_build_is_read(text: str, build: IndexBuild | None) -> None:
    """Names stay as written: the server folds them."""
    assert read_index_build(only(text)) == build


@pytest.mark.parametrize(
    ("text", "reach"),
    [
        ('DROP INDEX CONCURRENTLY s . "I"', IndexBuild(BuildScope.ITSELF, 's."I"')),
        ("drop index concurrently if exists i cascade", IndexBuild(BuildScope.ITSELF, "i")),
        ("CREATE INDEX CONCURRENTLY i ON t (a)", IndexBuild(BuildScope.NAMED, "t", "i")),
        ("DROP INDEX i", None),
        ("DROP TABLE t", None),
    ],
)
def test_next_run_drops_what_it_finds_there(text: str, reach: IndexBuild | None) -> None:
    """An index that was not built to its end, and one that was not dropped to its end."""
    assert read_reach(only(text)) == reach


@pytest.mark.parametrize(
    ("text", "probing"),
    [
        (
            "CREATE INDEX CONCURRENTLY i ON s.t USING btree (a, lower('ä; ')) WHERE b > 0",
            "CREATE INDEX ON pg_temp.presync_probe USING btree (a, lower('ä; ')) WHERE b > 0",
        ),
        (
            "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY t * (a)",
            "CREATE UNIQUE INDEX ON pg_temp.presync_probe (a)",
        ),
        ("CREATE INDEX CONCURRENTLY i ON t", "CREATE INDEX ON pg_temp.presync_probe "),
    ],
)
def test_probe_is_built_in_the_same_way(text: str, probing: str) -> None:
    """All behind the name of the table is as written."""
    assert probing_statement(only(text)) == probing


def test_builds_are_found_by_their_lines() -> None:
    """Others do not count."""
    script = b"VACUUM t;\n\nCREATE INDEX CONCURRENTLY i\n ON t (a);\nREINDEX TABLE CONCURRENTLY t;"
    assert build_lines(parse_statements(script)) == (3, 5)


@pytest.mark.parametrize("version_num", [130015, 140004, 140012, 150000])
def test_servers_that_build_sound_indexes(version_num: int) -> None:
    """Nothing is said of them."""
    assert judge_builds({"V1__i.sql": (3,)}, version_num) == ()


@pytest.mark.parametrize("version_num", [140000, 140003])
def test_servers_that_may_leave_rows_out(version_num: int) -> None:
    """Each script that builds is refused."""
    (finding,) = judge_builds({"V1__i.sql": (3, 5), "V2__t.sql": ()}, version_num)
    assert finding.code is ExitCode.UNSUPPORTED
    assert finding.message == (
        "V1__i.sql:3 builds an index CONCURRENTLY, and PostgreSQL"
        f" 14.{version_num % 100} may leave rows out of it"
    )
    assert "14.4" in finding.hint
