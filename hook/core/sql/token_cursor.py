"""Reads the tokens of one statement from left to right, as its grammar rule does."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from hook.core.sql.lexer import Token, TokenKind

_NAMING = frozenset({TokenKind.WORD, TokenKind.QUOTED})
# Database, schema, relation.
_MOST_PARTS = 3
_UNICODE_ESCAPE = re.compile(r"\\(?:(\\)|\+([0-9A-Fa-f]{6})|([0-9A-Fa-f]{4}))")
_FALSE = frozenset({"FALSE", "OFF", "0", "'FALSE'", "'OFF'", "'0'"})


class TokenCursor:
    """A place between two tokens; no more tokens are read than are asked for."""

    __slots__ = ("_seen", "_unread")

    def __init__(self, tokens: Iterable[Token]) -> None:
        self._unread = iter(tokens)
        self._seen: deque[Token] = deque()

    def peek(self, ahead: int = 0) -> Token | None:
        """Return the token *ahead* of the next one without taking it."""
        seen = self._seen
        while len(seen) <= ahead:
            token = next(self._unread, None)
            if token is None:
                return None
            seen.append(token)
        return seen[ahead]

    def take(self) -> Token | None:
        """Take the next token, or None at the end."""
        return self._seen.popleft() if self._seen else next(self._unread, None)

    def word(self, ahead: int = 0) -> str:
        """Return `Token.word` of the token *ahead* of the next one, nothing at the end."""
        token = self.peek(ahead)
        return token.word if token else ""

    def accept(self, *words: str) -> bool:
        """Take *words* if all of them come next, in this order."""
        for ahead, word in enumerate(words):
            if self.word(ahead) != word:
                return False
        for _ in words:
            self.take()
        return True

    def accept_any(self, *words: str) -> str:
        """Take the next token if it is one of *words*; return it or nothing."""
        word = self.word()
        if word not in words:
            return ""
        self.take()
        return word

    def seek(self, *words: str) -> str:
        """Take everything up to the first of *words* outside of parentheses.

        Returns:
            The word found, taken too; nothing when the statement ended before.
        """
        while self.peek():
            if self.word() == "(":
                self.group()
            elif word := self.accept_any(*words):
                return word
            else:
                self.take()
        return ""

    def group(self) -> tuple[Token, ...]:
        """Take a group in parentheses and return what is inside; nothing if none is next."""
        inside: list[Token] = []
        depth = 0
        while (token := self.peek()) and (depth or token.word == "("):
            self.take()
            depth += {"(": 1, ")": -1}.get(token.word, 0)
            inside.append(token)
            if not depth:
                break
        return tuple(inside[1:-1])

    def rest(self) -> Iterator[Token]:
        """Take and yield everything up to the end."""
        while token := self.take():
            yield token

    def names_behind(self, word: str) -> list[str]:
        """Take everything up to the end; return the names that stand behind *word*."""
        found: list[str] = []
        while self.peek():
            if self.accept(word):
                found.append(self.name())
            else:
                self.take()
        return found

    def name(self) -> str:
        """Take a name, qualified or not, in the form that ``to_regclass()`` reads.

        It is kept as written, but for space and comments between its parts and for
        U&"…", which only the server's lexer understands.

        Returns:
            The name; nothing when no identifier is next, or when ``to_regclass()`` would
            raise an error over it.
        """
        return relation_name(self.name_parts())

    def name_parts(self) -> list[str]:
        """Take a name and return its parts, see `name`."""
        parts: list[str] = []
        while (token := self.peek()) and token.kind in _NAMING:
            self.take()
            parts.append(_decoded(token.text))
            if not self.accept("."):
                break
        return parts

    def names(self) -> list[str]:
        """Take a list of relations: ``[ONLY] name [*] [(columns)], …``."""
        found: list[str] = []
        while True:
            if relation := self.relation():
                found.append(relation)
            self.group()
            if not self.accept(","):
                return found

    def relation(self) -> str:
        """Take ``[ONLY] name [*]`` and return the name, nothing if there is none."""
        self.accept("ONLY")
        name = self.name()
        if (token := self.peek()) and token.text == "*":
            self.take()
        return name


def relation_name(parts: Sequence[str]) -> str:
    """Join *parts* to a relation's name; nothing if no relation can have that name."""
    return "" if len(parts) > _MOST_PARTS or '""' in parts else ".".join(parts)


def read_option(group: Iterable[Token], name: str) -> bool | None:
    """Return the value of the boolean option *name* in a group like ``(verbose, full off)``.

    An option without a value is on; of several the last one counts, as for the server.
    None when it is not there. Some commands write ``(refresh = off)``.
    """
    words = [(token.word or token.text).upper() for token in group if token.text != "="]
    value: bool | None = None
    for at, word in enumerate(words):
        if word == name and words[at - 1 : at] in ([], [","]):
            value = not _FALSE.intersection(words[at + 1 : at + 2])
    return value


def _decoded(identifier: str) -> str:
    """Turn U&"…" into a plain quoted identifier; UESCAPE is not looked at."""
    if not identifier.startswith(("U&", "u&")):
        return identifier
    return _UNICODE_ESCAPE.sub(
        lambda found: found[1] or chr(int(found[2] or found[3], 16)), identifier[2:]
    )
