"""A script as the one message in which it is sent, and the way back to its lines.

PostgreSQL parses all statements of a simple-protocol Query message, then runs
them in order and stops at the first error, so that a script, its history row and
the COMMIT cost one round trip.
https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from hook.core.lexer import StringSyntax
from hook.core.statement_list import Statement, StatementList

# The newline first: the last statement of a script may end in a line comment.
_TERMINATOR = "\n;\n"
# Of all meta-commands only these pass the parser, see `hook.core.statements`.
_PSQL_WORDS = ("\\restrict", "\\unrestrict")


@dataclass(frozen=True, slots=True)
class ScriptMessage:
    """One Query message: statements of ours, the script, and statements of ours again.

    Attributes:
        text: The SQL to send.
        statements: The script's own statements, in the order sent.
        before: How many statements of ours precede them.
        count: Of all statements in *text*.
        starts: Offset in *text* of each statement of the script.
    """

    text: str
    statements: StatementList
    before: int
    count: int
    starts: Sequence[int]

    def find(self, index: int, position: int | None) -> tuple[Statement | None, int]:
        """Return the script's statement that an error belongs to, and its 1-based line.

        The position decides where there is one: a syntax error is found while
        nothing has run yet, whichever statement it is in.

        Args:
            index: How many statements of the message finished before the error.
            position: 1-based character in *text*, none for errors at run time.

        Returns:
            No statement and line 0 when the error is in a statement of ours.
        """
        if position is None:
            inside = index - self.before
            if not 0 <= inside < len(self.statements):
                return None, 0
            statement = self.statements[inside]
            return statement, statement.line
        inside = bisect_right(self.starts, position - 1) - 1
        if inside < 0 or index >= self.before + len(self.statements):
            return None, 0
        statement = self.statements[inside]
        offset = statement.start + position - 1 - self.starts[inside]
        return statement, statement.source.line_at(min(offset, statement.end))


def compose_messages(
    statements: StatementList, before: Sequence[str], after: Sequence[str]
) -> tuple[ScriptMessage, ...]:
    """Return what to send to run *before*, the script's statements and *after*, in order.

    One message, but for a script that turns ``standard_conforming_strings`` off:
    the server would read all strings of a message by the setting it began with.
    """
    if any(item.string_syntax is StringSyntax.ESCAPE for item in statements.special.values()):
        single = (statements[index : index + 1] for index in range(len(statements)))
        nothing = statements[:0]
        return (
            _compose(nothing, before, ()),
            *(_compose(item, (), ()) for item in single),
            _compose(nothing, (), after),
        )
    return (_compose(statements, before, after),)


def _compose(
    statements: StatementList, before: Sequence[str], after: Sequence[str]
) -> ScriptMessage:
    """Return the message; a script of plain statements is sent as it stands, to save memory."""
    head = "".join(f"{item};\n" for item in before)
    tail = "".join(f"{item};\n" for item in after)
    if len(statements) and _is_plain(statements):
        first, last = statements[0].start, statements[-1].end
        script = statements.source.text[first:last] + _TERMINATOR
        starts: Sequence[int] = _Shifted(statements.starts, len(head) - first)
    else:
        pieces = [item.text + _TERMINATOR for item in statements]
        script = "".join(pieces)
        starts = tuple(accumulate((len(piece) for piece in pieces), initial=len(head)))[:-1]
    count = len(before) + len(statements) + len(after)
    return ScriptMessage(f"{head}{script}{tail}", statements, len(before), count, starts)


def _is_plain(statements: StatementList) -> bool:
    """Tell whether the source holds nothing that only psql understands."""
    has_data = any(item.copy is not None for item in statements.special.values())
    return not has_data and not any(word in statements.source.text for word in _PSQL_WORDS)


@dataclass(frozen=True, slots=True)
class _Shifted(Sequence[int]):
    """Numbers moved by a constant, without a copy of them."""

    numbers: Sequence[int]
    shift: int

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> int:  # type: ignore[override]  # slices are not used
        return self.numbers[index] + self.shift
