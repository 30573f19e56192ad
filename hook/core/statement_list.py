"""A statement as a place in its script, and all statements of a script in little memory."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import overload

from hook.core.lexer import StringSyntax, Token, tokens

_HEAD = re.compile(r"[A-Za-z]*+")


class StatementKind(StrEnum):
    """Who would execute a statement: the server, or psql alone."""

    SQL = "sql"
    META = "meta"


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one script, and where its lines end."""

    text: str = field(repr=False)
    newlines: Sequence[int] = field(repr=False, compare=False)

    @classmethod
    def of(cls, text: str) -> Source:
        """Index the lines of *text*: only a newline ends one, as in an editor."""
        return cls(text, array("I", (found.start() for found in re.finditer("\n", text))))

    def line_at(self, offset: int) -> int:
        """Return the 1-based line of the character at *offset*."""
        return bisect_left(self.newlines, offset) + 1


@dataclass(frozen=True, slots=True)
class CopyData:
    r"""The inline data behind a COPY … FROM STDIN: ``text[start:end]`` of its source.

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
        start: Offset of the first token, in characters.
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
    def text(self) -> str:
        """Return the statement as written, copied out of the source at each call."""
        return self.source.text[self.start : self.end]

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
        return self.source.text[self.copy.start : self.copy.end] if self.copy else None

    @property
    def head(self) -> str:
        """Return the first word in upper case, empty when no word is first."""
        found = _HEAD.match(self.source.text, self.start, self.end)
        return found[0].upper() if found else ""

    def tokens(self) -> Iterator[Token]:
        """Yield the tokens without spaces and comments; offsets are the source's."""
        return tokens(self.source.text, self.start, self.end, self.string_syntax)

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
            return self._picked(range(len(self))[index])
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
        return self._picked([at for at in range(len(self)) if at not in dropped])

    def _picked(self, indexes: Sequence[int]) -> StatementList:
        return StatementList(
            self.source,
            array("I", (self.starts[at] for at in indexes)),
            array("I", (self.ends[at] for at in indexes)),
            {new: self.special[at] for new, at in enumerate(indexes) if at in self.special},
        )
