"""Which tables a statement names, and the lock it will ask for on each.

This feeds the look at who holds conflicting locks, before anything runs; it is told by
the statement's words alone, and errs towards the stronger mode. Left out on purpose:

- tables that are only read (AccessShareLock, RowShareLock waits only for the strongest
  modes), so FROM clauses, CREATE TABLE AS, SELECT FOR UPDATE and COPY TO;
- what only the catalog knows: a table's indexes and partitions, what CASCADE reaches,
  the other end of a foreign key, what triggers, functions and DO bodies do, and commands
  on a whole schema or database.

The modes are those of the manual's page "Explicit Locking" and of each command's page.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping

from hook.core.sql.alter_locks import alter_locks
from hook.core.sql.create_locks import create_locks, drop_locks
from hook.core.sql.locks import (
    LockMode,
    LockRequest,
    merge_requests,
    requests_for,
    requests_for_index,
)
from hook.core.sql.statement_list import Statement
from hook.core.sql.token_cursor import TokenCursor, read_option, relation_name

_ACCESS_EXCLUSIVE = LockMode.ACCESS_EXCLUSIVE
_ROW_EXCLUSIVE = LockMode.ROW_EXCLUSIVE
_SHARE_UPDATE_EXCLUSIVE = LockMode.SHARE_UPDATE_EXCLUSIVE
_WRITES = (("INSERT", "INTO"), ("DELETE", "FROM"), ("MERGE", "INTO"), ("UPDATE",))
# FOR [NO KEY] UPDATE, ON CONFLICT DO UPDATE and WHEN MATCHED THEN UPDATE name no table.
_NO_TABLE_FOLLOWS = frozenset({"FOR", "KEY", "DO", "THEN"})
_PLAIN_INSERT = re.compile(
    rb"INSERT\s+INTO\s+([A-Z_][\w$]*+(?:\.[A-Z_][\w$]*+)?)\s*(?:\([^()]*\)\s*)?VALUES\b",
    re.IGNORECASE,
)
_COMMENTED = ("TABLE", "VIEW", "INDEX", "SEQUENCE", "COLUMN")


def lock_requests(statement: Statement) -> tuple[LockRequest, ...]:
    """Return the locks that *statement* will ask for on relations that it names."""
    rule = _RULES.get(statement.head)
    if rule is None:
        return ()
    cursor = TokenCursor(statement.tokens())
    cursor.take()
    return merge_requests(rule(cursor))


def script_lock_requests(statements: Iterable[Statement]) -> tuple[LockRequest, ...]:
    """Return the locks that all of *statements* will ask for, each once, redundant ones left out.

    A plain INSERT into a table seen before is passed over without a closer look: a dump
    may have a hundred thousand of them.
    """
    found: dict[LockRequest, None] = {}
    filled: set[bytes] = set()
    for statement in statements:
        plain = _PLAIN_INSERT.match(statement.source.sql, statement.start, statement.end)
        if plain and plain[1] in filled:
            continue
        if plain:
            filled.add(plain[1])
        found.update(dict.fromkeys(lock_requests(statement)))
    return merge_requests(found)


def _write(cursor: TokenCursor) -> list[LockRequest]:
    """INSERT INTO t, UPDATE t, DELETE FROM t, MERGE INTO t."""
    cursor.accept_any("FROM", "INTO")
    return requests_for([cursor.relation()], _ROW_EXCLUSIVE)


def _written(cursor: TokenCursor) -> list[LockRequest]:
    """Find the tables that a query with WITH, or an explained one, writes to."""
    found: list[str] = []
    previous = ""
    while token := cursor.peek():
        if previous not in _NO_TABLE_FOLLOWS and any(cursor.accept(*write) for write in _WRITES):
            found.append(cursor.relation())
            previous = ""
        else:
            previous = token.word
            cursor.take()
    return requests_for(found, _ROW_EXCLUSIVE)


def _copy(cursor: TokenCursor) -> list[LockRequest]:
    cursor.accept("BINARY")
    table = cursor.name()
    cursor.group()
    return requests_for([table] if cursor.word() == "FROM" else [], _ROW_EXCLUSIVE)


def _truncate(cursor: TokenCursor) -> list[LockRequest]:
    cursor.accept("TABLE")
    return requests_for(cursor.names(), _ACCESS_EXCLUSIVE)


def _lock(cursor: TokenCursor) -> list[LockRequest]:
    cursor.accept("TABLE")
    tables = cursor.names()
    words: list[str] = []
    if cursor.accept("IN"):
        while (word := cursor.word()) not in {"MODE", ""}:
            words.append(word.title())
            cursor.take()
    asked = "".join(words) + "Lock"
    mode = next((mode for mode in LockMode if mode.value == asked), _ACCESS_EXCLUSIVE)
    return requests_for(tables, mode)


def _refresh(cursor: TokenCursor) -> list[LockRequest]:
    cursor.accept("MATERIALIZED", "VIEW")
    gentle = cursor.accept("CONCURRENTLY")
    return requests_for([cursor.name()], LockMode.EXCLUSIVE if gentle else _ACCESS_EXCLUSIVE)


def _vacuum(cursor: TokenCursor) -> list[LockRequest]:
    full = read_option(cursor.group(), "FULL")
    while word := cursor.accept_any("FULL", "FREEZE", "VERBOSE", "ANALYZE", "ANALYSE"):
        full = full or word == "FULL"
    return requests_for(cursor.names(), _ACCESS_EXCLUSIVE if full else _SHARE_UPDATE_EXCLUSIVE)


def _cluster(cursor: TokenCursor) -> list[LockRequest]:
    cursor.group()
    cursor.accept("VERBOSE")
    table = cursor.name()
    if cursor.accept("ON"):  # the form before 8.3 names the index first
        table = cursor.name()
    return requests_for([table], _ACCESS_EXCLUSIVE)


def _reindex(cursor: TokenCursor) -> list[LockRequest]:
    gentle = read_option(cursor.group(), "CONCURRENTLY")
    kind = cursor.accept_any("TABLE", "INDEX")
    gentle = cursor.accept("CONCURRENTLY") or gentle
    relation = cursor.name() if kind else ""
    table_mode = _SHARE_UPDATE_EXCLUSIVE if gentle else LockMode.SHARE
    if kind == "TABLE":
        return requests_for([relation], table_mode)
    index_mode = _SHARE_UPDATE_EXCLUSIVE if gentle else _ACCESS_EXCLUSIVE
    return requests_for_index(relation, index_mode, table_mode)


def _comment(cursor: TokenCursor) -> list[LockRequest]:
    """COMMENT and SECURITY LABEL; a column is named behind its table."""
    cursor.seek("ON")
    cursor.accept_any("MATERIALIZED", "FOREIGN")
    kind = cursor.accept_any(*_COMMENTED)
    parts = cursor.name_parts() if kind else []
    table = parts[:-1] if kind == "COLUMN" else parts
    return requests_for([relation_name(table)], _SHARE_UPDATE_EXCLUSIVE)


_RULES: Mapping[str, Callable[[TokenCursor], list[LockRequest]]] = {
    "ALTER": alter_locks,
    "ANALYSE": _vacuum,
    "ANALYZE": _vacuum,
    "CLUSTER": _cluster,
    "COMMENT": _comment,
    "COPY": _copy,
    "CREATE": create_locks,
    "DELETE": _write,
    "DROP": drop_locks,
    "EXPLAIN": _written,
    "INSERT": _write,
    "LOCK": _lock,
    "MERGE": _write,
    "REFRESH": _refresh,
    "REINDEX": _reindex,
    "SECURITY": _comment,
    "TRUNCATE": _truncate,
    "UPDATE": _write,
    "VACUUM": _vacuum,
    "WITH": _written,
}
