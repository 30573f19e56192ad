"""Refuses a script that tells the server of another encoding than it is sent in.

Scripts are decoded from whatever their files are in and sent as UTF-8. With another
``client_encoding`` the server would misread the data of COPY, and later messages of the
same script, without an error. (pgJDBC, and so Flyway, breaks off the connection.)
"""

from __future__ import annotations

import re

from hook.core.sql.lexer import SqlSyntaxError
from hook.core.sql.statement_list import Statement

SENT_IN = "UTF8"
_SETTING = "client_encoding"
_CALL = re.compile(rf"set_config\s*\(\s*'{_SETTING}'\s*,\s*'([^']*+)'".encode(), re.IGNORECASE)
_NOT_ALPHANUMERIC = re.compile(r"[^a-z0-9]")
# DEFAULT is what the connection was opened with.
_UTF_8 = frozenset({"utf8", "unicode", "default"})
_LONGEST = 5


def refuse_other_encoding(statement: Statement) -> None:
    """Refuse a SET of ``client_encoding`` to anything but UTF-8.

    Raises:
        SqlSyntaxError: *statement* is one.
    """
    encoding = _new_encoding(statement)
    if encoding and _NOT_ALPHANUMERIC.sub("", encoding.lower()) not in _UTF_8:
        problem = f"{_SETTING} set to {encoding}, but scripts are sent in {SENT_IN}"
        raise SqlSyntaxError(statement.line, problem)


def _new_encoding(statement: Statement) -> str:
    """Return the encoding that *statement* sets, nothing if it sets none."""
    if statement.head == "SELECT":
        call = _CALL.search(statement.source.sql, statement.start, statement.end)
        return call[1].decode() if call else ""
    if statement.head != "SET":
        return ""
    match [word for word in statement.words(_LONGEST) if word not in {"SESSION", "LOCAL"}]:
        case ["SET", "NAMES", value, *_]:
            return value.strip("'")
        case ["SET", name, "TO" | "=", value, *_] if name.strip('"').lower() == _SETTING:
            return value.strip("'")
        case _:
            return ""
