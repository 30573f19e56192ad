"""The order of a script's statements and of the callbacks around it."""

from __future__ import annotations

import pytest

from hook.core.execution.callback_book import (
    CallbackBook,
    EachCallbacks,
    PreparedCallback,
    misfits,
    prepare_callback,
)
from hook.core.execution.script_program import Program, steps_in_transaction
from hook.core.scripts.callback import Callback
from hook.core.sql.statements import parse_statements
from tests.testbed.release import migration, prepared_script


def prepared(event: str, text: str, *, in_transaction: bool | None = None) -> PreparedCallback:
    """Return the callback of *event* with *text*."""
    found = Callback(event, "", f"{event}.sql", "", in_transaction=in_transaction)
    return prepare_callback(found, parse_statements(text.encode()), allows_mixed=False)


EACH = EachCallbacks(
    before=(prepared("beforeEachMigrate", "SELECT 'b1'; SELECT 'b2'"),),
    before_statement=(prepared("beforeEachMigrateStatement", "SELECT 's'"),),
    after_statement=(prepared("afterEachMigrateStatement", "SET x.y = 1"),),
    after=(prepared("afterEachMigrate", "SELECT 'a'"), prepared("afterEachMigrate", "-- none")),
)
SCRIPT = parse_statements(b"SELECT 1;\nSELECT 2")


def test_transaction_has_as_few_steps_as_there_are_changes_of_file() -> None:
    """Whole files where nothing comes between their statements; empty ones are left out."""
    around = EachCallbacks(before=EACH.before, after=EACH.after)
    steps = list(steps_in_transaction(SCRIPT, around))
    assert [len(step.statements) for step in steps] == [2, 2, 1]
    steps = list(steps_in_transaction(SCRIPT, EACH))
    names = [step.callback.event if step.callback else "" for step in steps]
    assert names == [
        "beforeEachMigrate",
        "beforeEachMigrateStatement", "", "afterEachMigrateStatement",
        "beforeEachMigrateStatement", "", "afterEachMigrateStatement",
        "afterEachMigrate",
    ]  # fmt: skip


def test_program_may_be_repeated_as_far_as_each_of_its_statements_may() -> None:
    """One of them that may not is enough."""
    program = Program.of(parse_statements(b"VACUUM t;\nINSERT INTO t VALUES (1)"), None)
    assert [program.may_repeat(done) for done in range(3)] == [True, True, False]


def test_program_counts_every_single_statement() -> None:
    """The order is that of a script in a transaction."""
    program = Program.of(SCRIPT, EACH)
    texts = [program.statement(at).text for at in range(len(program))]
    once = ["SELECT 's'", "SELECT 1", "SET x.y = 1", "SELECT 's'", "SELECT 2", "SET x.y = 1"]
    assert texts == ["SELECT 'b1'", "SELECT 'b2'", *once, "SELECT 'a'"]


@pytest.mark.parametrize(
    ("done", "line", "callbacks"),
    [
        (0, 0, ()),
        (1, 0, ("beforeEachMigrate.sql",)),
        (3, 0, ("beforeEachMigrate.sql", "beforeEachMigrateStatement.sql")),
        (4, 1, ("beforeEachMigrate.sql", "beforeEachMigrateStatement.sql")),
        (7, 2, ("beforeEachMigrate.sql", "beforeEachMigrateStatement.sql")),
        (9, 2, ("beforeEachMigrate.sql", "beforeEachMigrateStatement.sql", "afterEachMigrate.sql")),
    ],
)
def test_program_knows_what_its_first_steps_did(
    done: int, line: int, callbacks: tuple[str, ...]
) -> None:
    """Lines of the script; names of callbacks that did more than SET something."""
    assert Program.of(SCRIPT, EACH).settled(done) == (line, callbacks)


def test_program_without_callbacks_is_the_script() -> None:
    """Nothing comes in between."""
    program = Program.of(SCRIPT, None)
    assert [program.statement(at).text for at in range(len(program))] == ["SELECT 1", "SELECT 2"]
    assert program.settled(1) == (1, ())


def test_misfits_are_told_before_the_migration_runs() -> None:
    """Only where a transaction is; what a .conf says does not count, as in Flyway."""
    vacuum = prepared("afterEachMigrate", "VACUUM t", in_transaction=True)
    commit = prepared("beforeEachMigrate", "SELECT 1;\nCOMMIT")
    fine = prepared("afterEachMigrateStatement", "SELECT 1", in_transaction=False)
    alone = prepared("afterMigrate", "VACUUM t")
    book = CallbackBook((vacuum, commit, fine, alone))
    inside = prepared_script(migration("V1__a.sql"), b"SELECT 1")
    outside = prepared_script(migration("V2__b.sql"), b"VACUUM t")
    assert misfits(book, [outside]) == ()
    first, second = misfits(book, [outside, inside])
    assert first.startswith("beforeEachMigrate.sql:1: the script manages its own transactions")
    assert second == (
        "afterEachMigrate.sql:1: VACUUM cannot run in a transaction, and it runs in the"
        " transaction of V1__a.sql"
    )


def test_book_without_callbacks_around_migrations_has_none() -> None:
    """So that the script goes to the server in one message."""
    assert CallbackBook((prepared("afterMigrate", "SELECT 1"),)).each is None
    assert CallbackBook().each is None


def test_script_without_statements_leaves_only_its_callbacks() -> None:
    """Flyway records an empty script, and runs what is around it."""
    each = EachCallbacks(before=EACH.before, after=EACH.after[:1])
    steps = list(steps_in_transaction(SCRIPT[:0], each))
    assert [step.callback.script for step in steps if step.callback] == [
        "beforeEachMigrate.sql",
        "afterEachMigrate.sql",
    ]


def test_nothing_is_noted_of_a_script_with_callbacks_between_its_statements() -> None:
    """Nobody could tell which of the two was the last one; other callbacks do not matter."""
    alone = migration("V1__a.sql")._replace(in_transaction=False)
    noted = prepared_script(alone, b"INSERT INTO t VALUES (1)")
    index = prepared_script(alone, b"CREATE INDEX CONCURRENTLY i ON t (id)")
    assert CallbackBook((prepared("afterMigrate", "SELECT 1"),)).beside([noted]) == (noted,)
    told, same = CallbackBook((prepared("afterEachMigrate", "SELECT 1"),)).beside([noted, index])
    assert (told.text, told.unnoted) == ("", "callbacks run around its statements")
    assert same is index
