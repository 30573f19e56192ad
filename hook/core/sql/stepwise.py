"""Which script without transaction can be gone on with behind any statement of its own.

Each of its statements must be one that takes effect together with a note of it, in a
transaction of their own; or one that may be repeated; or one of the session alone, which
is repeated in a new session; or one that is noted in front and behind, so that nobody goes
on who finds it begun. What else a session keeps, the next one does not have: where a
statement may leave something there, the server is asked for it with each note.
"""

from __future__ import annotations

import re

from hook.core.sql.leftovers import changes_nothing, may_be_resumed, may_run_again
from hook.core.sql.statement_list import Statement, StatementList
from hook.core.sql.summary import summarize
from hook.core.sql.transaction_refusals import refusing_command
from hook.core.sql.unseen import kept_unseen

# Each statement writes to one and the same row, which is of no use in a dump of rows.
_MOST = 1000
_HELD = frozenset(
    {
        "ALTER", "COMMENT", "CREATE", "DELETE", "DROP", "GRANT", "IMPORT", "INSERT", "MERGE",
        "REASSIGN", "REFRESH", "REVOKE", "SECURITY", "TRUNCATE", "UPDATE",
    }
)  # fmt: skip
# By a function they may do anything to the session, but not commit.
_FREE = frozenset(
    {"DEALLOCATE", "EXECUTE", "EXPLAIN", "PREPARE", "SELECT", "TABLE", "VALUES", "WITH"}
)
_OF_TRANSACTION = ("PREPARE", "TRANSACTION")
_ALONE = frozenset({"ALTER", "CALL", "CREATE", "DO", "DROP"})
_WRITES = frozenset({"DELETE", "INSERT", "MERGE", "UPDATE"})
_OF_SESSION = frozenset({"RESET", "SET", "SHOW"})
_TEMPORARY = frozenset({"TEMP", "TEMPORARY"})
# CREATE OR REPLACE LOCAL TEMPORARY …
_BEFORE_TEMPORARY = 6
# DO, its text, LANGUAGE and a name, in any order.
_DO_WORDS = 4
# From the next login on these begin with other settings.
_KEEPS_SETTINGS = frozenset({"DATABASE", "ROLE", "USER"})
# Under another role, or without the right to write, nothing could be noted.
_KEEPS_FROM_NOTING = frozenset(
    {
        "AUTHORIZATION", "CHARACTERISTICS", "DEFAULT_TRANSACTION_READ_ONLY", "ROLE",
        "SESSION_AUTHORIZATION", "TRANSACTION_READ_ONLY",
    }
)  # fmt: skip
_SETTING_WORDS = 4
_CALL = re.compile(rb"\bcall\b", re.IGNORECASE)
# Functions, and a schema, whose effect or answer is that of one session.
_KEPT_BY_SESSION = re.compile(
    rb"\b(?:currval|lastval|set_config|setseed|pg_temp\w*|dblink\w*|pg_\w*advisory_\w*)\b",
    re.IGNORECASE,
)


def is_held(statement: Statement) -> bool:
    """Tell whether *statement* does the same in a transaction block of its own as without one.

    Of what the server refuses there all the same, by a function for example, it says so.
    """
    if statement.copy is not None or is_free(statement):
        return True
    return statement.head in _HELD and not _stands_alone(statement)


def is_free(statement: Statement) -> bool:
    """Tell whether *statement* is held and may do anything to the session, by a function."""
    if statement.head == "DO":
        # A procedure commits in a block only where it is called by a statement of its own.
        may_commit = refusing_command(statement) or _CALL.search(*_extent(statement))
        return _is_plpgsql(statement) and not may_commit
    return statement.head in _FREE and statement.words(2) != _OF_TRANSACTION


def leaves_in_session(statement: Statement) -> bool:
    """Tell whether *statement* may leave in the session what later ones may need."""
    if statement.head == "WITH":
        return not any(token.word in _WRITES for token in statement.tokens())
    return is_free(statement) or _is_temporary(statement) or is_noted_around(statement)


def is_noted_around(statement: Statement) -> bool:
    """Tell whether *statement* is noted in front and behind: whoever finds it begun is lost."""
    if statement.head not in _ALONE or is_held(statement) or _is_repeated(statement):
        return False
    return not _keeps_settings(statement) and _is_plpgsql(statement)


def is_watched(statements: StatementList) -> bool:
    """Tell whether the session is asked what it holds, whenever something is noted."""
    return any(map(leaves_in_session, statements))


def _stands_alone(statement: Statement) -> bool:
    return bool(refusing_command(statement)) or _keeps_settings(statement)


def _keeps_settings(statement: Statement) -> bool:
    kind = statement.words(2)[1:]
    return statement.head == "ALTER" and not _KEEPS_SETTINGS.isdisjoint(kind)


def _is_plpgsql(statement: Statement) -> bool:
    """Tell whether *statement* is no DO block of a language that keeps a store of its own."""
    words = statement.words(_DO_WORDS) if statement.head == "DO" else ()
    named = words[words.index("LANGUAGE") + 1 :] if "LANGUAGE" in words else ("PLPGSQL",)
    return named[:1] == ("PLPGSQL",)


def _is_temporary(statement: Statement) -> bool:
    words = statement.words(_BEFORE_TEMPORARY)
    return words[:1] == ("CREATE",) and not _TEMPORARY.isdisjoint(words)


def _extent(statement: Statement) -> tuple[bytes, int, int]:
    return statement.source.sql, statement.start, statement.end


def is_of_session(statement: Statement) -> bool:
    """Tell whether *statement* sets nothing but what the session is to do, by name."""
    if statement.head not in _OF_SESSION:
        return False
    # The server compares names of settings without regard to case, quoted ones too.
    words = (word.strip('"').upper() for word in statement.words(_SETTING_WORDS))
    return _KEEPS_FROM_NOTING.isdisjoint(words)


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
    is_seen_through = is_watched(statements)
    for statement in statements:
        if found := _KEPT_BY_SESSION.search(*_extent(statement)):
            return _told(statement, f"uses {found[0].decode()}, which is of one session")
        if not _is_known(statement):
            return _told(statement, "may do more than can be noted")
        if is_seen_through and not is_of_session(statement) and (what := kept_unseen(statement)):
            return _told(statement, f"says {what}, which the server does not tell of a session")
    return ""


def _is_known(statement: Statement) -> bool:
    if is_held(statement) or is_noted_around(statement):
        return True
    return is_of_session(statement) or _is_repeated(statement)


def _is_repeated(statement: Statement) -> bool:
    return may_be_resumed(statement) and not changes_nothing(statement)


def _told(statement: Statement, why: str) -> str:
    return f"line {statement.line}, {summarize(statement)}, {why}"
