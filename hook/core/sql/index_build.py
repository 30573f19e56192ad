"""What a command builds without locking the table, and which invalid index is in its way.

CREATE INDEX CONCURRENTLY and REINDEX CONCURRENTLY that fail leave an invalid index behind:
the one named, or one whose name ends in ``_ccnew`` or ``_ccold``.
https://www.postgresql.org/docs/current/sql-createindex.html#SQL-CREATEINDEX-CONCURRENTLY
https://www.postgresql.org/docs/current/sql-reindex.html#SQL-REINDEX-CONCURRENTLY
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hook.core.outcome import Finding, failed
from hook.core.sql.invalid_index import BuildScope, IndexBuild
from hook.core.sql.statement_list import Statement
from hook.core.sql.token_cursor import TokenCursor, read_option
from hook.core.sql.transaction_refusals import refusing_command
from hook.errors import ExitCode

BUILDING_COMMANDS = frozenset({"CREATE INDEX CONCURRENTLY", "REINDEX CONCURRENTLY"})
_DROP = "DROP INDEX CONCURRENTLY"
PROBE = "pg_temp.presync_probe"
_FIRST_CORRUPTING, _FIRST_MENDED = 140000, 140004


_REINDEXED = {
    "INDEX": BuildScope.OF_INDEX,
    "TABLE": BuildScope.OF_TABLE,
    "SCHEMA": BuildScope.OF_SCHEMA,
    "DATABASE": BuildScope.OF_DATABASE,
    "SYSTEM": BuildScope.OF_DATABASE,
}


def read_index_build(statement: Statement) -> IndexBuild | None:
    """Return what *statement* builds, none when it builds no index or locks the table."""
    if statement.head == "REINDEX":
        return _read_reindex(TokenCursor(statement.tokens()))
    if refusing_command(statement) not in BUILDING_COMMANDS:
        return None
    return _read_create(TokenCursor(statement.tokens()))


def read_reach(statement: Statement) -> IndexBuild | None:
    """Return where the next run of *statement* finds the invalid index that this one has left.

    DROP INDEX CONCURRENTLY that is cut off leaves the index of which it no longer wants to
    know, and drops it when it runs once more.
    """
    if refusing_command(statement) != _DROP:
        return read_index_build(statement)
    return IndexBuild(BuildScope.ITSELF, read_drop(statement))


def read_drop(statement: Statement) -> str:
    """Return the index, as written, that *statement* drops without locking, else nothing."""
    if refusing_command(statement) != _DROP:
        return ""
    cursor = TokenCursor(statement.tokens())
    cursor.seek("CONCURRENTLY")
    cursor.accept("IF", "EXISTS")
    return cursor.name()


def probing_statement(statement: Statement) -> str:
    """Return the CREATE INDEX that *statement* would be on a small copy of its table.

    The copy is called `PROBE`. In the catalog the index on it is made of the same as the
    one that *statement* builds.
    """
    cursor = TokenCursor(statement.tokens())
    _read_create(cursor)
    following = cursor.peek()
    rest = b"" if following is None else statement.source.sql[following.start : statement.end]
    unique = "UNIQUE " if statement.words(2)[1:] == ("UNIQUE",) else ""
    return f"CREATE {unique}INDEX ON {PROBE} {rest.decode()}"


def build_lines(statements: Iterable[Statement]) -> tuple[int, ...]:
    """Return the line of each of *statements* that builds an index without locking the table."""
    heads = {"CREATE", "REINDEX"}
    builds = (item for item in statements if item.head in heads and read_index_build(item))
    return tuple(item.line for item in builds)


def judge_builds(builds: Mapping[str, Sequence[int]], version_num: int) -> tuple[Finding, ...]:
    """Judge the *builds*, lines by script, on a server of version *version_num*.

    PostgreSQL 14.0 to 14.3 may build an index that lacks rows.
    https://www.postgresql.org/docs/release/14.4/
    """
    if not _FIRST_CORRUPTING <= version_num < _FIRST_MENDED:
        return ()
    return tuple(
        failed(
            ExitCode.UNSUPPORTED,
            "index-build",
            f"{script}:{lines[0]} builds an index CONCURRENTLY, and PostgreSQL"
            f" 14.{version_num - _FIRST_CORRUPTING} may leave rows out of it",
            "Upgrade the server to 14.4 or later, or build the index without CONCURRENTLY.",
        )
        for script, lines in builds.items()
        if lines
    )


def _read_create(cursor: TokenCursor) -> IndexBuild:
    cursor.seek("CONCURRENTLY")
    cursor.accept("IF", "NOT", "EXISTS")
    # ON is a reserved word: no index is called so.
    index = "" if cursor.word() == "ON" else cursor.name()
    cursor.accept("ON")
    table = cursor.relation()
    return IndexBuild(BuildScope.NAMED if index else BuildScope.ON_TABLE, table, index)


def _read_reindex(cursor: TokenCursor) -> IndexBuild | None:
    cursor.take()
    concurrently = bool(read_option(cursor.group(), "CONCURRENTLY"))
    cursor.accept("VERBOSE")
    kind = cursor.accept_any(*_REINDEXED)
    if not (cursor.accept("CONCURRENTLY") or concurrently) or not kind:
        return None
    return IndexBuild(_REINDEXED[kind], cursor.name())
