"""Recognises the commands that refuse to run inside of a transaction.

They are those in which the server calls PreventInTransactionBlock(); the manual page of
each says so. REINDEX and CLUSTER of what is partitioned are in
`hook.core.sql.partition_refusals`. Not recognised is CALL of a procedure that commits: which
procedure is meant, and whether it comes to its COMMIT, turns out when it runs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from hook.core.sql.lexer import SqlSyntaxError, StringSyntax, Token, TokenKind, tokens
from hook.core.sql.statement_list import Statement
from hook.core.sql.token_cursor import TokenCursor, read_option

_HEAD_WORDS = 6
# What a statement of a PL/pgSQL block may follow; the first one follows nothing.
_STATEMENT_STARTS = frozenset({"", ";", "BEGIN", "THEN", "ELSE", "LOOP", ">>"})
_PLPGSQL_ENDS = frozenset({"COMMIT", "ROLLBACK"})
_PLPGSQL_END = re.compile(rb"\b(?:COMMIT|ROLLBACK)\b", re.IGNORECASE)


def refusing_command(statement: Statement) -> str:
    """Name the command that *statement* is, if it refuses a transaction; else nothing."""
    recognise = _RECOGNISERS.get(statement.head)
    return recognise(statement) if recognise else ""


def _create(statement: Statement) -> str:
    match statement.words(_HEAD_WORDS):
        case [_, "INDEX", "CONCURRENTLY", *_] | [_, "UNIQUE", "INDEX", "CONCURRENTLY", *_]:
            return "CREATE INDEX CONCURRENTLY"
        case [_, "DATABASE" | "TABLESPACE" | "SUBSCRIPTION" as kind, *_]:
            return f"CREATE {kind}"
        case _:
            return ""


def _drop(statement: Statement) -> str:
    match statement.words(_HEAD_WORDS):
        case [_, "INDEX", "CONCURRENTLY", *_]:
            return "DROP INDEX CONCURRENTLY"
        case [_, "DATABASE" | "TABLESPACE" | "SUBSCRIPTION" as kind, *_]:
            return f"DROP {kind}"
        case _:
            return ""


def _alter(statement: Statement) -> str:
    match statement.words(_HEAD_WORDS):
        case [_, "SYSTEM", *_]:
            return "ALTER SYSTEM"
        case [_, "DATABASE", _, "SET", "TABLESPACE", *_]:
            return "ALTER DATABASE SET TABLESPACE"
        case [_, "SUBSCRIPTION", _, *_]:
            return _alter_subscription(statement)
        case [_, "TABLE", *_]:
            return _detach(statement)
        case _:
            return ""


def _alter_subscription(statement: Statement) -> str:
    """Recognise what makes the subscription talk to its publisher.

    A change of publications refreshes unless told otherwise.
    """
    cursor = TokenCursor(statement.tokens())
    action = cursor.seek("REFRESH", "ADD", "DROP", "SET")
    if action == "REFRESH":
        return "ALTER SUBSCRIPTION REFRESH"
    if action and cursor.accept("PUBLICATION"):
        refresh = read_option(cursor.group(), "REFRESH") if cursor.seek("WITH") else None
        return "" if refresh is False else f"ALTER SUBSCRIPTION {action} PUBLICATION"
    options = {token.word for token in cursor.group()}
    slot_options = sorted(options & {"FAILOVER", "TWO_PHASE"})
    return f"ALTER SUBSCRIPTION SET ({slot_options[0].lower()})" if slot_options else ""


def _detach(statement: Statement) -> str:
    cursor = TokenCursor(statement.tokens())
    if cursor.seek("DETACH") and cursor.accept("PARTITION") and cursor.name():
        return "DETACH PARTITION CONCURRENTLY" if cursor.accept("CONCURRENTLY") else ""
    return ""


def _reindex(statement: Statement) -> str:
    cursor = TokenCursor(statement.tokens())
    cursor.take()
    concurrently = read_option(cursor.group(), "CONCURRENTLY")
    cursor.accept("VERBOSE")
    kind = cursor.accept_any("SCHEMA", "DATABASE", "SYSTEM")
    if kind:
        return f"REINDEX {kind}"
    cursor.take()
    return "REINDEX CONCURRENTLY" if concurrently or cursor.accept("CONCURRENTLY") else ""


def _vacuum(_statement: Statement) -> str:
    return "VACUUM"


def _cluster(statement: Statement) -> str:
    cursor = TokenCursor(statement.tokens())
    cursor.take()
    cursor.group()
    cursor.accept("VERBOSE")
    return "" if cursor.peek() else "CLUSTER without a table"


def _discard(statement: Statement) -> str:
    return "DISCARD ALL" if statement.words(2) == ("DISCARD", "ALL") else ""


def _prepared(statement: Statement) -> str:
    words = statement.words(2)
    return " ".join(words) if words[1:] == ("PREPARED",) else ""


def _do(statement: Statement) -> str:
    """Recognise a DO block that ends the transaction it runs in."""
    for token in statement.tokens():
        if token.kind is TokenKind.STRING and _ends_transaction(token):
            return "DO with COMMIT or ROLLBACK"
    return ""


def _ends_transaction(body: Token) -> bool:
    """Tell whether a COMMIT or ROLLBACK stands in *body* where a statement starts."""
    if not _PLPGSQL_END.search(body.sql, body.start, body.end):
        return False
    text = _unquoted(body.sql[body.start : body.end])
    words = ["", ""]
    try:
        for token in tokens(text, 0, len(text), StringSyntax.STANDARD):
            words = [*words[-2:], token.word or token.text]
            before, verb, after = words
            if before in _STATEMENT_STARTS and verb in _PLPGSQL_ENDS and after in {";", "AND"}:
                return True
    except SqlSyntaxError:
        return False  # the server will tell what is wrong with it
    return False


def _unquoted(string: bytes) -> bytes:
    if string.startswith(b"$"):
        tag = string.index(b"$", 1) + 1
        return string[tag:-tag]
    return string[string.index(b"'") + 1 : -1].replace(b"''", b"'")


_RECOGNISERS: Mapping[str, Callable[[Statement], str]] = {
    "ALTER": _alter,
    "CLUSTER": _cluster,
    "COMMIT": _prepared,
    "CREATE": _create,
    "DISCARD": _discard,
    "DO": _do,
    "DROP": _drop,
    "REINDEX": _reindex,
    "ROLLBACK": _prepared,
    "VACUUM": _vacuum,
}
