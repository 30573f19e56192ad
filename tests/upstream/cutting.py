"""One script cut by psql and by presync, and where the two differ."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path

from hook.core.sql.lexer import SqlSyntaxError
from hook.core.sql.statement_list import Statement
from hook.core.sql.statements import split_statements
from tests.upstream.regression_sql import RegressionScript

_KNOWN = Path(__file__).with_name("known_differences.toml")
_GAP = re.compile(r"(?:\s|--[^\n]*(?:\n|$))*")
_COMMENT_EDGE = re.compile(r"/\*|\*/")
_EMPTY_LINES = re.compile(r"\n(?:[ \t\r]*\n)+")


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where psql and presync cut a script differently.

    Attributes:
        psql: The statements there as psql sent them.
        presync: The same as presync cut them; its message if it refused the whole script.
    """

    script: str
    psql: tuple[str, ...]
    presync: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cutting:
    """What became of one script. *statements* are none when presync refused it."""

    script: str
    sent: tuple[str, ...]
    statements: tuple[Statement, ...]
    differences: tuple[Difference, ...]

    @property
    def disputed(self) -> int:
        """Return how many statements are cut differently."""
        if not self.statements:
            return len(self.sent)
        return sum(max(len(place.psql), len(place.presync)) for place in self.differences)


def compare(script: RegressionScript, queries: Sequence[str]) -> Cutting:
    """Cut *script* and compare with the *queries* that psql sent."""
    sent = tuple(text for text in map(_normalised, queries) if text)
    try:
        statements = tuple(split_statements(script.text))
    except SqlSyntaxError as error:
        whole = Difference(script.name, (f"{len(sent)} statements",), (str(error),))
        return Cutting(script.name, sent, (), (whole,))
    own = tuple(_normalised(item.text) for item in statements)
    return Cutting(script.name, sent, statements, tuple(_differences(script.name, sent, own)))


def _differences(script: str, sent: tuple[str, ...], own: tuple[str, ...]) -> Iterator[Difference]:
    if sent == own:
        return
    matcher = SequenceMatcher(None, sent, own, autojunk=False)
    for kind, start, end, own_start, own_end in matcher.get_opcodes():
        if kind != "equal":
            yield Difference(script, sent[start:end], own[own_start:own_end])


def is_one_of(statement: Statement, texts: frozenset[str]) -> bool:
    """Tell whether *texts*, which psql sent, hold *statement* as presync has cut it."""
    return _normalised(statement.text) in texts


def _normalised(text: str) -> str:
    """Return *text* as both sides would have it.

    psql sends the semicolon and block comments in front, and leaves empty lines out.
    """
    text = text[_start_of(text) :].removesuffix(";").rstrip()
    return _EMPTY_LINES.sub("\n", text)


def _start_of(text: str) -> int:
    position = 0
    while (found := _GAP.match(text, position)) and text.startswith("/*", found.end()):
        position = _comment_end(text, found.end())
    return found.end() if found else position


def _comment_end(text: str, position: int) -> int:
    depth = 0
    for edge in _COMMENT_EDGE.finditer(text, position):
        depth += 1 if edge[0] == "/*" else -1
        if not depth:
            return edge.end()
    return len(text)


def known_differences() -> dict[Difference, str]:
    """Return the differences that are explained, with the reason."""
    entries = tomllib.loads(_KNOWN.read_text(encoding="utf-8"))["difference"]
    return {
        Difference(entry["script"], tuple(entry["psql"]), tuple(entry["presync"])): entry["reason"]
        for entry in entries
    }
