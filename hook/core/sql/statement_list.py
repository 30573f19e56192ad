"""A statement as a place in its script, and all statements of a script in little memory."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import NamedTuple, overload

from hook.core.sql.lexer import StringSyntax, Token, tokens
from hook.core.sql.lines import line_end
from hook.core.sql.places import Place, Places

_BLOCK = 16_384
_HEAD = re.compile(rb"[A-Za-z]*+")


class StatementKind(StrEnum):
    """Who would execute a statement: the server, or psql alone."""

    SQL = "sql"
    META = "meta"


class Source:
    """One script as UTF-8, and where its lines end; offsets count bytes."""

    __slots__ = ("_line_end", "_lines", "_read_again", "_sql")

    def __init__(self, sql: bytes) -> None:
        """Keep *sql*; its lines end as in an editor."""
        self._line_end = line_end(sql)
        # Of the blocks up to which somebody has asked: how many lines end in front of each.
        self._lines = array("I", (0,))
        self._sql: bytes | None = sql
        self._read_again: Callable[[], bytes] | None = None

    @property
    def sql(self) -> bytes:
        """Return the script, read again if it was released."""
        if self._sql is None:
            assert self._read_again is not None  # noqa: S101 - see `release`
            self._sql = self._read_again()
        return self._sql

    def can_be_read_by(self, read_again: Callable[[], bytes]) -> None:
        """Allow `release`: *read_again* returns the same bytes, or raises."""
        self._read_again = read_again

    def release(self) -> None:
        """Give up the memory until the script is asked for again, if that is possible."""
        if self._read_again is not None:
            self._sql = None

    def line_at(self, offset: int) -> int:
        """Return the 1-based line of the byte at *offset*."""
        sql, end, lines, block = self.sql, self._line_end, self._lines, offset // _BLOCK
        for start in range((len(lines) - 1) * _BLOCK, block * _BLOCK, _BLOCK):
            lines.append(lines[-1] + sql.count(end, start, start + _BLOCK))
        return lines[block] + sql.count(end, block * _BLOCK, offset) + 1


class CopyData(NamedTuple):
    r"""The inline data behind a COPY … FROM STDIN: ``sql[start:end]`` of its source.

    Attributes:
        terminated: Whether a line ``\.`` ended the data; otherwise the file did.
    """

    start: int
    end: int
    terminated: bool


class Statement(NamedTuple):
    """One statement: a stretch of its source, without the semicolon.

    Attributes:
        start: Offset of the first token.
        end: Offset behind the statement; the semicolon stands there if there is one.
        terminated: Whether a semicolon ended it; otherwise the file did.
        string_syntax: What a backslash in '…' meant when it was read.
        copy: Its inline data, for COPY … FROM STDIN only.
    """

    source: Source
    start: int
    end: int
    kind: StatementKind = StatementKind.SQL
    terminated: bool = True
    string_syntax: StringSyntax = StringSyntax.STANDARD
    copy: CopyData | None = None

    @property
    def sql(self) -> bytes:
        """Return the statement as it is sent, copied out of the source at each call."""
        return self.source.sql[self.start : self.end]

    @property
    def text(self) -> str:
        """Return the statement as written, copied out of the source at each call."""
        return self.sql.decode()

    @property
    def line(self) -> int:
        """Return the 1-based line of the first token."""
        return self.source.line_at(self.start)

    @property
    def end_line(self) -> int:
        """Return the 1-based line of the semicolon, or of the last character."""
        return self.source.line_at(self.end if self.terminated else self.end - 1)

    @property
    def copy_data(self) -> str | None:
        """Return the inline COPY data with its last newline, copied at each call."""
        if self.copy is None:
            return None
        return self.source.sql[self.copy.start : self.copy.end].decode()

    @property
    def head(self) -> str:
        """Return the first word in upper case, empty when no word is first."""
        found = _HEAD.match(self.source.sql, self.start, self.end)
        return found[0].decode().upper() if found else ""

    def tokens(self) -> Iterator[Token]:
        """Yield the tokens without spaces and comments; offsets are the source's."""
        return tokens(self.source.sql, self.start, self.end, self.string_syntax)

    def words(self, limit: int) -> tuple[str, ...]:
        """Return the first *limit* tokens for matching: words in upper case, the rest as written.

        A quoted identifier keeps its quotes, so that it never passes for a keyword.
        """
        return tuple(token.word or token.text for token in islice(self.tokens(), limit))


