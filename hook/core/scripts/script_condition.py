"""The expressions of ``shouldExecute`` in a script's configuration.

``true``, ``false``, ``A==B`` and ``A!=B`` on plain texts, joined by ``&&`` and ``||``,
with parentheses. Source: Flyway's documentation, "Should Execute".
"""

from __future__ import annotations

import re

_SIGN = re.compile(r"(&&|\|\||==|!=|[()])")
_WORDS = {"true": True, "false": False}
_DEEPEST = 50


def evaluate(expression: str) -> bool:
    """Return the truth of *expression*, its placeholders replaced.

    Blanks around a text do not count. An empty text is one, because a placeholder may be
    empty.

    Raises:
        ValueError: It is no expression; the reason does not repeat it.
    """
    condition = _Condition(expression)
    value = condition.any_of()
    if condition.sign:
        raise ValueError(f"{condition.sign} is out of place")
    return value


class _Condition:
    """One walk over an expression: texts at even places, signs at odd ones."""

    def __init__(self, expression: str) -> None:
        self._pieces = [piece.strip() for piece in _SIGN.split(expression)]
        self._at = 0
        self._depth = 0

    @property
    def sign(self) -> str:
        """Return the sign that comes next, nothing when there is none."""
        return self._pieces[self._at] if self._at < len(self._pieces) else ""

    def any_of(self) -> bool:
        value = self._all_of()
        while self.sign == "||":
            self._at += 1
            # Both sides are read, so that a mistake is found wherever it is.
            value = self._all_of() or value
        return value

    def _all_of(self) -> bool:
        value = self._one()
        while self.sign == "&&":
            self._at += 1
            value = self._one() and value
        return value

    def _one(self) -> bool:
        text = self._text()
        if not text and self.sign == "(":
            return self._group()
        if self.sign not in {"==", "!="}:
            return self._word(text)
        is_equal = self.sign == "=="
        self._at += 1
        return (text == self._text()) is is_equal

    def _group(self) -> bool:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ValueError(f"more than {_DEEPEST} parentheses are open")
        self._at += 1
        value = self.any_of()
        if self.sign != ")":
            raise ValueError("a parenthesis is not closed")
        self._depth -= 1
        self._at += 1
        if text := self._text():
            raise ValueError(f"{text!r} stands behind a parenthesis")
        return value

    def _text(self) -> str:
        text = self._pieces[self._at]
        self._at += 1
        return text

    def _word(self, text: str) -> bool:
        value = _WORDS.get(text.lower())
        if value is None:
            raise ValueError(f"{text!r} is not true, false, A==B or A!=B")
        return value
