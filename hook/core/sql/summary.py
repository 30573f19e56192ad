"""One line of a statement for a message."""

from __future__ import annotations

from hook.core.sql.lexer import Token, TokenKind
from hook.core.sql.statement_list import Statement
from hook.core.text import clip, one_line

_LENGTH = 80
_SECRET_WORDS = frozenset({"PASSWORD", "CONNECTION"})
_LOOKED_AT = 1000


def summarize(statement: Statement, length: int = _LENGTH) -> str:
    """Return the head of *statement* on one line, without comments and passwords."""
    pieces: list[str] = []
    size, end, previous = 0, statement.start, ""
    for token in statement.tokens():
        text = "'***'" if _is_secret(token, previous) else token.head(length + 1)
        piece = f" {text}" if token.start > end else text
        pieces.append(piece)
        size, end, previous = size + len(piece), token.end, token.word
        if size > length:
            break
    return clip(one_line("".join(pieces)), length)


def _is_secret(token: Token, previous: str) -> bool:
    """Tell whether a string is a password, or a conninfo that may hold one."""
    return token.kind is TokenKind.STRING and (
        previous in _SECRET_WORDS or "password" in token.head(_LOOKED_AT).lower()
    )
