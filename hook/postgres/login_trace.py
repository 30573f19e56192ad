"""What the server answered during a login.

libpq keeps the SQLSTATE of a refused login to itself (``PQconnectPoll`` frees the
result), and its message is written in the server's language. Its protocol trace has
the code in a fixed form. Since libpq 18 the trace covers the whole login, TLS or not;
it goes to anonymous memory, never to a file, as it may hold what we answered.
https://www.postgresql.org/docs/current/libpq-control.html#LIBPQ-PQTRACE
"""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from psycopg import pq

from hook.core.execution.sqlstate import ServerMessage

if TYPE_CHECKING:
    from psycopg.pq.abc import PGconn

_FIRST_WITH_LOGIN = 180000
# One line per message of the protocol; S, V and C come before anything a user can choose.
# Compiled on use: most logins are not refused.
_REFUSAL = (
    r'^B\t\d+\tErrorResponse\t S "(?P<severity>[^"]*)" (?:V "[^"]*" )?C "(?P<sqlstate>\w{5})"'
    r' M "(?P<message>.*?)"(?: D "(?P<detail>.*?)")?(?: H "(?P<hint>.*?)")?'
    r'(?: [A-Za-z] "| +\\x00|$)'
)
_READY = "\tReadyForQuery\t"


class LoginTrace:
    """Records one login. On a libpq that cannot it stays empty."""

    def __init__(self, pgconn: PGconn) -> None:
        """Start recording *pgconn*."""
        self._pgconn = pgconn
        self.is_recording = pq.version() >= _FIRST_WITH_LOGIN and sys.platform == "linux"
        if self.is_recording:
            self._memory = os.memfd_create("login")
            pgconn.trace(self._memory)
            pgconn.set_trace_flags(pq.Trace.SUPPRESS_TIMESTAMPS)

    def stop(self) -> str:
        """Stop recording and return the text."""
        if not self.is_recording:
            return ""
        self._pgconn.untrace()
        size = os.lseek(self._memory, 0, os.SEEK_END)
        text = os.pread(self._memory, size, 0).decode("utf-8", "replace")
        os.close(self._memory)
        return text


def parse_refusal(trace: str) -> ServerMessage | None:
    """Return the error with which the server ended the login of *trace*, if it did."""
    found = re.search(_REFUSAL, trace, re.DOTALL | re.MULTILINE)
    if found is None:
        return None
    return ServerMessage(
        found["severity"],
        found["sqlstate"],
        found["message"],
        found["detail"] or "",
        found["hint"] or "",
    )


def is_login_complete(trace: str) -> bool:
    """Tell whether the server had accepted the login before libpq gave up."""
    return _READY in trace
