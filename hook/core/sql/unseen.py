"""What a statement, or a function it runs, may keep in a session without the server telling.

Temporary tables, locks and settings are asked for. A setting with a dot in its name is not
shown by any view, nor what the languages, libraries and extensions keep for themselves.
"""

from __future__ import annotations

import re

from hook.core.sql.statement_list import Statement
from hook.core.text import one_line

# The same is looked for in functions, see session_unseen.sql. SET in front of a quote or a
# percent sign is put together by PL/pgSQL.
_UNSEEN = re.compile(
    rb"\bset\s+(?:session\s+)?(?:\"?[\w$]+\"?\s*\.|%|')"
    rb"|\bload\s+'"
    rb"|\bcreate\s+extension\b"
    rb"|\balter\s+(?:database|role|user)\b"
    rb"|\blanguage\s+['\"]?(?:c|internal|pl(?!pgsql\b)\w+)\b",
    re.IGNORECASE,
)


def kept_unseen(statement: Statement) -> str:
    """Return the words of *statement* that may keep something of which nobody can ask."""
    found = _UNSEEN.search(statement.source.sql, statement.start, statement.end)
    return "" if found is None else one_line(found[0].decode(errors="replace"))
