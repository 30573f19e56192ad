"""What the statements of a release have created themselves, in front of a statement.

What they then drop, empty or overwrite holds nothing that was there before the run. Names
are compared as written, folded as the server folds them: `t` and `public.t` are two.
"""

from __future__ import annotations

from typing import NamedTuple

from hook.core.sql.statement_list import Statement
from hook.core.sql.token_cursor import TokenCursor

Name = tuple[str, ...]
"""The parts of a name, folded."""


class Column(NamedTuple):
    """A column of a table."""

    table: Name
    name: str


def fold(identifier: str) -> str:
    """Return *identifier*, a word or in quotes, as the server stores it: ASCII is folded."""
    if identifier.startswith('"'):
        return identifier[1:-1].replace('""', '"')
    return identifier.encode().lower().decode()


def behind_head(statement: Statement) -> TokenCursor:
    """Return a cursor behind the first word of *statement*."""
    cursor = TokenCursor(statement.tokens())
    cursor.take()
    return cursor


def name_of(cursor: TokenCursor) -> Name:
    """Take a name and return its parts, none if there is none."""
    return tuple(fold(part) for part in cursor.name_parts())


def relation_of(cursor: TokenCursor) -> Name:
    """Take ``[ONLY] name [*]`` and return the parts of the name, none if there is none."""
    cursor.accept("ONLY")
    name = name_of(cursor)
    if (token := cursor.peek()) and token.text == "*":
        cursor.take()
    return name


class Creations:
    """Tables, sequences, schemas and columns that are new, in the order of a run.

    Wherever it is not certain that a name means what it meant before, it means nothing new.
    """

    __slots__ = ("_columns", "_is_path_known", "_objects", "_temporary")

    def __init__(self) -> None:
        """Begin with none."""
        self._objects: set[tuple[str, Name]] = set()
        self._columns: set[Column] = set()
        self._temporary: set[Name] = set()
        self._is_path_known = True

    def begin_script(self) -> None:
        """Begin a script, which has the search path of all scripts, and a session of its own."""
        self._is_path_known = True
        self._temporary.clear()

    def doubt_path(self) -> None:
        """Take note that in this script a name without schema may mean another object now."""
        self._is_path_known = False

    def clear(self) -> None:
        """Forget everything: some of it may have been taken back, or be called otherwise."""
        self._objects.clear()
        self._columns.clear()
        self._temporary.clear()

    def add(self, kind: str, name: Name) -> None:
        """Take down that an object of *kind* is new."""
        if self._is_clear(name) or kind == "SCHEMA":
            self._objects.add((kind, name))

    def add_temporary(self, table: Name) -> None:
        """Take down a table of the session."""
        self._temporary.add(table)

    def add_column(self, column: Column) -> None:
        """Take down that *column* is new in a table that may not be."""
        if self._is_clear(column.table):
            self._columns.add(column)

    def has(self, kind: str, name: Name) -> bool:
        """Tell whether the object is certainly new."""
        return (self._is_clear(name) or kind == "SCHEMA") and (kind, name) in self._objects

    def has_table(self, table: Name) -> bool:
        """Tell whether *table* is certainly new, or of the session alone."""
        is_temporary = table in self._temporary or table[:1] == ("pg_temp",)
        return is_temporary or self.has("TABLE", table)

    def has_column(self, column: Column) -> bool:
        """Tell whether *column*, or its whole table, is certainly new."""
        is_new = self._is_clear(column.table) and column in self._columns
        return is_new or self.has_table(column.table)

    def rename_column(self, column: Column, name: str) -> None:
        """Give *column* another *name*; one that is not new stays that."""
        if column in self._columns:
            self._columns.remove(column)
            self._columns.add(Column(column.table, name))

    def forget(self, kind: str, name: Name) -> None:
        """Forget an object and its columns: it is gone, or is not only what was created."""
        self._objects.discard((kind, name))
        self._temporary.discard(name)
        self._columns = {column for column in self._columns if column.table != name}

    def _is_clear(self, name: Name) -> bool:
        return len(name) > 1 or self._is_path_known
