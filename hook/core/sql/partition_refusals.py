"""Recognises the commands that refuse a transaction where the relation they name is partitioned.

Only the catalog knows whether it is, or the release that creates it.
https://www.postgresql.org/docs/current/sql-reindex.html
https://www.postgresql.org/docs/current/sql-cluster.html
"""

from __future__ import annotations

import re
from collections.abc import Collection

from hook.core.sql.creations import Name, behind_head, name_of
from hook.core.sql.statement_list import Statement, StatementList
from hook.core.sql.transaction_refusals import refusing_command

PARTITIONED_TABLE = "PARTITIONED TABLE"
_HEADS = frozenset({"CLUSTER", "REINDEX"})
_IN_DOUBT = re.compile(rb"(?:CLUSTER|REINDEX)\b", re.IGNORECASE)
_MAY_MOVE_PATH = re.compile(rb"search_path|set_config|\b(?:role|authorization)\b", re.IGNORECASE)


def relations_in_doubt(statements: StatementList) -> tuple[Name, ...]:
    """Return the relations on which it depends whether *statements* can run in a transaction.

    A name without schema in a script that may move the search path is left out: what it
    means there, nobody can tell beforehand.
    """
    found = (_named(item)[1] for item in statements.starting(_IN_DOUBT))
    names = tuple(dict.fromkeys(filter(None, found)))
    if names and _MAY_MOVE_PATH.search(statements.source.sql):
        return tuple(name for name in names if len(name) > 1)
    return names


def command_refused_by(partitioned: Collection[Name], statement: Statement) -> str:
    """Name the command that *statement* is, if it refuses a transaction for *partitioned*."""
    if not partitioned or statement.head not in _HEADS:
        return ""
    command, relation = _named(statement)
    kind = "index" if command.endswith("INDEX") else "table"
    return f"{command} of a partitioned {kind}" if relation in partitioned else ""


def _named(statement: Statement) -> tuple[str, Name]:
    """Return command and relation of *statement*, no relation where it is in no doubt."""
    if refusing_command(statement):
        return "", ()
    cursor = behind_head(statement)
    cursor.group()
    cursor.accept("VERBOSE")
    if statement.head == "REINDEX":
        kind = cursor.accept_any("INDEX", "TABLE")
        return f"REINDEX {kind}", name_of(cursor)
    name = name_of(cursor)
    # The form before 8.3 names the index first.
    return "CLUSTER", name_of(cursor) if cursor.accept("ON") else name
