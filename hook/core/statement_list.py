"""A statement as a place in its script, and all statements of a script in little memory."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import accumulate, islice
from typing import overload

from hook.core.lexer import StringSyntax, Token, tokens

_BLOCK = 16_384
_HEAD = re.compile(rb"[A-Za-z]*+")


class StatementKind(StrEnum):
    """Who would execute a statement: the server, or psql alone."""

    SQL = "sql"
    META = "meta"


class Source:
    """One script as UTF-8, and where its lines end; offsets count bytes."""

    __slots__ = ("_newlines", "_read_again", "_sql")

    def __init__(self, sql: bytes) -> None:
        """Count the lines of *sql*: only a newline ends one, as in an editor."""
        counts = (sql.count(b"\n", start, start + _BLOCK) for start in range(0, len(sql), _BLOCK))
        self._newlines = array("I", accumulate(counts, initial=0))
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
        block = offset // _BLOCK
        return self._newlines[block] + self.sql.count(b"\n", block * _BLOCK, offset) + 1


@dataclass(frozen=True, slots=True)
class CopyData:
    r"""The inline data behind a COPY … FROM STDIN: ``sql[start:end]`` of its source.

    Attributes:
        terminated: Whether a line ``\.`` ended the data; otherwise the file did.
    """

    start: int
    end: int
    terminated: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement: a stretch of its source, without the semicolon.

    Attributes:
        start: Offset of the first token.
        end: Offset behind the statement; the semicolon stands there if there is one.
        terminated: Whether a semicolon ended it; otherwise the file did.
        string_syntax: What a backslash in '…' meant when it was read.
        copy: Its inline data, for COPY … FROM STDIN only.
    """

    source: Source = field(repr=False)
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
    """The statements of one script, eight bytes each until one is looked at.

    A dump of single-row INSERTs has statements shorter than a `Statement` is big: as
    objects they would take several times the memory of the script itself.

    Attributes:
        starts: Offset of each statement's first token.
        ends: Offset behind each statement.
        special: By index, each statement that its two offsets do not describe: COPY with
            data, a meta-command, an unterminated last one, one in escape string syntax.
    """

    source: Source
    starts: array[int] = field(repr=False)
    ends: array[int] = field(repr=False)
    special: Mapping[int, Statement] = field(repr=False)

    def __len__(self) -> int:
        return len(self.starts)

    @overload
    def __getitem__(self, index: int) -> Statement: ...
    @overload
    def __getitem__(self, index: slice) -> StatementList: ...
    def __getitem__(self, index: int | slice) -> Statement | StatementList:
        if isinstance(index, slice):
            return self._kept(self.starts[index], self.ends[index], range(len(self))[index])
        at = range(len(self))[index]
        return self.special.get(at) or Statement(self.source, self.starts[at], self.ends[at])

    def __iter__(self) -> Iterator[Statement]:
        for at, (start, end) in enumerate(zip(self.starts, self.ends, strict=True)):
            yield self.special.get(at) or Statement(self.source, start, end)

    def without(self, kind: StatementKind) -> StatementList:
        """Return the statements that are not of *kind*."""
        dropped = {at for at, statement in self.special.items() if statement.kind is kind}
        if not dropped:
            return self
        indexes = array("I", (at for at in range(len(self)) if at not in dropped))
        starts = array("I", (self.starts[at] for at in indexes))
        ends = array("I", (self.ends[at] for at in indexes))
        return self._kept(starts, ends, indexes)

    def _kept(self, starts: array[int], ends: array[int], indexes: Sequence[int]) -> StatementList:
        special = {new: self.special[at] for new, at in enumerate(indexes) if at in self.special}
        return StatementList(self.source, starts, ends, special)
