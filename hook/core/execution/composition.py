"""In what a script is sent: as few round trips as there can be, within the memory of others.

Up to twice the longest message it is one or two messages: nothing is faster. Of what is
longer the last part is a message, with the history row and the COMMIT, and all in front of
that is a stream, which takes the server some half longer; in one message it would hold the
parse trees of it all, eleven to fifteen bytes for each byte.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from functools import cached_property

from hook.core.execution.script_message import Own, ScriptMessage
from hook.core.execution.statement_stream import Sendable, StatementStream
from hook.core.sql.lexer import StringSyntax
from hook.core.sql.places import Place
from hook.core.sql.statement_list import StatementList

# Of the script, in bytes, beside the data of COPY, and beside one statement that is longer.
_LONGEST_MESSAGE = 4_000_000
# With other options it may leave the client alone, but that is seldom, and hard to tell.
_COPY = re.compile(rb"copy", re.IGNORECASE)


def compose_messages(
    statements: StatementList, before: tuple[Own, ...], after: tuple[Own, ...]
) -> Iterator[Sendable]:
    """Yield what to send to run *before*, the script's statements and *after*, in order.

    A script that turns ``standard_conforming_strings`` off goes as a stream however short
    it is: the server would read all strings of a message by the setting it began with.
    """
    cuts, first, count = _Cuts(statements), 0, len(statements)
    while first < count:
        ahead = () if first else before
        end = cuts.message_end(first)
        if end >= count:
            yield ScriptMessage(statements[first:], ahead, after)
            return
        stop = cuts.stream_end(first)
        if end >= stop:
            yield ScriptMessage(statements[first:end], ahead)
        else:
            yield StatementStream(statements[first:stop], ahead)
        first = max(stop, end)
    if after or not count:
        yield ScriptMessage(statements[first:], () if count else before, after)


def compose_readable(
    statements: StatementList, before: tuple[Own, ...], after: tuple[Own, ...]
) -> Iterator[ScriptMessage]:
    """Yield the same as messages alone, with the comments of the script, for who reads them."""
    cuts, first = _Cuts(statements), 0
    while (stop := cuts.message_end(first)) < len(statements):
        yield ScriptMessage(statements[first:stop], () if first else before)
        first = stop
    yield ScriptMessage(statements[first:], () if first else before, after)


class _Cuts:
    """Where a script can be cut; indexes are those of its statements."""

    def __init__(self, statements: StatementList) -> None:
        self._statements = statements
        special = [item for _, item in statements.exceptions()]
        is_escaping = any(item.string_syntax is StringSyntax.ESCAPE for item in special)
        self._longest = 0 if is_escaping else _LONGEST_MESSAGE
        self._data = [(item.copy.start, item.copy.end) for item in special if item.copy]

    def message_end(self, first: int) -> int:
        """Return the index behind the last statement of a message that begins with *first*."""
        if first >= len(self._statements):
            return first
        limit = self._start(first) + self._longest
        if self._statements.extent[1] <= limit:  # as that of nearly all scripts
            return len(self._statements)
        for start, end in self._free(first):
            if start > limit:
                break
            limit += end - start
        return max(self._statements.ended_by(limit), first + 1)

    def stream_end(self, first: int) -> int:
        """Return the index behind the last statement of a stream that begins with *first*.

        It ends in front of what cannot be in it, and leaves a last message if it can.
        """
        tail = self._statements.begun_by(self._statements.extent[1] - self._longest - 1)
        at = bisect_left(self._outside, first)
        return min([tail, *self._outside[at : at + 1]])

    def _start(self, index: int) -> int:
        return self._statements[index : index + 1].extent[0]

    def _free(self, first: int) -> list[Place]:
        """Return what does not count in a message from *first* on, in order."""
        at = bisect_left(self._long, first)
        long = [self._statements[index : index + 1].extent for index in self._long[at : at + 1]]
        data = self._data[bisect_left(self._data, (self._start(first), 0)) :]
        return sorted([*long, *data])

    @cached_property
    def _long(self) -> list[int]:
        """The statements that are longer than a message."""
        if not self._longest:
            return []
        statements = self._statements
        start, end = statements.extent
        # Each crosses at least one of these borders.
        borders = range(start + self._longest, end, self._longest)
        found = {statements.begun_by(border) - 1 for border in borders}
        return sorted(index for index in found if self._is_long(index))

    def _is_long(self, index: int) -> bool:
        start, end = self._statements[index : index + 1].extent
        return end - start > self._longest

    @cached_property
    def _outside(self) -> list[int]:
        """The statements that no stream can have: COPY, and those it would hold twice."""
        copies = (
            self._statements.begun_by(item.start) - 1 for item in self._statements.starting(_COPY)
        )
        return sorted({*copies, *self._long})
