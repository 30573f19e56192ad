"""Where psql would put the value of one of its variables into SQL: ``a[1:PORT]``.

Outside of quotes and comments it takes a colon and the name of a variable that is set for
a reference to it; a backslash in front of the colon protects it, and is not sent.
https://www.postgresql.org/docs/current/app-psql.html#APP-PSQL-INTERPOLATION
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hook.core.sql.statement_list import StatementList

_NAME = rb"[0-9]*+[A-Za-z_\x80-\xff][A-Za-z0-9_\x80-\xff]*+"
# A number alone, as in a[1:2], could only be a variable that somebody called so.
_REFERENCE = re.compile(rb"(?<!:):(?:%s|'%s'|\"%s\"|\{\?%s\})" % ((_NAME,) * 4))


def psql_references(statements: StatementList) -> Iterator[int]:
    """Yield where in the source of *statements* psql would read a variable, in order.

    Each is the place of a colon. Only statements that may hold one are read.
    """
    sql, position = statements.source.sql, 0
    while found := _REFERENCE.search(sql, position):
        position = found.end()
        at = statements.begun_by(found.start()) - 1
        if at >= 0 and found.start() < statements[at].end:  # else it is in a comment
            statement = statements[at]
            signs = (token.start for token in statement.tokens() if token.word == ":")
            yield from (sign for sign in signs if _REFERENCE.match(sql, sign))
            position = statement.end
