"""The locks of ALTER on tables and what hangs on them.

The level of each form of ALTER TABLE follows its manual page and the server's
AlterTableGetLockLevel(); a form that is not listed here gets AccessExclusiveLock, the
level of nearly all of them. What only the catalog knows is left out: the default
partition at ATTACH, the other table of a foreign key at DROP or VALIDATE CONSTRAINT,
and inheriting tables.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from hook.core.sql.lexer import Token
from hook.core.sql.locks import LockMode, LockRequest, requests_for, strongest
from hook.core.sql.token_cursor import TokenCursor

_ACCESS_EXCLUSIVE = LockMode.ACCESS_EXCLUSIVE
_SHARE_ROW_EXCLUSIVE = LockMode.SHARE_ROW_EXCLUSIVE
_SHARE_UPDATE_EXCLUSIVE = LockMode.SHARE_UPDATE_EXCLUSIVE


def alter_locks(cursor: TokenCursor) -> list[LockRequest]:
    """Return what an ALTER, whose first word has just been taken, asks for."""
    for words in (("TABLE",), ("FOREIGN", "TABLE"), ("MATERIALIZED", "VIEW")):
        if cursor.accept(*words):
            return _table(cursor)
    rule = _RULES.get(cursor.accept_any(*_RULES))
    return rule(cursor) if rule else []


def _table(cursor: TokenCursor) -> list[LockRequest]:
    if cursor.word() == "ALL":
        return []  # ALL IN TABLESPACE names no table
    cursor.accept("IF", "EXISTS")
    relation = cursor.relation()
    actions = list(alter_actions(cursor.rest()))
    mode = strongest(_action_mode(_words(action)) for action in actions or [()])
    others = (request for action in actions for request in _other_tables(action))
    return [*requests_for([relation], mode), *others]


def alter_actions(tokens: Iterable[Token]) -> Iterator[Sequence[Token]]:
    """Cut the actions of an ALTER TABLE at the commas outside of parentheses."""
    action: list[Token] = []
    depth = 0
    for token in tokens:
        depth += {"(": 1, ")": -1}.get(token.word, 0)
        if token.word == "," and not depth:
            yield action
            action = []
        else:
            action.append(token)
    yield action


def _words(action: Iterable[Token]) -> list[str]:
    return [token.word or token.text for token in action]


def _action_mode(words: Sequence[str]) -> LockMode:
    match words:
        case ["ADD", "CONSTRAINT", _, "FOREIGN", *_] | ["ADD", "FOREIGN", *_]:
            return _SHARE_ROW_EXCLUSIVE
        case ["ENABLE" | "DISABLE", "TRIGGER", *_] | ["ENABLE", _, "TRIGGER", *_]:
            return _SHARE_ROW_EXCLUSIVE
        case ["DETACH", "PARTITION", *rest] if not {"CONCURRENTLY", "FINALIZE"} & set(rest):
            return _ACCESS_EXCLUSIVE
        case _ if _is_gentle(words):
            return _SHARE_UPDATE_EXCLUSIVE
        case _:
            return _ACCESS_EXCLUSIVE


def _is_gentle(words: Sequence[str]) -> bool:
    """Tell whether an action lets reads and writes go on.

    Storage parameters do, but for ``user_catalog_table``.
    """
    match [word for word in words if word != "COLUMN"]:
        case ["SET" | "RESET", "(", *parameters]:
            return "USER_CATALOG_TABLE" not in parameters
        case ["ALTER", _, "SET" | "RESET", "(", *_] | ["ALTER", _, "SET", "STATISTICS", *_]:
            return True
        case ["VALIDATE" | "CLUSTER", *_] | ["SET", "WITHOUT", "CLUSTER"]:
            return True
        case [verb, *_]:
            return verb in {"ATTACH", "DETACH"}
        case _:
            return False


def _other_tables(action: Sequence[Token]) -> list[LockRequest]:
    """Return what an action asks for on tables other than the altered one."""
    cursor = TokenCursor(action)
    if cursor.accept("ATTACH", "PARTITION"):
        return requests_for([cursor.name()], _ACCESS_EXCLUSIVE)
    if cursor.accept("DETACH", "PARTITION"):
        partition = cursor.name()
        gentle = cursor.accept("CONCURRENTLY")
        return requests_for([partition], _SHARE_UPDATE_EXCLUSIVE if gentle else _ACCESS_EXCLUSIVE)
    if cursor.accept("INHERIT"):
        return requests_for([cursor.name()], _SHARE_UPDATE_EXCLUSIVE)
    return requests_for(cursor.names_behind("REFERENCES"), _SHARE_ROW_EXCLUSIVE)


def _index(cursor: TokenCursor) -> list[LockRequest]:
    """Only the index is locked; ATTACH PARTITION also locks the attached one."""
    cursor.accept("IF", "EXISTS")
    index = cursor.name()
    if cursor.accept("ATTACH", "PARTITION"):
        attached = requests_for([cursor.name()], _ACCESS_EXCLUSIVE)
        return [*requests_for([index], _SHARE_UPDATE_EXCLUSIVE), *attached]
    gentle = cursor.accept_any("RENAME", "ALTER")
    return requests_for([index], _SHARE_UPDATE_EXCLUSIVE if gentle else _ACCESS_EXCLUSIVE)


def _view(cursor: TokenCursor) -> list[LockRequest]:
    cursor.accept("IF", "EXISTS")
    return requests_for([cursor.name()], _ACCESS_EXCLUSIVE)


def _sequence(cursor: TokenCursor) -> list[LockRequest]:
    cursor.accept("IF", "EXISTS")
    sequence = cursor.name()
    hard = cursor.accept_any("RENAME", "OWNER") or cursor.accept("SET")
    return requests_for([sequence], _ACCESS_EXCLUSIVE if hard else _SHARE_ROW_EXCLUSIVE)


def on_its_table(cursor: TokenCursor) -> list[LockRequest]:
    """Read ``name ON table`` of a trigger, rule or policy that is altered or dropped."""
    return requests_for([cursor.name()] if cursor.seek("ON") else [], _ACCESS_EXCLUSIVE)


def _publication(cursor: TokenCursor) -> list[LockRequest]:
    tables = cursor.names() if cursor.seek("TABLE") else []
    return requests_for(tables, _SHARE_UPDATE_EXCLUSIVE)


_RULES: Mapping[str, Callable[[TokenCursor], list[LockRequest]]] = {
    "INDEX": _index,
    "POLICY": on_its_table,
    "PUBLICATION": _publication,
    "RULE": on_its_table,
    "SEQUENCE": _sequence,
    "TRIGGER": on_its_table,
    "VIEW": _view,
}
