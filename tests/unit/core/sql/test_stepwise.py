"""Which scripts without transaction can be gone on with behind any of their statements."""

from __future__ import annotations

import pytest

from hook.core.sql.statement_list import Statement
from hook.core.sql.statements import parse_statements
from hook.core.sql.stepwise import (
    is_begun_alone,
    is_held,
    is_noted_around,
    is_of_session,
    is_watched,
    leaves_in_session,
    tells_of_first,
    why_not_stepwise,
)


def only(sql: str) -> Statement:
    """Return the single statement of *sql*."""
    (statement,) = parse_statements(sql.encode())
    return statement


@pytest.mark.parametrize(
    ("sql", "traits"),
    [
        ("INSERT INTO t VALUES (1)", ["held"]),
        ("WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", ["held"]),
        ("WITH a AS (SELECT f()) SELECT * FROM a", ["held", "leaving"]),
        ("COPY t FROM stdin;\n1\n\\.\n", ["held"]),
        ("COPY t TO PROGRAM 'mail'", ["begun"]),
        ("ALTER TYPE mood ADD VALUE 'x'", ["held"]),
        ("ALTER TABLE t DETACH PARTITION p CONCURRENTLY", ["begun"]),
        ("ALTER ROLE me SET search_path = x", ["begun"]),
        ("ALTER DATABASE d SET role = x", ["begun"]),
        ("CREATE TABLE t ()", ["held"]),
        ("CREATE ROLE r", ["held"]),
        ("CREATE TEMP TABLE t ()", ["held", "leaving"]),
        ("CREATE OR REPLACE LOCAL TEMPORARY VIEW v AS SELECT 1", ["held", "leaving"]),
        ("CREATE INDEX CONCURRENTLY i ON t (id)", []),
        ("CREATE DATABASE d", ["begun", "leaving", "around"]),
        ("DROP INDEX i", ["held"]),
        ("DROP INDEX CONCURRENTLY i", ["begun"]),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY v", ["held"]),
        ("VACUUM t", []),
        ("SET lock_timeout = 0", ["session"]),
        ("RESET ALL", ["session"]),
        ("SHOW lock_timeout", ["session"]),
        ("SELECT f()", ["held", "leaving"]),
        ("EXECUTE p", ["held", "leaving"]),
        ("PREPARE TRANSACTION 'p'", ["begun"]),
        ("DO $$BEGIN END$$", ["held", "leaving"]),
        ("DO LANGUAGE plpgsql $$BEGIN END$$", ["held", "leaving"]),
        ("DO $$$$ LANGUAGE plperl", ["begun"]),
        ("DO $$BEGIN COMMIT; END$$", ["begun", "leaving", "around"]),
        ("DO $$BEGIN CALL p(); END$$", ["begun", "leaving", "around"]),
        ("CALL p()", ["begun", "leaving", "around"]),
        ("LOCK TABLE t", ["begun"]),
    ],
)
def test_statement_is_noted_with_its_effect_or_needs_no_note(sql: str, traits: list[str]) -> None:
    """What is neither, nor for the session alone, matters as soon as it is begun."""
    statement = only(sql)
    found = {
        "held": is_held(statement),
        "session": is_of_session(statement),
        "begun": is_begun_alone(statement),
        "leaving": leaves_in_session(statement),
        "around": is_noted_around(statement),
    }
    assert [trait for trait, is_found in found.items() if is_found] == traits


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("INSERT INTO t VALUES (1);\nCREATE INDEX CONCURRENTLY i ON t (id);\nVACUUM t", ""),
        ("SET a = 1;\nDROP INDEX CONCURRENTLY i;\nUPDATE t SET a = 2;\nRESET a", ""),
        ("CREATE TABLE t ();\nSELECT f();\nSET a.b = 1;\nCALL p();\nCREATE TEMP TABLE u ()", ""),
        ("CREATE INDEX CONCURRENTLY ON t (id)", ""),
        ("DO $$$$ LANGUAGE plperl", "line 1, DO $$$$ LANGUAGE plperl, may do more"),
        ("LOCK TABLE t", "line 1, LOCK TABLE t, may do more than can be noted"),
        ("ALTER ROLE me SET role = x", "line 1, ALTER ROLE me SET role = x, may do more"),
        ("CREATE EXTENSION e;\nINSERT INTO t VALUES (1)", ""),
        (
            "SELECT f();\nCREATE EXTENSION e",
            "line 2, CREATE EXTENSION e, says CREATE EXTENSION, which the server does not tell",
        ),
        ("DO $$BEGIN SET a.b = 1; END$$", "line 1, DO $$BEGIN SET a.b = 1; END$$, says SET a., "),
        ("BEGIN;\nINSERT INTO t VALUES (1);\nCOMMIT", "line 1, BEGIN, may do more"),
        ("SAVEPOINT a", "line 1, SAVEPOINT a, may do more"),
        ("DISCARD ALL", "line 1, DISCARD ALL, may do more"),
        ("SET ROLE x", "line 1, SET ROLE x, may do more"),
        ("SET SESSION AUTHORIZATION x", "line 1, SET SESSION AUTHORIZATION x, may do more"),
        ("SET session_authorization = x", "line 1, SET session_authorization = x, may do more"),
        ('SET "Role" = x', 'line 1, SET "Role" = x, may do more'),
        ("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", "line 1, SET SESSION CHAR"),
        ("SET default_transaction_read_only = on", "line 1, SET default_transaction_read_only"),
        (
            "INSERT INTO t VALUES (1);\nINSERT INTO u VALUES (currval('s'))",
            "line 2, INSERT INTO u VALUES (currval('s')), uses currval, which is of one session",
        ),
        ("CREATE TABLE pg_temp.t ()", "line 1, CREATE TABLE pg_temp.t (), uses pg_temp, which"),
        (
            "INSERT INTO t SELECT pg_try_advisory_lock(1)",
            "line 1, INSERT INTO t SELECT pg_try_advisory_lock(1), uses pg_try_advisory_lock",
        ),
        ("VACUUM t;\n" * 1001, "it has more than 1000 statements"),
    ],
)
def test_script_is_stepwise_unless_the_next_session_lacks_something(sql: str, why: str) -> None:
    """The first statement that stands against it is named."""
    told = why_not_stepwise(parse_statements(sql.encode()))
    assert told.startswith(why)
    assert bool(told) is bool(why)