@dataclass(frozen=True, slots=True)
class StatementList(Sequence[Statement]):
    """The statements of one script, a few bytes each until one is looked at.

    A dump of single-row INSERTs has statements shorter than a `Statement` is big: as
    objects they would take several times the memory of the script itself.

    Attributes:
        places: Of all statements of the script.
        special: By index, each statement that its place does not describe: COPY with
            data, a meta-command, an unterminated last one, one in escape string syntax.
        span: Indexes of those of the script that are in the list; ascending.
    """

    source: Source
    places: Places = field(repr=False)
    special: Mapping[int, Statement] = field(repr=False)
    span: range = field(repr=False)

    @classmethod
    def whole(
        cls, source: Source, places: Places, special: Mapping[int, Statement]
    ) -> StatementList:
        """Return all statements of *source*."""
        return cls(source, places, special, range(len(places)))

    def __len__(self) -> int:
        return len(self.span)

    @overload
    def __getitem__(self, index: int) -> Statement: ...
    @overload
    def __getitem__(self, index: slice) -> StatementList: ...
    def __getitem__(self, index: int | slice) -> Statement | StatementList:
        if isinstance(index, slice):
            return StatementList(self.source, self.places, self.special, self.span[index])
        at = self.span[index]
        return self.special.get(at) or Statement(self.source, *self.places.at(at))

    def __iter__(self) -> Iterator[Statement]:
        span, special = self.span, self.special
        places = islice(self.places.between(span.start, span.stop), 0, None, span.step)
        for at, (start, end) in zip(span, places, strict=True):
            yield special.get(at) or Statement(self.source, start, end)

    def starting(self, pattern: re.Pattern[bytes]) -> Iterator[Statement]:
        """Yield the statements that begin with *pattern*; no other one is made an object."""
        sql, span, special = self.source.sql, self.span, self.special
        places = islice(self.places.between(span.start, span.stop), 0, None, span.step)
        for at, (start, end) in zip(span, places, strict=True):
            if pattern.match(sql, start, end):
                yield special.get(at) or Statement(self.source, start, end)

    @property
    def extent(self) -> Place:
        """Return where the first one starts and the last one ends."""
        if not self.span:
            return 0, 0
        return self.places.at(self.span[0])[0], self.places.at(self.span[-1])[1]

    def exceptions(self) -> Iterator[tuple[int, Statement]]:
        """Yield index and statement of those in the list that are special."""
        for index, at in enumerate(self.span if self.special else ()):
            if at in self.special:
                yield index, self.special[at]

    def begun_by(self, offset: int) -> int:
        """Return how many of the list start at *offset* of the source or in front of it."""
        return min(max(self.places.begun_by(offset) - self.span.start, 0), len(self))

    def ended_by(self, offset: int) -> int:
        """Return how many of the list end at *offset* of the source or in front of it."""
        begun = self.begun_by(offset)
        return begun - (begun > 0 and self.places.at(self.span[begun - 1])[1] > offset)

    def without(self, kind: StatementKind) -> StatementList:
        """Return the statements that are not of *kind*."""
        if not any(statement.kind is kind for statement in self.special.values()):
            return self
        places = Places()
        special: dict[int, Statement] = {}
        for at, statement in zip(self.span, self, strict=True):
            if statement.kind is not kind:
                if at in self.special:
                    special[len(places)] = statement
                places.add(statement.start, statement.end)
        return StatementList.whole(self.source, places, special)
