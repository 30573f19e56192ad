"""The locks of CREATE and DROP on tables that exist already.

What is created is new and locked by nobody; its name is left out. What only the catalog
knows is left out as well: at DROP TABLE the tables that its foreign keys refer to, and
whatever CASCADE and DROP SCHEMA reach.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from hook.core.sql.alter_locks import on_its_table
from hook.core.sql.locks import LockMode, LockRequest, requests_for, requests_for_index
from hook.core.sql.token_cursor import TokenCursor

_ACCESS_EXCLUSIVE = LockMode.ACCESS_EXCLUSIVE
_SHARE_ROW_EXCLUSIVE = LockMode.SHARE_ROW_EXCLUSIVE
_SHARE_UPDATE_EXCLUSIVE = LockMode.SHARE_UPDATE_EXCLUSIVE
_MODIFIERS = ("GLOBAL", "LOCAL", "TEMP", "TEMPORARY", "UNLOGGED", "FOREIGN", "UNIQUE", "CONSTRAINT")


def create_locks(cursor: TokenCursor) -> list[LockRequest]:
    """Return what a CREATE, whose first word has just been taken, asks for."""
    replaces = cursor.accept("OR", "REPLACE")
    while cursor.accept_any(*_MODIFIERS):
        pass
    if cursor.accept_any("VIEW") or cursor.accept("RECURSIVE", "VIEW"):
        return requests_for([cursor.name()] if replaces else [], _ACCESS_EXCLUSIVE)
    rule = _CREATE_RULES.get(cursor.accept_any(*_CREATE_RULES))
    return rule(cursor) if rule else []


def drop_locks(cursor: TokenCursor) -> list[LockRequest]:
    """Return what a DROP, whose first word has just been taken, asks for."""
    if cursor.accept("INDEX"):
        return _drop_index(cursor)
    if cursor.accept_any("TRIGGER", "RULE", "POLICY"):
        return on_its_table(cursor)
    cursor.accept_any("FOREIGN", "MATERIALIZED")
    if cursor.accept_any("TABLE", "VIEW", "SEQUENCE"):
        cursor.accept("IF", "EXISTS")
        return requests_for(cursor.names(), _ACCESS_EXCLUSIVE)
    return []


def _drop_index(cursor: TokenCursor) -> list[LockRequest]:
    gentle = cursor.accept("CONCURRENTLY")
    cursor.accept("IF", "EXISTS")
    mode = _SHARE_UPDATE_EXCLUSIVE if gentle else _ACCESS_EXCLUSIVE
    return [
        request for index in cursor.names() for request in requests_for_index(index, mode, mode)
    ]


def _table(cursor: TokenCursor) -> list[LockRequest]:
    """A new partition locks its parent against everything; other parents only lightly."""
    cursor.accept("IF", "NOT", "EXISTS")
    cursor.name()
    parent = [cursor.name()] if cursor.accept("PARTITION", "OF") else []
    inherited: list[str] = []
    referenced: list[str] = []
    for token in cursor.rest():
        word = token.word
        if word == "REFERENCES":
            referenced.append(cursor.name())
        elif word == "INHERITS" and cursor.accept("("):
            inherited.extend(cursor.names())
    return [
        *requests_for(parent, _ACCESS_EXCLUSIVE),
        *requests_for(inherited, _SHARE_UPDATE_EXCLUSIVE),
        *requests_for(referenced, _SHARE_ROW_EXCLUSIVE),
    ]


def _index(cursor: TokenCursor) -> list[LockRequest]:
    gentle = cursor.accept("CONCURRENTLY")
    table = cursor.relation() if cursor.seek("ON") else ""
    return requests_for([table], _SHARE_UPDATE_EXCLUSIVE if gentle else LockMode.SHARE)


def _trigger(cursor: TokenCursor) -> list[LockRequest]:
    return requests_for([cursor.name()] if cursor.seek("ON") else [], _SHARE_ROW_EXCLUSIVE)


def _rule(cursor: TokenCursor) -> list[LockRequest]:
    return requests_for([cursor.name()] if cursor.seek("TO") else [], _ACCESS_EXCLUSIVE)


def _statistics(cursor: TokenCursor) -> list[LockRequest]:
    return requests_for([cursor.name()] if cursor.seek("FROM") else [], _SHARE_UPDATE_EXCLUSIVE)


def _publication(cursor: TokenCursor) -> list[LockRequest]:
    tables = cursor.names() if cursor.seek("TABLE") else []
    return requests_for(tables, _SHARE_UPDATE_EXCLUSIVE)


_CREATE_RULES: Mapping[str, Callable[[TokenCursor], list[LockRequest]]] = {
    "INDEX": _index,
    "POLICY": on_its_table,
    "PUBLICATION": _publication,
    "RULE": _rule,
    "STATISTICS": _statistics,
    "TABLE": _table,
    "TRIGGER": _trigger,
}
