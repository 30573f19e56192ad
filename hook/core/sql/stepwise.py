"""Which script without transaction can be gone on with behind any statement of its own.

Each of its statements must be one that takes effect together with a note of it, in a
transaction of their own; or one that may be repeated; or one of the session alone, which
is repeated in a new session. What else a session keeps, the next one does not have.
"""

from __future__ import annotations

import re

from hook.core.sql.leftovers import changes_nothing, may_be_resumed, may_run_again
from hook.core.sql.statement_list import Statement, StatementList
from hook.core.sql.summary import summarize
from hook.core.sql.transaction_refusals import refusing_command

# Each statement writes to one and the same row, which is of no use in a dump of rows.
_MOST = 1000
# SELECT may do anything to the session, by a function; so may DO and CALL, and commit.
_HELD = frozenset(
    {
        "ALTER", "COMMENT", "CREATE", "DELETE", "DROP", "GRANT", "IMPORT", "INSERT", "MERGE",
        "REASSIGN", "REFRESH", "REVOKE", "SECURITY", "TRUNCATE", "UPDATE",
    }
)  # fmt: skip
_WRITES = frozenset({"DELETE", "INSERT", "MERGE", "UPDATE"})
_OF_SESSION = frozenset({"RESET", "SET", "SHOW"})
_TEMPORARY = frozenset({"TEMP", "TEMPORARY"})
# CREATE OR REPLACE LOCAL TEMPORARY …
_BEFORE_TEMPORARY = 6
# From the next login on these begin with other settings.
_KEEPS_SETTINGS = frozenset({"DATABASE", "ROLE", "USER"})
# Under another role, or without the right to write, nothing could be noted.
_KEEPS_FROM_NOTING = frozenset(
    {
        "AUTHORIZATION", "CHARACTERISTICS", "DEFAULT_TRANSACTION_READ_ONLY", "ROLE",
        "TRANSACTION_READ_ONLY",
    }
)  # fmt: skip
_SETTING_WORDS = 4
# Functions, and a schema, whose effect or answer is that of one session.
_KEPT_BY_SESSION = re.compile(
    rb"\b(?:currval|lastval|set_config|setseed|pg_temp\w*|dblink\w*|pg_\w*advisory_\w*)\b",
    re.IGNORECASE,
)


def is_held(statement: Statement) -> bool:
    """Tell whether *statement* does the same in a transaction block of its own as without one."""
    if statement.head == "WITH":
        return any(token.word in _WRITES for token in statement.tokens())
    if statement.head not in _HELD or refusing_command(statement):
        return statement.copy is not None
    words = statement.words(_BEFORE_TEMPORARY)
    kept = {"ALTER": _KEEPS_SETTINGS, "CREATE": _TEMPORARY}.get(statement.head, frozenset())
    return kept.isdisjoint(words[1:])


def is_of_session(statement: Statement) -> bool:
    """Tell whether *statement* sets nothing but what the session is to do, by name."""
    if statement.head not in _OF_SESSION:
        return False
    return _KEEPS_FROM_NOTING.isdisjoint(statement.words(_SETTING_WORDS))


def is_begun_alone(statement: Statement) -> bool:
    """Tell whether it matters that *statement*, which is in no transaction, was begun.

    What is there no more counts as done only to whoever knows of that.
    """
    is_repeated = is_of_session(statement) or may_run_again(statement)
    return not is_repeated and not is_held(statement)


def tells_of_first(statements: StatementList) -> bool:
    """Tell whether no statement can have changed anything as long as none is noted.

    What goes alone is noted behind it, with the next one.
    """
    return is_held(next((item for item in statements if not is_of_session(item)), statements[0]))


def why_not_stepwise(statements: StatementList) -> str:
    """Return why nobody could go on behind any statement of a script, else nothing."""
    if len(statements) > _MOST:
        return f"it has more than {_MOST} statements"
    for statement in statements:
        if found := _KEPT_BY_SESSION.search(statement.source.sql, statement.start, statement.end):
            return _told(statement, f"uses {found[0].decode()}, which is of one session")
        if not (is_held(statement) or is_of_session(statement) or _is_repeated(statement)):
            return _told(statement, "may do more than can be noted")
    return ""


def _is_repeated(statement: Statement) -> bool:
    return may_be_resumed(statement) and not changes_nothing(statement)


def _told(statement: Statement, why: str) -> str:
    return f"line {statement.line}, {summarize(statement)}, {why}"
