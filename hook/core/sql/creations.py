"""What the statements of a release have created themselves, in front of a statement.

What they then drop, empty or overwrite holds nothing that was there before the run. Names
are compared as written, folded as the server folds them: what is new as `t` is not as
`public.t`, but what happens to one of them may have happened to the other.
"""

from __future__ import annotations

from collections import defaultdict
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
    They are kept by the last part of their names: `t` and `public.t` may be the same table.
    """

    __slots__ = ("_columns", "_is_path_known", "_is_temporary_first", "_objects", "_temporary")

    def __init__(self) -> None:
        """Begin with none."""
        self._objects: defaultdict[Name, set[tuple[str, Name]]] = defaultdict(set)
        self._columns: defaultdict[Name, set[Column]] = defaultdict(set)
        self._temporary: set[Name] = set()
        self._is_path_known = True
        self._is_temporary_first = True

    def begin_script(self) -> None:
        """Begin a script, which has the search path of all scripts, and a session of its own."""
        self._is_path_known = True
        self._is_temporary_first = True
        self._temporary.clear()

    def doubt_temporary(self) -> None:
        """Take note that in this script a table of the session may stand behind another one."""
        self._is_temporary_first = False

    def doubt_path(self) -> None:
        """Take note that in this script a name without schema may mean another object now."""
        self._is_path_known = False

    def clear(self) -> None:
        """Forget everything: some of it may have been taken back, or be called otherwise."""
        self.forget_lasting()
        self.forget_temporary()

    def forget_lasting(self) -> None:
        """Forget all but the tables of the session: it may hold what was there before."""
        self._objects.clear()
        self._columns.clear()

    def forget_temporary(self) -> None:
        """Forget the tables of the session."""
        self._temporary.clear()

    def add(self, kind: str, name: Name) -> None:
        """Take down that an object of *kind* is new."""
        if self._is_clear(name) or kind == "SCHEMA":
            self._objects[name[-1:]].add((kind, name))

    def add_temporary(self, table: Name) -> None:
        """Take down a table of the session."""
        self._temporary.add(table)

    def add_column(self, column: Column) -> None:
        """Take down that *column* is new in a table that may not be."""
        if self._is_clear(column.table):
            self._columns[column.table[-1:]].add(column)

    def has(self, kind: str, name: Name) -> bool:
        """Tell whether the object is certainly new."""
        is_clear = self._is_clear(name) or kind == "SCHEMA"
        return is_clear and (kind, name) in self._objects.get(name[-1:], ())

    def has_table(self, table: Name) -> bool:
        """Tell whether *table* is certainly new, or of the session alone."""
        is_temporary = self._is_temporary_first and table in self._temporary
        return is_temporary or table[:1] == ("pg_temp",) or self.has("TABLE", table)

    def has_column(self, column: Column) -> bool:
        """Tell whether *column*, or its whole table, is certainly new."""
        is_new = self._is_clear(column.table) and column in self._named(column.table)
        return is_new or self.has_table(column.table)

    def rename_column(self, column: Column, name: str) -> None:
        """Give *column* another *name*; one that is not new stays that."""
        is_new = column in self._named(column.table)
        self.forget_column(column)
        if is_new:
            self.add_column(Column(column.table, name))

    def forget(self, name: Name) -> None:
        """Forget an object and its columns: it is gone, or is not only what was created.

        So are all that are called the same, whatever their schema and kind.
        """
        self._objects.pop(name[-1:], None)
        self._columns.pop(name[-1:], None)
        self._temporary = {table for table in self._temporary if table[-1:] != name[-1:]}

    def forget_column(self, column: Column) -> None:
        """Forget a column, and those of the same name in tables that are called the same."""
        known = self._named(column.table)
        known -= {item for item in known if item.name == column.name}

    def _named(self, table: Name) -> set[Column]:
        return self._columns.get(table[-1:], set())

    def _is_clear(self, name: Name) -> bool:
        return len(name) > 1 or self._is_path_known
