"""What writes destroy: a DELETE or UPDATE that no WHERE limits."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import islice

from hook.core.sql.creations import Column, Creations, behind_head, fold, relation_of
from hook.core.sql.lexer import Token, TokenKind
from hook.core.sql.loss_rule import Losses, LossRule
from hook.core.sql.statement_list import Statement
from hook.core.sql.token_cursor import TokenCursor

_WRITES = re.compile(rb"\b(?:DELETE|UPDATE)\b", re.IGNORECASE)
# Without a closer look, for a script may have a hundred thousand of them: outside of quotes and
# parentheses there is a WHERE that compares a column.
_LIMITED = re.compile(
    rb"(?:[^'\"()$/\\-]|'[^'\\]*+')*?\bWHERE\s+(?!TRUE\b|NOT\b)[A-Z_][\w.]*+\s*(?:[=<>]|IN\b|IS\b)",
    re.IGNORECASE,
)
# What a write within another statement may stand behind; both words may be names as well.
_BEGINS = frozenset({"", ")", "ANALYZE", "ANALYSE", "VERBOSE"})
_LITERALS = frozenset({TokenKind.NUMBER, TokenKind.STRING})
_NAMING = frozenset({TokenKind.WORD, TokenKind.QUOTED})
_LOOKED_AT = 8


def write_losses(statement: Statement, made: Creations) -> Losses:
    """Yield what a DELETE or UPDATE destroys."""
    if not _LIMITED.match(statement.source.sql, statement.start, statement.end):
        yield from _write_of(statement.head, behind_head(statement), made)


def _write_of(verb: str, cursor: TokenCursor, made: Creations) -> Losses:
    """Read one DELETE or UPDATE, whose verb has just been taken, to the end of its level."""
    cursor.accept("FROM")
    table = relation_of(cursor)
    columns: Sequence[str] = ()
    if verb == "UPDATE":
        columns = [fold(name) for name in _read_targets(cursor)]
    is_new = made.has_table(table) or (
        bool(columns) and all(made.has_column(Column(table, name)) for name in columns)
    )
    if _is_for_all_rows(cursor) and not is_new:
        yield LossRule(f"{verb.lower()}-without-where")


def may_write(statement: Statement) -> bool:
    """Tell, at next to no cost, whether a write may be within *statement*."""
    return bool(_WRITES.search(statement.source.sql, statement.start, statement.end))


def query_losses(statement: Statement, made: Creations) -> Losses:
    """Yield what is destroyed by the writes in WITH, PREPARE, COPY and EXPLAIN."""
    if may_write(statement):
        begins = _BEGINS | {statement.head, "AS" if statement.head == "PREPARE" else ""}
        yield from nested_losses(TokenCursor(statement.tokens()), made, begins)


def nested_losses(cursor: TokenCursor, made: Creations, begins: frozenset[str] = _BEGINS) -> Losses:
    """Yield what is destroyed by the writes at *cursor*, which stand behind one of *begins*."""
    levels = [cursor]
    while levels:
        cursor, previous = levels.pop(), ""
        while word := _spell(cursor.peek()):
            if word == "(":
                levels.append(TokenCursor(cursor.group()))
                previous = ")"
            elif previous in begins and (verb := cursor.accept_any("DELETE", "UPDATE")):
                yield from _write_of(verb, cursor, made)
            elif previous in begins and cursor.accept("MERGE"):
                yield from _merge_of(cursor, made)
            else:
                cursor.take()
                previous = word


def _spell(token: Token | None) -> str:
    return (token.word or token.kind.value) if token else ""


def explain_losses(statement: Statement, made: Creations) -> Losses:
    """Yield what is destroyed by an explained write, which is only run by ANALYZE."""
    if any(token.word in {"ANALYZE", "ANALYSE"} for token in statement.tokens()):
        yield from query_losses(statement, made)


def merge_losses(statement: Statement, made: Creations) -> Losses:
    """Yield what a MERGE does to all rows that its source does not have."""
    return _merge_of(behind_head(statement), made)


def _merge_of(cursor: TokenCursor, made: Creations) -> Losses:
    """Read one MERGE, whose verb has just been taken, to the end of its level."""
    cursor.accept("INTO")
    is_new = made.has_table(relation_of(cursor))
    while cursor.seek("WHEN"):
        if cursor.accept("NOT", "MATCHED", "BY", "SOURCE", "THEN") and not is_new:
            verb = cursor.accept_any("DELETE", "UPDATE")
            yield from (LossRule(f"{verb.lower()}-without-where"),) if verb else ()


def _read_targets(cursor: TokenCursor) -> list[str]:
    """Take an UPDATE up to the end of its SET list; return the columns that it sets."""
    cursor.seek("SET")
    columns: list[str] = []
    previous = ","
    while (token := cursor.peek()) and not _ends_targets(token.word, previous):
        if token.word == "(":
            group = cursor.group()
            columns += _named(group) if previous == "," else []
            previous = ")"
        else:
            columns += _named((token,)) if previous == "," else []
            previous = token.word or "value"
            cursor.take()
    return columns


def _ends_targets(word: str, previous: str) -> bool:
    is_from = word == "FROM" and previous != "DISTINCT"
    return is_from or word in {"WHERE", "RETURNING"}


def _named(tokens: tuple[Token, ...]) -> list[str]:
    return [token.text for token in tokens if token.kind in _NAMING]


def _is_for_all_rows(cursor: TokenCursor) -> bool:
    """Take a DELETE or UPDATE to the end of its level; tell whether no WHERE limits it."""
    limited = cursor.seek("WHERE", "RETURNING") == "WHERE"
    condition = list(islice(_condition(cursor), _LOOKED_AT)) if limited else []
    for _ in cursor.rest():
        pass
    return not limited or _is_always_true(condition)


def _condition(cursor: TokenCursor) -> Iterator[Token]:
    while (token := cursor.peek()) and token.word != "RETURNING":
        if token.word not in {"(", ")"}:
            yield token
        cursor.take()


def _is_always_true(condition: list[Token]) -> bool:
    """Tell whether it is TRUE, NOT FALSE, or says that a literal equals itself."""
    texts = [token.word or token.text for token in condition]
    if texts in (["TRUE"], ["NOT", "FALSE"]):
        return True
    kinds = {token.kind for token in condition[::2]}
    is_same = len(texts) == len(("1", "=", "1")) and texts[0] == texts[2] and texts[1] == "="
    return is_same and kinds <= _LITERALS
