"""Tokens of PostgreSQL's SQL, cut where the server itself would cut them.

The rules are those of PostgreSQL's ``src/fe_utils/psqlscan.l`` and
``src/backend/parser/scan.l`` (Copyright PostgreSQL Global Development Group and
the Regents of the University of California, PostgreSQL Licence), written anew as
regular expressions. Literals with junk behind a number are read as 15 and later do.

Every character is looked at a bounded number of times. Three things keep it so on
hostile input, and on Python 3.11.0-3.11.4, where a possessive *group* may forget to
give back what its last, failed round consumed:

- repeated groups are bounded, and a loop goes on where the bound was reached,
- their alternatives begin with different characters and are possessive inside,
- what can be long (string, comment, dollar body) is closed by a search, not a repeat.

SQL is read as UTF-8 bytes, as the server reads it: every byte beyond ASCII is a letter, so
no token begins or ends within a character, and a script takes no more memory than its file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, StrEnum
from typing import NamedTuple

from hook.core.sql.lines import line_of
from hook.core.sql.words import LONGEST_NAME, fold, upper_case

SPACES = b" \t\n\r\f\v"
_HORIZONTAL = r" \t\f\v"
# Everything beyond ASCII may stand in an identifier, a no-break space included.
_LETTER = r"[^\x00-@\[-^`{-\x7f]"
_LETTER_OR_DIGIT = r"[^\x00-/:-@\[-^`{-\x7f]"
_LETTER_DIGIT_OR_DOLLAR = r"[^\x00-\#%-/:-@\[-^`{-\x7f]"
_SPACE = rf"{_HORIZONTAL}\n\r"
_IDENTIFIER = rf"{_LETTER}{_LETTER_DIGIT_OR_DOLLAR}*+"
_NUMBER = (
    r"(?:[0-9][0-9_]*+(?:\.(?!\.)[0-9_]*+)?|\.[0-9][0-9_]*+)"
    rf"(?:[eE][-+]?[0-9][0-9_]*+)?(?:{_IDENTIFIER})?"
)
_PARAMETER = rf"\$[0-9]++(?:{_IDENTIFIER})?"
_LINE_COMMENT = r"--[^\r\n]*+"
# An operator ends where a comment begins, even in the middle of its characters.
_OPERATOR_SIGNS = r"~!@\#^&|`?+*%<>="
_MINUS_OR_SLASH = r"-(?!-)|/(?!\*)"

_TOKEN = re.compile(
    rf"""
      (?P<space>[{_SPACE}]++)
    | (?P<line_comment>{_LINE_COMMENT})
    | (?P<block_comment>/\*)
    | (?P<escape_string>[eE]')
    | (?P<bit_string>[bBxX]')
    | (?P<unicode_string>[uU]&')
    | (?P<string>[nN]?')
    | (?P<quoted>(?:[uU]&)?")
    | (?P<word>{_IDENTIFIER})
    | (?P<number>{_NUMBER})
    | (?P<parameter>{_PARAMETER})
    | (?P<dollar>\$(?:{_LETTER}{_LETTER_OR_DIGIT}*+)?\$)
    | (?P<operator>(?:[{_OPERATOR_SIGNS}]|{_MINUS_OR_SLASH}){{1,63}})
    | (?P<sign>::|:=|\.\.|.)
    """.encode(),
    re.VERBOSE | re.DOTALL,
)

# Runs of tokens that are complete in themselves and cannot end a statement. A string is
# taken only if its line rules out that it goes on, and without an E only if no backslash is in it.
_STRING_IS_OVER = rf"(?=[{_HORIZONTAL}]*+[^{_SPACE}'-])"
_UNREMARKABLE = re.compile(
    rf"""(?:
      [{_SPACE},.:\[\]{_OPERATOR_SIGNS}]++
    | '[^'\\]*+(?:''[^'\\]*+){{0,50}}'{_STRING_IS_OVER}
    | (?![eEbBxXnN]'|[uU]&['"]){_IDENTIFIER}
    | {_NUMBER}
    | [eE]'[^'\\]*+(?:(?:''|\\.)[^'\\]*+){{0,50}}'{_STRING_IS_OVER}
    | {_MINUS_OR_SLASH}
    | "[^"]*+"
    | {_PARAMETER}
    | {_LINE_COMMENT}
    ){{0,200}}""".encode(),
    re.VERBOSE | re.DOTALL,
)

_PLAIN_REST = re.compile(rb"(?:[^']++|''){0,200}('?)")
_ESCAPED_REST = re.compile(rb"(?:[^'\\]++|''|\\.){0,200}('?)", re.DOTALL)
_QUOTED_REST = re.compile(rb'[^"]*+("?)')
_COMMENT_EDGE = re.compile(rb"/\*|\*/")
_LINE_END = re.compile(rf"[{_HORIZONTAL}]*+(?:{_LINE_COMMENT})?[\r\n]".encode())
_BLANK_LINES = re.compile(rf"(?:[{_SPACE}]++|{_LINE_COMMENT}[\r\n]){{0,200}}".encode())


class SqlSyntaxError(ValueError):
    """A script cannot be cut into statements, or holds what no server understands.

    Attributes:
        line: 1-based line of the construct.
        problem: The construct and what is wrong with it, lower case, no full stop.
    """

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(f"line {line}: {problem}")
        self.line = line
        self.problem = problem


class StringSyntax(Enum):
    """The value of ``standard_conforming_strings``: what a backslash in '…' means."""

    STANDARD = "on"
    ESCAPE = "off"


class TokenKind(StrEnum):
    """What a token is to whoever reads statements; keywords are words."""

    SPACE = "space"
    COMMENT = "comment"
    WORD = "word"
    QUOTED = "quoted identifier"
    STRING = "string"
    NUMBER = "number"
    PARAMETER = "parameter"
    OPERATOR = "operator"
    SIGN = "sign"


class Token(NamedTuple):
    """One token: ``sql[start:end]``."""

    kind: TokenKind
    sql: bytes
    start: int
    end: int

    @property
    def text(self) -> str:
        """Return the token as written, copied at each call."""
        return self.sql[self.start : self.end].decode()

    @property
    def word(self) -> str:
        """Return an unquoted word of ASCII letters in upper case, a sign as it is, else nothing."""
        if self.kind is TokenKind.WORD:
            text = self.sql[self.start : self.end]
            return upper_case(text) if len(text) <= LONGEST_NAME else fold(text)
        return self.text if self.kind is TokenKind.SIGN else ""

    def head(self, length: int) -> str:
        """Return the first *length* characters of the text; a token may be of any size."""
        end = min(self.end, self.start + length * _LONGEST_CHARACTER)
        return self.sql[self.start : end].decode(errors="ignore")[:length]


# Group of `_TOKEN` → kind, and what an unclosed one is called by the server.
_KINDS = {
    "space": (TokenKind.SPACE, ""),
    "line_comment": (TokenKind.COMMENT, ""),
    "block_comment": (TokenKind.COMMENT, "unterminated /* comment"),
    "escape_string": (TokenKind.STRING, "unterminated quoted string"),
    "bit_string": (TokenKind.STRING, "unterminated bit string literal"),
    "unicode_string": (TokenKind.STRING, "unterminated quoted string"),
    "string": (TokenKind.STRING, "unterminated quoted string"),
    "quoted": (TokenKind.QUOTED, "unterminated quoted identifier"),
    "word": (TokenKind.WORD, ""),
    "number": (TokenKind.NUMBER, ""),
    "parameter": (TokenKind.PARAMETER, ""),
    "dollar": (TokenKind.STRING, "unterminated dollar-quoted string"),
    "operator": (TokenKind.OPERATOR, ""),
    "sign": (TokenKind.SIGN, ""),
}
INSIGNIFICANT = frozenset({TokenKind.SPACE, TokenKind.COMMENT})
_UNCLOSED = -1
_LONGEST_CHARACTER = 4


def skip_unremarkable(sql: bytes, position: int) -> int:
    """Return the end of the tokens at *position* that need no look.

    What stands there is then a semicolon, a parenthesis, a backslash, the start of a
    token for `token_at`, or the end of *sql*. *position* must be a token's start.
    """
    found = _UNREMARKABLE.match(sql, position)
    return found.end() if found else position


def token_at(sql: bytes, position: int, syntax: StringSyntax) -> Token:
    """Return the token, space or comment that starts at *position*.

    Raises:
        IndexError: Nothing starts there: *position* is the end of *sql*.
        SqlSyntaxError: A quote, dollar quote or comment is not closed.
    """
    found = _TOKEN.match(sql, position)
    if found is None:
        raise IndexError(position)
    group = found.lastgroup or ""
    kind, unclosed = _KINDS[group]
    end = _token_end(sql, found, group, syntax) if unclosed else found.end()
    if end == _UNCLOSED:
        raise SqlSyntaxError(line_of(sql, position), unclosed)
    return Token(kind, sql, position, end)


def lexemes(sql: bytes, start: int, end: int, syntax: StringSyntax) -> Iterator[Token]:
    """Yield everything in ``sql[start:end]``, spaces and comments included.

    Raises:
        SqlSyntaxError: A quote, dollar quote or comment is not closed.
    """
    position = start
    while position < end:
        token = token_at(sql, position, syntax)
        yield token
        position = token.end


def tokens(sql: bytes, start: int, end: int, syntax: StringSyntax) -> Iterator[Token]:
    """Yield the tokens of ``sql[start:end]`` without spaces and comments.

    Raises:
        SqlSyntaxError: A quote, dollar quote or comment is not closed.
    """
    position = start
    while position < end:
        if sql[position] in SPACES:  # most of what stands between two tokens is one space
            position += 1
        else:
            token = token_at(sql, position, syntax)
            position = token.end
            if token.kind is not TokenKind.COMMENT:
                yield token


def _token_end(sql: bytes, opening: re.Match[bytes], group: str, syntax: StringSyntax) -> int:
    """Return where the construct that *opening* starts is closed, else `_UNCLOSED`."""
    position = opening.end()
    if group == "block_comment":
        return _comment_end(sql, position)
    if group == "dollar":
        # No rescan is needed for `$a$x$b$a$`: any `$` may start the closing tag.
        found = sql.find(opening[0], position)
        return found + len(opening[0]) if found >= 0 else _UNCLOSED
    if group == "quoted":
        return _quoted_end(sql, position)
    escapes = group == "escape_string" or (group == "string" and syntax is StringSyntax.ESCAPE)
    return _string_end(sql, position, _ESCAPED_REST if escapes else _PLAIN_REST)


def _comment_end(sql: bytes, position: int) -> int:
    depth = 1
    while depth:
        edge = _COMMENT_EDGE.search(sql, position)
        if edge is None:
            return _UNCLOSED
        depth += 1 if edge[0] == b"/*" else -1
        position = edge.end()
    return position


def _quoted_end(sql: bytes, position: int) -> int:
    while (found := _QUOTED_REST.match(sql, position)) and found[1]:
        position = found.end()
        if not sql.startswith(b'"', position):
            return position
        position += 1
    return _UNCLOSED


def _string_end(sql: bytes, position: int, rest: re.Pattern[bytes]) -> int:
    """Close a string of which *rest* matches a bounded piece and maybe the quote."""
    while (found := rest.match(sql, position)) and found.end() > position:
        position = found.end()
        if found[1]:
            resumed = _resumed(sql, position)
            if resumed == position:
                return position
            position = resumed
    return _UNCLOSED


def _resumed(sql: bytes, end: int) -> int:
    """Return where a string closed at *end* goes on, or *end* if it does not.

    It goes on behind a doubled quote, and behind a quote with at least one newline and
    otherwise only space and ``--`` comments in between. Both keep the string's kind;
    psql forgets the E of E'…' at the end of a line, the server does not.
    """
    if sql.startswith(b"'", end):
        return end + 1
    gap = _LINE_END.match(sql, end)
    while gap and gap.end() > gap.start():
        position = gap.end()
        gap = _BLANK_LINES.match(sql, position)
        if sql.startswith(b"'", position):
            return position + 1
    return end