@pytest.mark.parametrize(
    ("sql", "is_told"),
    [
        ("INSERT INTO t VALUES (1)", True),
        ("SET a = 1;\nSHOW a;\nINSERT INTO t VALUES (1);\nVACUUM t", True),
        ("CREATE INDEX CONCURRENTLY i ON t (id);\nINSERT INTO t VALUES (1)", False),
        ("SET a = 1;\nDROP INDEX CONCURRENTLY i", False),
        ("SET a = 1", False),
    ],
)
def test_note_tells_of_the_first_statement_that_changes_something(
    sql: str,
    is_told: bool,  # noqa: FBT001 - a parameter
) -> None:
    """If it goes in one transaction with its note."""
    assert tells_of_first(parse_statements(sql.encode())) is is_told


@pytest.mark.parametrize(
    ("sql", "is_asked"),
    [
        ("SET a.b = 1;\nINSERT INTO t VALUES (1);\nCREATE INDEX CONCURRENTLY i ON t (id)", False),
        ("WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x;\nVACUUM t", False),
        ("INSERT INTO t VALUES (1);\nSELECT f()", True),
    ],
)
def test_session_is_asked_only_for_scripts_that_may_leave_something(
    sql: str, *, is_asked: bool
) -> None:
    """All others are noted in as few words as before."""
    assert is_watched(parse_statements(sql.encode())) is is_asked
