"""Waivers: comments that allow a statement, by a rule's name, what it would be stopped for.

``-- presync: allow <rule> because <reason>`` stands on a line of its own. Right above a
statement, or above further such lines that are, it covers the statements that begin on the
next line. Elsewhere in front of the first statement it covers the whole file.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from hook.core.scripts.problem import Problem
from hook.core.sql.lexer import StringSyntax, TokenKind, lexemes
from hook.core.sql.loss_rule import LossRule
from hook.core.sql.losses import Loss
from hook.core.sql.statement_list import Statement, StatementList
from hook.core.sql.statements import parse_statements

_DIRECTIVE = re.compile(rb"--[ \t]*presync[ \t]*:([^\r\n]*)", re.IGNORECASE)
_BECAUSE = re.compile(r"\s+because(?:\s+|$)", re.IGNORECASE)
_IN_PLACE_OF_A_REASON = re.compile(r"<[^<>]*>")
_HINT = (
    'Write "-- presync: allow <rule> because <reason>", one rule a line, on the line before the'
    " statement; or in the head comment for the whole file. presync lint checks it."
)
_LIKE = 0.6
_ALL_OF_THE_FILE = 0
_BLANKS = b" \t\f\v"
_LINE_ENDS = b"\r\n"
_MARK = "\ufeff".encode()


class Waiver(NamedTuple):
    """One waiver.

    Attributes:
        line: Its own, 1-based.
        target: Line on which the statements begin that it covers, 0 for all of the file.
    """

    script: str
    line: int
    rule: LossRule
    reason: str
    target: int = _ALL_OF_THE_FILE


class Waived(NamedTuple):
    """A waiver, and what it allows: nothing when none of it is there."""

    waiver: Waiver
    losses: tuple[Loss, ...]

    def describe(self) -> dict[str, object]:
        """Return it as the report tells it."""
        return {
            "script": self.waiver.script,
            "line": self.waiver.line,
            "rule": self.waiver.rule.value,
            "reason": self.waiver.reason,
            "covers": "statement" if self.waiver.target else "file",
            "lines": [loss.line for loss in self.losses],
        }


class LossBook(NamedTuple):
    """What a script destroys, as far as no waiver allows it, and its waivers."""

    script: str = ""
    unwaived: tuple[Loss, ...] = ()
    waived: tuple[Waived, ...] = ()


NO_LOSSES = LossBook()


class Directives(NamedTuple):
    """What a script says to presync, and what is wrong with that."""

    waivers: tuple[Waiver, ...] = ()
    problems: tuple[Problem, ...] = ()


def keep_book(script: str, losses: Iterable[Loss], waivers: Iterable[Waiver]) -> LossBook:
    """Return which of *losses* are allowed by *waivers*, all of *script*."""
    losses, waivers = tuple(losses), tuple(waivers)
    found: defaultdict[tuple[LossRule, int], list[Loss]] = defaultdict(list)
    for loss in losses:
        for target in (_ALL_OF_THE_FILE, loss.line):
            found[loss.rule, target].append(loss)
    covered = {reach: tuple(found.get(reach, ())) for reach in map(_reach, waivers)}
    waived = tuple(Waived(waiver, covered[_reach(waiver)]) for waiver in waivers)
    allowed = {loss for items in covered.values() for loss in items}
    return LossBook(script, tuple(loss for loss in losses if loss not in allowed), waived)


def _reach(waiver: Waiver) -> tuple[LossRule, int]:
    return waiver.rule, waiver.target


def read_directives(script: str, text: bytes) -> Directives:
    """Return what *script* says to presync in the comments of its *text*.

    Raises:
        SqlSyntaxError: As `hook.core.sql.statements.parse_statements`.
    """
    if not _DIRECTIVE.search(text):
        return Directives()
    return _Comments(script, parse_statements(text)).read()


class _Place(NamedTuple):
    """A directive on a line of its own; *following* is the index of the next statement."""

    line: int
    text: str
    following: int


class _Comments:
    """The comments of one script that speak to presync."""

    __slots__ = ("_comments", "_problems", "_script", "_sql", "_statements")

    def __init__(self, script: str, statements: StatementList) -> None:
        self._script = script
        self._statements = statements
        self._sql = statements.source.sql
        self._comments: dict[int, frozenset[int]] = {}
        self._problems: list[Problem] = []

    def read(self) -> Directives:
        """Return the waivers."""
        places = list(self._places())
        below = _lines_below(places)
        waivers: list[Waiver] = []
        for place in places:
            waiver = self._parse(place)
            target = self._target(place, below[place.line])
            if waiver is not None and target is not None:
                waivers.append(waiver._replace(target=target))
        return Directives(tuple(waivers), tuple(self._problems))

    def _places(self) -> Iterator[_Place]:
        for found in _DIRECTIVE.finditer(self._sql):
            begun = self._statements.begun_by(found.start())
            before = self._statements[begun - 1] if begun else None
            line = self._statements.source.line_at(found.start())
            if before is not None and found.start() < before.end:
                if self._is_comment(found.start(), before.start, before.end, before.string_syntax):
                    self._refuse(line, "stands inside a statement, where it covers nothing")
            elif self._is_in_gap(found.start(), begun, before):
                if self._is_first_on_line(found.start()):
                    yield _Place(line, found[1].decode().strip(), begun)
                else:
                    self._refuse(line, "stands behind a statement, where it covers nothing")

    def _is_in_gap(self, offset: int, begun: int, before: Statement | None) -> bool:
        start = 0 if before is None else before.end
        if before is not None and before.copy is not None and offset >= before.copy.start:
            if offset < before.copy.end:
                return False
            start = self._sql.find(b"\n", before.copy.end) + 1
        is_last = begun == len(self._statements)
        end = len(self._sql) if is_last else self._statements[begun].start
        return self._is_comment(offset, start, end, StringSyntax.STANDARD)

    def _is_comment(self, offset: int, start: int, end: int, syntax: StringSyntax) -> bool:
        """Tell whether a comment starts at *offset* of what stands from *start* to *end*."""
        if start not in self._comments:
            found = lexemes(self._sql, start, end, syntax)
            self._comments[start] = frozenset(
                item.start for item in found if item.kind is TokenKind.COMMENT
            )
        return offset in self._comments[start]

    def _is_first_on_line(self, offset: int) -> bool:
        first = len(_MARK) if self._sql.startswith(_MARK) else 0
        while offset > first and self._sql[offset - 1] in _BLANKS:
            offset -= 1
        return offset == first or self._sql[offset - 1] in _LINE_ENDS

    def _target(self, place: _Place, below: int) -> int | None:
        """Return what the directive at *place* covers, see `Waiver`; none if it is nothing.

        *below* is the first line below it that holds no directive.
        """
        if place.following < len(self._statements):
            if self._statements[place.following].line == below:
                return below
            if place.following == 0:
                return _ALL_OF_THE_FILE
        self._refuse(place.line, "covers no statement: none begins on the next line")
        return None

    def _parse(self, place: _Place) -> Waiver | None:
        verb, *rest = place.text.split(maxsplit=1)[:2] or [""]
        if verb.lower() != "allow":
            self._refuse(place.line, f"unknown directive {verb!r}")
            return None
        names, *reasons = _BECAUSE.split(f" {''.join(rest)}", maxsplit=1)
        reason = "".join(reasons).strip()
        fault = _fault_of(names.split(), reason)
        if fault:
            self._refuse(place.line, fault)
            return None
        return Waiver(self._script, place.line, LossRule(names.strip()), reason)

    def _refuse(self, line: int, fault: str) -> None:
        self._problems.append(Problem(f"{self._script}:{line}: -- presync: {fault}", _HINT))


def _lines_below(places: Sequence[_Place]) -> dict[int, int]:
    """Return of the line of each of *places* the first one below that has none of them."""
    below: dict[int, int] = {}
    for place in reversed(places):
        below[place.line] = below.get(place.line + 1, place.line + 1)
    return below


def _fault_of(names: list[str], reason: str) -> str:
    """Return what is wrong with a waiver, nothing if it is right."""
    if len(names) != 1:
        return "allow takes one rule" if names else "allow names no rule"
    if names[0] not in set(LossRule):
        return f"unknown rule {names[0]!r}{_did_you_mean(names[0])}"
    if _IN_PLACE_OF_A_REASON.fullmatch(reason) or not any(map(str.isalnum, reason)):
        return f"{names[0]} is allowed without a reason (because …)"
    return ""


def _did_you_mean(name: str) -> str:
    # Imported when something is wrong already.
    from difflib import get_close_matches  # noqa: PLC0415 - see above

    matches = get_close_matches(name.lower(), list(LossRule), n=1, cutoff=_LIKE)
    return f"; did you mean {matches[0]}?" if matches else f"; the rules are {', '.join(LossRule)}"
