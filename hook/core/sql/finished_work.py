"""What the finished statements of a script without transaction have left, by name."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hook.core.sql.leftovers import changes_nothing, is_only_work
from hook.core.sql.statement_list import Statement, StatementList
from hook.core.sql.token_cursor import TokenCursor
from hook.core.text import counted

_LISTED = 3
_MODIFIERS = ("FOREIGN", "GLOBAL", "LOCAL", "MATERIALIZED", "RECURSIVE", "UNIQUE", "UNLOGGED")
_TOLD = ("FOREIGN", "MATERIALIZED")
_KINDS = (
    *("COLLATION", "DATABASE", "DOMAIN", "EXTENSION", "FUNCTION", "INDEX", "PROCEDURE"),
    *("PUBLICATION", "ROLE", "SCHEMA", "SEQUENCE", "STATISTICS", "SUBSCRIPTION", "TABLE"),
    *("TABLESPACE", "TYPE", "VIEW"),
)
_VERBS = {"ALTER": "altered ", "CREATE": "", "DROP": "dropped "}
# Whoever rolls back a part has not left all that is in the script.
_TAKES_BACK = frozenset({"ABORT", "ROLLBACK"})
# No object is called so: the words begin the rest of a statement that names none.
_RESERVED = frozenset({"ALL", "AUTHORIZATION"})


def finished_work(statements: StatementList, done: int) -> tuple[str, ...]:
    """Name what the first *done* statements have left, nothing when none of it has a name.

    Few are named one by one, of many the first and the last one.
    """
    named: list[str] = []
    unnamed_line = 0
    for statement in statements[:done]:
        if statement.head in _TAKES_BACK and statement.words(2)[1:] != ("PREPARED",):
            return ()
        if changes_nothing(statement) or is_only_work(statement):
            continue
        found = tuple(_objects(statement))
        named += found
        unnamed_line = unnamed_line if found else statement.end_line
    if not named:
        return ()
    rest = (f"all else up to line {unnamed_line}",) if unnamed_line else ()
    return (*_few(named), *rest)


def _few(named: Sequence[str]) -> tuple[str, ...]:
    if len(named) <= _LISTED:
        return tuple(named)
    return (f"{counted(len(named), 'object')}: {named[0]} … {named[-1]}",)


def _objects(statement: Statement) -> Iterator[str]:
    """Yield each object that *statement* creates, alters or drops, with its line."""
    verb = _VERBS.get(statement.head)
    if verb is None:
        return
    cursor = TokenCursor(statement.tokens())
    cursor.take()
    replaces = cursor.accept("OR", "REPLACE")
    told: list[str] = []
    while word := cursor.accept_any(*_MODIFIERS):
        told += [word.lower()] if word in _TOLD else []
    kind = cursor.accept_any(*_KINDS)
    cursor.accept("CONCURRENTLY")
    # The name may have been taken before, or by nobody.
    is_new = cursor.accept("IF", "NOT", "EXISTS")
    is_there = cursor.accept("IF", "EXISTS")
    place = f"line {statement.line}"
    for is_doubtful, doubt in ((replaces, "new or replaced"), (is_new, "if new")):
        place += f", {doubt}" if is_doubtful else ""
    place += ", if it was there" if is_there else ""
    label = " ".join((*told, kind.lower()))
    for name in _names(cursor, statement.head) if kind else ():
        yield f"{verb}{label} {name} ({place})"


def _names(cursor: TokenCursor, head: str) -> Iterator[str]:
    if cursor.accept("ON"):  # the server names the index
        yield f"on {cursor.relation()}"
        return
    while cursor.word() not in _RESERVED and (name := cursor.relation()):
        yield name
        cursor.group()  # the arguments of a function
        if head != "DROP" or not cursor.accept(","):
            return
