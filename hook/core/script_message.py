"""A script as the one message in which it is sent, and the way back to its lines.

PostgreSQL parses all statements of a simple-protocol Query message, then runs
them in order and stops at the first error, so that a script, its history row and
the COMMIT cost one round trip.
https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import Enum

from hook.core.lexer import StringSyntax
from hook.core.statement_list import Statement, StatementList

# The line feed ends a comment that the script itself ends in.
_TERMINATOR = "\n;\n"
# Of all meta-commands only these pass the parser, see `hook.core.statements`.
_PSQL_WORDS = ("\\restrict", "\\unrestrict")


class Moment(Enum):
    """What an attempt at a script was doing."""

    UNSENT = "nothing of it was sent"
    OPENING = "before its first statement"
    SCRIPT = "in its statements"
    RECORDING = "its row in the schema history"
    COMMIT = "COMMIT"


@dataclass(frozen=True, slots=True)
class Own:
    """A statement of presync's own around those of the script."""

    moment: Moment
    sql: str


@dataclass(frozen=True, slots=True)
class Found:
    """What an error belongs to; the script's statement and its 1-based line, if it is one."""

    moment: Moment
    statement: Statement | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class _Segment:
    """A stretch of the source that is part of the message as it stands, offsets in characters."""

    source_start: int
    message_start: int


@dataclass(frozen=True, slots=True)
class ScriptMessage:
    """One Query message: statements of ours, the script, and statements of ours again.

    Attributes:
        data: The message, UTF-8.
        statements: The script's own statements, in the order sent.
        before: What the statements of ours do that precede them.
        after: The same for those that follow.
    """

    data: bytes = field(repr=False)
    statements: StatementList
    before: tuple[Moment, ...]
    after: tuple[Moment, ...]
    segments: tuple[_Segment, ...]

    @property
    def count(self) -> int:
        """Return the number of all statements."""
        return len(self.before) + len(self.statements) + len(self.after)

    def find(self, index: int, position: int | None) -> Found:
        """Return what an error belongs to.

        The position decides where there is one: a syntax error is found while
        nothing has run yet, whichever statement it is in.

        Args:
            index: How many statements of the message finished before the error.
            position: 1-based character in the message, none for errors at run time.
        """
        at = min(index, self.count - 1)
        inside = at - len(self.before)
        if inside >= len(self.statements):
            return Found(self.after[inside - len(self.statements)])
        if position is not None and (segment := self._segment_at(position - 1)) is not None:
            return self._found_at(segment.source_start + position - 1 - segment.message_start)
        if inside < 0:
            return Found(self.before[at])
        statement = self.statements[inside]
        return Found(Moment.SCRIPT, statement, statement.line)

    def character(self, position: int) -> int:
        """Return the 1-based character of the 1-based byte at *position*."""
        return len(self.data[: position - 1].decode("utf-8", "ignore")) + 1

    def _segment_at(self, offset: int) -> _Segment | None:
        inside = bisect_right(self.segments, offset, key=lambda item: item.message_start) - 1
        return self.segments[inside] if inside >= 0 else None

    def _found_at(self, offset: int) -> Found:
        """Return the statement of the character at *offset* of the source."""
        statement = self.statements[max(bisect_right(self.statements.starts, offset) - 1, 0)]
        line = statement.source.line_at(min(offset, statement.end))
        return Found(Moment.SCRIPT, statement, line)


def compose_messages(
    statements: StatementList, before: Sequence[Own], after: Sequence[Own]
) -> tuple[ScriptMessage, ...]:
    """Return what to send to run *before*, the script's statements and *after*, in order.

    One message, but for a script that turns ``standard_conforming_strings`` off:
    the server would read all strings of a message by the setting it began with.
    """
    if any(item.string_syntax is StringSyntax.ESCAPE for item in statements.special.values()):
        single = (statements[index : index + 1] for index in range(len(statements)))
        return (
            compose_message(statements[:0], before),
            *(compose_message(item) for item in single),
            compose_message(statements[:0], (), after),
        )
    return (compose_message(statements, before, after),)


def compose_message(
    statements: StatementList, before: Sequence[Own] = (), after: Sequence[Own] = ()
) -> ScriptMessage:
    """Return the one message that runs everything in order.

    The script is sent in stretches as it stands, to save memory; only what psql alone
    understands is cut out: the data of COPY, and two meta-commands.
    """
    head = "".join(f"{item.sql};\n" for item in before)
    pieces = [head.encode()]
    segments: list[_Segment] = []
    length = len(head)
    for start, end in _stretches(statements):
        segments.append(_Segment(start, length))
        pieces += (statements.source.text[start:end].encode(), _TERMINATOR.encode())
        length += end - start + len(_TERMINATOR)
    pieces += (f"{item.sql};\n".encode() for item in after)
    return ScriptMessage(
        data=b"".join(pieces),
        statements=statements,
        before=tuple(item.moment for item in before),
        after=tuple(item.moment for item in after),
        segments=tuple(segments),
    )


def _stretches(statements: StatementList) -> Iterator[tuple[int, int]]:
    """Yield the parts of the source that only the server's statements and comments are in."""
    first = 0
    for stop in (*_breaks(statements), len(statements)):
        if stop > first:
            yield statements.starts[first], statements.ends[stop - 1]
            first = stop


def _breaks(statements: StatementList) -> list[int]:
    """Return the indexes of the statements in front of which something is to be cut out."""
    text, starts = statements.source.text, statements.starts
    found = {at + 1 for at, item in statements.special.items() if item.copy is not None}
    for word in _PSQL_WORDS:
        position = -1
        while (position := text.find(word, position + 1)) >= 0:
            # A word within a statement cuts in front of the next one, which does no harm.
            found.add(bisect_right(starts, position))
    return sorted(found)
