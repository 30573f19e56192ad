"""How a pending script will run."""

from __future__ import annotations

import pytest

from hook.core.execution.callback_book import prepare_callback
from hook.core.execution.plan_view import describe_callback, describe_script
from hook.core.execution.prepared import prepare_script
from hook.core.scripts.callback import Callback
from hook.core.sql.lexer import SqlSyntaxError
from hook.core.sql.statements import parse_statements
from tests.testbed.release import migration, parse_script, prepared_script

SCRIPT = migration("V2__x.sql")
WRAPPED = "BEGIN;\nSELECT 1;\nCOMMIT;"
MANAGED = "BEGIN;\nSELECT 1;\nCOMMIT;\nSELECT 2;"
ALONE = "CREATE INDEX CONCURRENTLY i ON t (id)"
CONFIGURED = {"": None, "true": True, "false": False}
MIXED = f"SELECT 1;\n\n{ALONE}"


@pytest.mark.parametrize(
    ("sql", "conf", "how", "heads"),
    [
        ("SELECT 1; SELECT 2", "", "one", ["SELECT", "SELECT"]),
        ("-- nothing", "", "one", []),
        (WRAPPED, "", "one", ["SELECT"]),
        (WRAPPED, "true", "one", ["SELECT"]),
        (WRAPPED, "false", "none", ["BEGIN", "SELECT", "COMMIT"]),
        (MANAGED, "", "none", ["BEGIN", "SELECT", "COMMIT", "SELECT"]),
        (MANAGED, "true", "none", ["BEGIN", "SELECT", "COMMIT", "SELECT"]),
        (ALONE, "", "none", ["CREATE"]),
        (ALONE, "true", "one", ["CREATE"]),
        (MIXED, "true", "one", ["SELECT", "CREATE"]),
        (MIXED, "false", "none", ["SELECT", "CREATE"]),
    ],
)
def test_script_runs_as_its_statements_and_its_configuration_say(
    sql: str, conf: str, how: str, heads: list[str]
) -> None:
    """A wrapper goes where there is a transaction anyway, and stays where there is none."""
    script = SCRIPT._replace(in_transaction=CONFIGURED[conf])
    parsed = parse_script(script, sql.encode(), allows_mixed=False)
    assert parsed.in_transaction is (how == "one")
    assert [item.head for item in parsed.body] == heads
    assert bool(parsed.reason) is not parsed.in_transaction


@pytest.mark.parametrize(
    ("sql", "runs_once"),
    [
        ("UPDATE t SET i = i + 1", False),
        (f"{ALONE}; DROP INDEX CONCURRENTLY IF EXISTS j", False),
        (f"{ALONE}; DROP INDEX CONCURRENTLY j", True),
        (MANAGED, True),
    ],
)
def test_script_runs_once_that_may_have_done_something_for_good(
    sql: str,
    runs_once: bool,  # noqa: FBT001 - a parameter
) -> None:
    """A transaction leaves nothing behind, nor does an index that is dropped and built again."""
    assert prepared_script(SCRIPT, sql.encode()).runs_once is runs_once


def test_mixed_script_is_refused_at_its_line() -> None:
    """The line is that of the statement that does not fit."""
    with pytest.raises(SqlSyntaxError) as caught:
        parse_script(SCRIPT, MIXED.encode(), allows_mixed=False)
    assert caught.value.line == 3
    assert caught.value.problem == (
        "CREATE INDEX CONCURRENTLY cannot run in a transaction and needs a script of its own:"
        f" {ALONE}"
    )
    with pytest.raises(SqlSyntaxError, match=r"line 2: .* of its own, without SELECT 1"):
        parse_script(SCRIPT, f"{ALONE};\nSELECT 1".encode(), allows_mixed=False)
    assert not parse_script(SCRIPT, MIXED.encode(), allows_mixed=True).in_transaction


def test_rollback_of_what_no_begin_has_begun_is_refused() -> None:
    """Unless the configuration says that there is no transaction around it anyway."""
    text = b"CREATE TABLE a ();\nROLLBACK"
    with pytest.raises(SqlSyntaxError, match=r"^line 2: ROLLBACK of what no BEGIN in the script"):
        parse_script(SCRIPT, text, allows_mixed=False)
    alone = SCRIPT._replace(in_transaction=False)
    assert not parse_script(alone, text, allows_mixed=False).in_transaction


def test_plan_tells_how_a_script_runs_and_what_it_locks() -> None:
    """One line for people, fields for machines."""
    prepared = prepared_script(SCRIPT, b"\nALTER TABLE t ADD x int")
    finding = describe_script(prepared)
    assert prepared.head_line == 2
    assert finding.message == "V2__x.sql: 1 statement in one transaction"
    lock = {"relation": "t", "mode": "AccessExclusiveLock", "target": "relation"}
    assert finding.facts["locks"] == [lock]
    alone = describe_script(prepared_script(SCRIPT, ALONE.encode()))
    assert alone.message.startswith("V2__x.sql: 1 statement without transaction: CREATE INDEX")
    assert alone.facts["transactional"] is False
    block = describe_script(prepared_script(SCRIPT, b"\nDO $$ BEGIN END $$"))
    assert (block.facts["locks"], block.facts["unforeseen"]) == ([], ["V2__x.sql:2"])


@pytest.mark.parametrize(
    ("event", "text", "how"),
    [
        ("beforeEachMigrate", b"SELECT 1", "1 statement with each migration"),
        ("afterMigrate", b"SELECT 1", "1 statement at afterMigrate, in a transaction of its own"),
        ("afterMigrate", b"VACUUM", "1 statement at afterMigrate, without transaction: "),
    ],
)
def test_callback_is_described_by_when_and_how_it_runs(event: str, text: bytes, how: str) -> None:
    """As scripts are."""
    found = Callback(event, "", f"{event}.sql", "")
    prepared = prepare_callback(found, parse_statements(text), allows_mixed=False)
    finding = describe_callback(prepared)
    assert finding.message.startswith(f"callback {event}.sql: {how}")
    assert finding.facts["callback"] == event


@pytest.mark.parametrize(
    ("sql", "is_noted", "unnoted"),
    [
        ("INSERT INTO t VALUES (1)", True, ""),
        ("INSERT INTO t VALUES (1); SELECT f()", True, ""),
        ("INSERT INTO t VALUES (1); LISTEN l", False, "line 1, LISTEN l, may do more"),
        ("DROP INDEX CONCURRENTLY i", True, ""),
        ("DROP INDEX CONCURRENTLY i; DROP INDEX CONCURRENTLY j", True, ""),
        ("CREATE INDEX CONCURRENTLY i ON t (id); VACUUM t", False, ""),
    ],
)
def test_script_is_noted_whose_statements_must_not_simply_run_again(
    sql: str,
    is_noted: bool,  # noqa: FBT001 - a parameter
    unnoted: str,
) -> None:
    """Of one that may be refused as done it is noted whether there was anything to do."""
    script = prepared_script(SCRIPT._replace(in_transaction=False), sql.encode())
    assert bool(script.text) is is_noted
    assert script.unnoted.startswith(unnoted)
    assert bool(script.unnoted) is bool(unnoted)


def test_note_is_of_a_script_as_it_is_cut() -> None:
    """Another version of presync may count other statements in the same text."""
    script = SCRIPT._replace(in_transaction=False)
    parsed = parse_script(script, b"INSERT INTO t VALUES (1); DELETE FROM t", allows_mixed=False)
    fewer = parsed._replace(body=parsed.body[1:])
    assert prepare_script(script, parsed).text != prepare_script(script, fewer).text
