"""A script, or a part of one, as the message in which it is sent, and the way back to its lines.

PostgreSQL parses all statements of a simple-protocol Query message, then runs
them in order and stops at the first error, so that a script, its history row and
the COMMIT cost one round trip.
https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from hook.core.sql.statement_list import Statement, StatementList

# The line feed ends a comment that the script itself ends in.
_TERMINATOR = b"\n;\n"
# Of all meta-commands only these pass the parser, see `hook.core.sql.statements`.
_PSQL_WORDS = (b"\\restrict", b"\\unrestrict")
# From so many bytes on it is worth it to read a script again, and from that share of it on.
_LARGE = 1_000_000
_LARGE_SHARE = 2 / 3


class Moment(Enum):
    """What an attempt at a script was doing."""

    UNSENT = "nothing of it was sent"
    OPENING = "before its first statement"
    CLEARING = "dropping what a failed build left"
    NOTING = "noting in the ledger how far it is"
    NOTED = "correcting that note"
    FINISHING = "finishing what an earlier attempt began"
    SCRIPT = "in its statements"
    RECORDING = "its row in the schema history"
    CONFIRMING = "its row in the schema history, read back"
    COMMIT = "COMMIT"


class Own(NamedTuple):
    """A statement of presync's own around those of the script."""

    moment: Moment
    sql: str


class Found(NamedTuple):
    """What an error belongs to; the script's statement and its 1-based line, if it is one."""

    moment: Moment
    statement: Statement | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class ScriptMessage:
    """One Query message: statements of ours, some of the script, and statements of ours again.

    Attributes:
        statements: Those of the script, in the order sent.
    """

    statements: StatementList
    before: tuple[Own, ...] = ()
    after: tuple[Own, ...] = ()

    @property
    def count(self) -> int:
        """Return the number of all statements."""
        return len(self.before) + len(self.statements) + len(self.after)

    @property
    def copies(self) -> tuple[memoryview, ...]:
        """Return the data of each COPY … FROM STDIN in the message, in order, not copied."""
        source = memoryview(self.statements.source.sql)
        copies = (item.copy for _, item in self.statements.exceptions())
        return tuple(source[copy.start : copy.end] for copy in copies if copy is not None)

    @property
    def is_most_of_script(self) -> bool:
        """Tell whether to release the script while this large message is sent.

        libpq then has the message twice: with the message itself and the script, that
        would be up to four times the script.
        """
        whole = len(self.statements.source.sql)
        if whole <= _LARGE:
            return False
        length = sum(end - start for start, end in self._stretches())
        return length > _LARGE and length > whole * _LARGE_SHARE

    def encode(self) -> bytes:
        """Return the message, UTF-8, made anew at each call.

        The script is sent in stretches as it stands; only what psql alone understands is
        cut out: the data of COPY, and two meta-commands.
        """
        source = memoryview(self.statements.source.sql)
        pieces: list[bytes | memoryview] = [_encoded(self.before)]
        for start, end in self._stretches():
            pieces += (source[start:end], _TERMINATOR)
        return b"".join((*pieces, _encoded(self.after)))

    def sent_with(self, _index: int) -> bytes:
        """Return the text in which the server counts the position of an error: all of it."""
        return self.encode()

    def find(self, index: int, offset: int | None) -> Found:
        """Return what an error belongs to.

        The offset decides where there is one: a syntax error is found while
        nothing of the message has run yet, whichever statement it is in.

        Args:
            index: How many statements of the message finished before the error.
            offset: Of the error in the message, in bytes; none for errors at run time.
        """
        at = min(index, self.count - 1)
        inside = at - len(self.before)
        if inside >= len(self.statements):
            return Found(self.after[inside - len(self.statements)].moment)
        if offset is not None and (place := self._place_in_source(offset)) is not None:
            return self._found_at(place)
        if inside < 0:
            return Found(self.before[at].moment)
        statement = self.statements[inside]
        return Found(Moment.SCRIPT, statement, statement.line)

    def _place_in_source(self, offset: int) -> int | None:
        """Return where in the source byte *offset* of the message comes from, if it does."""
        offset -= len(_encoded(self.before))
        for start, end in self._stretches():
            length = end - start + len(_TERMINATOR)
            if offset < length:
                return start + offset if offset >= 0 else None
            offset -= length
        return None

    def _found_at(self, place: int) -> Found:
        """Return the statement at *place* of the source."""
        statement = self.statements[max(self.statements.begun_by(place) - 1, 0)]
        line = statement.source.line_at(min(place, statement.end))
        return Found(Moment.SCRIPT, statement, line)

    def _stretches(self) -> Iterator[tuple[int, int]]:
        """Yield the parts of the source that only the server's statements and comments are in."""
        first = 0
        for stop in (*_breaks(self.statements), len(self.statements)):
            if stop > first:
                yield self.statements[first:stop].extent
                first = stop


def _encoded(statements: Sequence[Own]) -> bytes:
    return "".join([f"{item.sql};\n" for item in statements]).encode()


def _breaks(statements: StatementList) -> list[int]:
    """Return the indexes of the statements in front of which something is to be cut out."""
    sql, (start, end) = statements.source.sql, statements.extent
    found = {at + 1 for at, item in statements.exceptions() if item.copy is not None}
    for word in _PSQL_WORDS:
        position = start - 1
        while (position := sql.find(word, position + 1, end)) >= 0:
            # A word within a statement cuts in front of the next one, which does no harm.
            found.add(statements.begun_by(position))
    return sorted(found)
