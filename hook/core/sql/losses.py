"""Which statements destroy data, told by their words alone.

What a DO block, a function, a trigger, a rule or a foreign key does is not in the words, and
neither is the type that a column had before: there `alter-type` errs towards a loss. What is
only computed from other data (a materialized view, an index) is none; what the release has
created itself, see `Creations`, neither.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import NamedTuple

from hook.core.sql.alter_losses import alter_losses
from hook.core.sql.creations import Creations, Name, behind_head, name_of, relation_of
from hook.core.sql.loss_rule import Losses, LossRule
from hook.core.sql.partition_refusals import PARTITIONED_TABLE
from hook.core.sql.statement_list import Statement, StatementList
from hook.core.sql.summary import summarize
from hook.core.sql.token_cursor import TokenCursor
from hook.core.sql.write_losses import (
    explain_losses,
    may_write,
    merge_losses,
    nested_losses,
    query_losses,
    write_losses,
)


class Loss(NamedTuple):
    """A statement that destroys data; *line* is 1-based, *statement* its head on one line."""

    rule: LossRule
    line: int
    statement: str


_SUMMARY = 60
_HEADS = (
    *("ABORT", "ALTER", "CALL", "COPY", "CREATE", "DELETE", "DISCARD", "DO", "DROP", "EXPLAIN"),
    *("MERGE", "PREPARE", "RESET", "ROLLBACK", "SELECT", "SET", "TRUNCATE", "UPDATE", "WITH"),
)
_LOOKED_AT = re.compile(rb"\(|(?:%s)\b" % "|".join(_HEADS).encode(), re.IGNORECASE)
_MAY_MOVE_PATH = re.compile(
    rb"search_path|set_config|\b(?:schema|role|authorization|all)\b", re.IGNORECASE
)
# Where a path does not name it, it comes first.
_TEMPORARY = re.compile(rb"pg_temp", re.IGNORECASE)
_LITERAL = re.compile(r"['$]")
_PARTITIONS = re.compile(
    rb"(?:\)|\bDEFAULT)\s*PARTITION\s+BY\s+(?:RANGE|LIST|HASH)\b", re.IGNORECASE
)
_DROPPED = ("TABLE", "SEQUENCE", "SCHEMA", "DATABASE", "OWNED", "EXTENSION")
_DROPPED_WITH_USERS = ("TYPE", "DOMAIN", "COLLATION", "ACCESS")


def find_losses(statements: StatementList, made: Creations) -> tuple[Loss, ...]:
    """Return what the *statements* of one script destroy; *made* is what was created before.

    What they create is added to *made*. Statements that neither create nor destroy cost
    next to nothing: a dump may have a hundred thousand of them.
    """
    made.begin_script()
    found: list[Loss] = []
    for statement in statements.starting(_LOOKED_AT):
        rules: dict[LossRule, None] = {}
        for rule in _RULES[statement.head](statement, made):
            rules[rule] = None
            # What is destroyed may have been copied into what is new.
            made.forget_lasting()
        found += (Loss(rule, statement.line, _head_of(statement)) for rule in rules)
    return tuple(found)


def _head_of(statement: Statement) -> str:
    """Return the head of *statement* up to its first literal, which may be somebody's data."""
    head, *rest = _LITERAL.split(summarize(statement, _SUMMARY), maxsplit=1)
    return f"{head}…" if rest else head


def _names(cursor: TokenCursor) -> list[Name]:
    found = [name_of(cursor)]
    while cursor.accept(","):
        found.append(name_of(cursor))
    return found


def _create(statement: Statement, made: Creations) -> Losses:
    cursor = behind_head(statement)
    modifiers: list[str] = []
    while word := cursor.accept_any("GLOBAL", "LOCAL", "TEMP", "TEMPORARY", "UNLOGGED"):
        modifiers.append(word)
    kind = cursor.accept_any("TABLE", "SEQUENCE", "SCHEMA")
    # One that IF NOT EXISTS has spared is not new.
    is_spared = cursor.accept("IF", "NOT", "EXISTS")
    name = name_of(cursor)
    is_temporary = not {"TEMP", "TEMPORARY"}.isdisjoint(modifiers)
    is_read = kind == "TABLE" and (is_temporary or may_write(statement))
    following = cursor.seek("ON", "AS") if is_read else ""
    # Nothing tells whether a transaction is open: without one it is gone at once.
    is_gone = following == "ON" and cursor.accept("COMMIT", "DROP")
    if kind and not is_spared and not is_gone:
        if is_temporary:
            made.add_temporary(name)
        else:
            made.add(kind, name)
            if _PARTITIONS.search(statement.source.sql, statement.start, statement.end):
                made.add(PARTITIONED_TABLE, name)
    if following == "AS" or (following and cursor.seek("AS")):
        yield from nested_losses(cursor, made)


def _drop(statement: Statement, made: Creations) -> Losses:
    cursor = behind_head(statement)
    kind = cursor.accept_any(*_DROPPED, *_DROPPED_WITH_USERS)
    cursor.accept_any("METHOD")
    cursor.accept("IF", "EXISTS")
    names = _names(cursor)
    cascades = cursor.word() == "CASCADE"
    if kind in {"DATABASE", "OWNED", "EXTENSION"}:
        yield LossRule(f"drop-{kind.lower()}")
    elif kind in _DROPPED_WITH_USERS and cascades:
        yield LossRule.DROP_CASCADE
    elif kind in {"TABLE", "SEQUENCE"} or (kind == "SCHEMA" and cascades):
        is_new = made.has_table if kind == "TABLE" else lambda name: made.has(kind, name)
        if not all(map(is_new, names)):
            yield LossRule(f"drop-{kind.lower()}")
        for name in names:
            made.forget(name)


def _truncate(statement: Statement, made: Creations) -> Losses:
    cursor = behind_head(statement)
    cursor.accept("TABLE")
    tables: list[Name] = []
    while table := relation_of(cursor):
        tables.append(table)
        cursor.accept(",")
    # CASCADE reaches tables that were there before, and refer to a new one.
    if cursor.seek("CASCADE") or not all(map(made.has_table, tables)):
        yield LossRule.TRUNCATE


def _roll_back(_statement: Statement, made: Creations) -> Losses:
    made.clear()
    yield from ()


def _discard(statement: Statement, made: Creations) -> Losses:
    made.forget_temporary()
    return _watch(statement, made)


def _query(statement: Statement, made: Creations) -> Losses:
    _watch_path(statement, made)
    return query_losses(statement, made)


def _watch(statement: Statement, made: Creations) -> Losses:
    _watch_path(statement, made)
    yield from ()


def _watch_path(statement: Statement, made: Creations) -> None:
    if _MAY_MOVE_PATH.search(statement.source.sql, statement.start, statement.end):
        made.doubt_path()
        if _TEMPORARY.search(statement.source.sql, statement.start, statement.end):
            made.doubt_temporary()


_RULES: Mapping[str, Callable[[Statement, Creations], Losses]] = {
    "": _query,
    "ABORT": _roll_back,
    "ALTER": alter_losses,
    "CALL": _watch,
    "COPY": query_losses,
    "CREATE": _create,
    "DELETE": write_losses,
    "DISCARD": _discard,
    "DO": _watch,
    "DROP": _drop,
    "EXPLAIN": explain_losses,
    "MERGE": merge_losses,
    "PREPARE": query_losses,
    "RESET": _watch,
    "ROLLBACK": _roll_back,
    "SELECT": _watch,
    "SET": _watch,
    "TRUNCATE": _truncate,
    "UPDATE": write_losses,
    "WITH": _query,
}
