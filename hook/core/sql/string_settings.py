"""Follows ``standard_conforming_strings`` through a script, as the server would.

The setting decides whether a backslash escapes inside '…', and so where a string ends.
It can be followed where it is written down: SET, RESET and DISCARD ALL, and what the
end of a transaction undoes. Where it may change in a way that cannot be followed the
script is refused, since every later string might be cut wrongly. PostgreSQL 19 no
longer has the setting.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from hook.core.sql.lexer import SqlSyntaxError, StringSyntax
from hook.core.sql.statement_list import Statement

_SETTING = "standard_conforming_strings"
_CALL = re.compile(rf"set_config\s*\(\s*'{_SETTING}'\s*,\s*+(?!'on')".encode(), re.IGNORECASE)
# What the server's parse_bool() takes; a lone "o" would be ambiguous. DEFAULT is on,
# because whoever runs a script pins the setting for the session.
_ON = re.compile(r"'?(?:on|1|t(?:r(?:ue?)?)?|y(?:es?)?)'?|default", re.IGNORECASE)
_OFF = re.compile(r"'?(?:off?|0|f(?:a(?:l(?:se?)?)?)?|no?)'?", re.IGNORECASE)
_LONGEST = 6

_SETTERS = frozenset({"SET", "RESET", "DISCARD"})
_CONTROLS = frozenset(
    {"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "PREPARE", "SAVEPOINT"}
)
FOLLOWED = _SETTERS | _CONTROLS | {"SELECT"}


class StringSettings(NamedTuple):
    """The string syntax between two statements.

    Attributes:
        current: In force for the next statement.
        lasting: In force again when the transaction commits: current without SET LOCAL.
        before: In force again when the transaction rolls back; None outside of the
            script's own transactions.
        in_savepoint: Whether ROLLBACK TO may undo a change.
    """

    current: StringSyntax = StringSyntax.STANDARD
    lasting: StringSyntax = StringSyntax.STANDARD
    before: StringSyntax | None = None
    in_savepoint: bool = False


def follow_settings(settings: StringSettings, statement: Statement) -> StringSettings:
    """Return what is in force after *statement*, whose head is one of `FOLLOWED`.

    SET LOCAL counts outside of the script's own transactions too: the script will run
    inside of one.

    Raises:
        SqlSyntaxError: The setting may change in a way that cannot be followed.
    """
    if statement.head == "SELECT":
        if _CALL.search(statement.source.sql, statement.start, statement.end):
            raise SqlSyntaxError(statement.line, f"{_SETTING} changed by set_config(), not by SET")
        return settings
    if statement.head in _SETTERS:
        changed = _after_set(settings, statement)
        if settings.in_savepoint and changed.current is not settings.current:
            raise SqlSyntaxError(statement.line, f"{_SETTING} changed after a savepoint")
        return changed
    return _after_transaction_control(settings, statement.words(_LONGEST))


def _after_set(settings: StringSettings, statement: Statement) -> StringSettings:
    match statement.words(_LONGEST):
        case ["SET", "LOCAL", name, "TO" | "=", value, *_] if _is_setting(name):
            return settings._replace(current=_value(statement, value))
        case ["SET", "SESSION", name, "TO" | "=", value, *_] if _is_setting(name):
            return _set_to(settings, _value(statement, value))
        case ["SET", name, "TO" | "=", value, *_] if _is_setting(name):
            return _set_to(settings, _value(statement, value))
        case ["RESET" | "DISCARD", name, *_] if name == "ALL" or _is_setting(name):
            return _set_to(settings, StringSyntax.STANDARD)
        case _:
            return settings


def _set_to(settings: StringSettings, syntax: StringSyntax) -> StringSettings:
    return settings._replace(current=syntax, lasting=syntax)


def _after_transaction_control(settings: StringSettings, words: Sequence[str]) -> StringSettings:
    after = settings
    match [word for word in words if word not in {"WORK", "TRANSACTION"}]:
        case ["BEGIN" | "START", *_]:
            after = settings._replace(before=settings.before or settings.lasting)
        case ["SAVEPOINT", *_]:
            after = settings._replace(in_savepoint=True)
        case [_, "PREPARED" | "TO", *_]:
            pass  # another session's transaction, or a savepoint that changed nothing
        case ["COMMIT" | "END", *options]:
            after = _ended(settings.lasting, options)
        case ["ROLLBACK" | "ABORT", *options]:
            after = _ended(settings.before or settings.lasting, options)
        case _ if words[1:2] == ("TRANSACTION",):
            after = _ended(settings.lasting, ())  # PREPARE TRANSACTION
        case _:
            pass  # PREPARE of a statement
    return after


def _ended(syntax: StringSyntax, options: Sequence[str]) -> StringSettings:
    chained = list(options) == ["AND", "CHAIN"]
    return StringSettings(syntax, syntax, syntax if chained else None)


def _is_setting(name: str) -> bool:
    return name.strip('"').lower() == _SETTING


def _value(statement: Statement, text: str) -> StringSyntax:
    if _ON.fullmatch(text):
        return StringSyntax.STANDARD
    if _OFF.fullmatch(text):
        return StringSyntax.ESCAPE
    raise SqlSyntaxError(statement.line, f"{_SETTING} set to neither on nor off")
