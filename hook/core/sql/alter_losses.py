"""What ALTER destroys: columns, and what a new type of theirs cannot hold."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from hook.core.sql.alter_locks import alter_actions
from hook.core.sql.creations import Column, Creations, Name, behind_head, name_of, relation_of
from hook.core.sql.lexer import Token
from hook.core.sql.loss_rule import Losses, LossRule
from hook.core.sql.statement_list import Statement
from hook.core.sql.token_cursor import TokenCursor

_UNSIZED_TEXT = (["TEXT"], ["VARCHAR"], ["CHARACTER", "VARYING"])
_NO_COLUMN_FOLLOWS = frozenset(
    {"CONSTRAINT", "PRIMARY", "UNIQUE", "FOREIGN", "CHECK", "EXCLUDE", "NOT"}
)


def alter_losses(statement: Statement, made: Creations) -> Losses:
    """Yield what an ALTER destroys, and take down what it creates."""
    cursor = behind_head(statement)
    if cursor.accept("SCHEMA"):
        made.clear()
    elif cursor.accept_any("TABLE", "TYPE") and cursor.word() != "ALL":
        cursor.accept("IF", "EXISTS")
        altered = relation_of(cursor)
        actions = [TokenCursor(action) for action in alter_actions(cursor.rest())]
        # The server adds last, wherever it is written.
        for inside in sorted(actions, key=lambda action: action.word() == "ADD"):
            rule = _ACTIONS.get(inside.accept_any(*_ACTIONS))
            yield from rule(inside, altered, made) if rule else ()
    else:
        _alter_other(cursor, made)


def _alter_other(cursor: TokenCursor, made: Creations) -> None:
    """Take down what becomes of names; ALTER INDEX renames a table, too."""
    if cursor.accept_any("INDEX", "SEQUENCE"):
        cursor.accept("IF", "EXISTS")
        made.forget(name_of(cursor))
    while cursor.seek("SET"):
        if cursor.accept("SCHEMA"):
            made.forget(name_of(cursor))


def _drop_column(cursor: TokenCursor, table: Name, made: Creations) -> Losses:
    if cursor.word() == "CONSTRAINT":
        return
    cursor.accept_any("COLUMN", "ATTRIBUTE")
    cursor.accept("IF", "EXISTS")
    column = _column(cursor, table)
    if not made.has_column(column):
        yield LossRule.DROP_COLUMN
    made.forget_column(column)


def _alter_column(cursor: TokenCursor, table: Name, made: Creations) -> Losses:
    cursor.accept_any("COLUMN", "ATTRIBUTE")
    column = _column(cursor, table)
    cursor.accept("SET", "DATA")
    if cursor.accept("TYPE") and not made.has_column(column) and not _holds_all(cursor.rest()):
        yield LossRule.ALTER_TYPE


def _holds_all(type_: Iterable[Token]) -> bool:
    """Tell whether a type holds the text of any value, as it is converted without USING."""
    words = [token.word or token.text for token in type_]
    length = 2 if words[:1] == ["CHARACTER"] else 1
    following = words[length : length + 1]
    is_plain = not following or following[0] in {"COLLATE", "CASCADE", "RESTRICT"}
    return words[:length] in _UNSIZED_TEXT and is_plain and "USING" not in words


def _add_column(cursor: TokenCursor, table: Name, made: Creations) -> Losses:
    cursor.accept_any("COLUMN")
    is_spared = cursor.accept("IF", "NOT", "EXISTS")
    if not is_spared and cursor.word() not in _NO_COLUMN_FOLLOWS:
        made.add_column(_column(cursor, table))
    yield from ()


def _rename(cursor: TokenCursor, table: Name, made: Creations) -> Losses:
    if cursor.accept("TO"):
        is_new = made.has("TABLE", table)
        made.forget(table)
        if is_new:
            made.add("TABLE", (*table[:-1], *name_of(cursor)))
    elif cursor.word() != "CONSTRAINT":
        cursor.accept_any("COLUMN", "ATTRIBUTE")
        column = _column(cursor, table)
        cursor.accept("TO")
        made.rename_column(column, _column(cursor, table).name)
    yield from ()


def _attach(cursor: TokenCursor, _table: Name, made: Creations) -> Losses:
    cursor.accept("PARTITION")
    _put_below(name_of(cursor), made)
    yield from ()


def _inherit(_cursor: TokenCursor, table: Name, made: Creations) -> Losses:
    _put_below(table, made)
    yield from ()


def _put_below(table: Name, made: Creations) -> None:
    """Take note that *table* has got a parent, which may have others above it."""
    if not made.has_table(table):
        made.forget_lasting()


def _set(cursor: TokenCursor, table: Name, made: Creations) -> Losses:
    if cursor.accept("SCHEMA"):
        made.forget(table)
        made.forget(name_of(cursor))
    yield from ()


def _column(cursor: TokenCursor, table: Name) -> Column:
    return Column(table, ".".join(name_of(cursor)))


_ACTIONS: Mapping[str, Callable[[TokenCursor, Name, Creations], Losses]] = {
    "ADD": _add_column,
    "ALTER": _alter_column,
    "ATTACH": _attach,
    "DROP": _drop_column,
    "INHERIT": _inherit,
    "RENAME": _rename,
    "SET": _set,
}
