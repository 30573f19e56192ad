"""Cuts a script into the statements that the server would see.

A statement ends at a semicolon outside of quotes, comments, parentheses and the body
of an SQL-standard function (BEGIN ATOMIC … END). Inline COPY data is stepped over, as
psql does with a script on its standard input. Two ways in:

- `split_statements` cuts, and refuses only what cannot be cut;
- `parse_statements` is for scripts to be run: it also refuses what psql alone would
  understand and COPY data that the file merely stops in.
"""

from __future__ import annotations

import re
from array import array
from itertools import islice

from hook.core.sql.client_encoding import refuse_other_encoding
from hook.core.sql.lexer import (
    INSIGNIFICANT,
    SPACES,
    SqlSyntaxError,
    StringSyntax,
    TokenKind,
    lexemes,
    skip_unremarkable,
    token_at,
    tokens,
)
from hook.core.sql.lines import line_of
from hook.core.sql.places import Places
from hook.core.sql.statement_list import CopyData, Source, Statement, StatementKind, StatementList
from hook.core.sql.string_settings import FOLLOWED, StringSettings, follow_settings

_BYTE_ORDER_MARK = "\ufeff".encode()
_GAP = re.compile(rb"(?:[;%s]++|--[^\r\n]*+){1,200}" % SPACES)
_WORD = re.compile(rb"[A-Za-z]++")
_END_OF_DATA = re.compile(rb"\\\.\r?(?:\n|\Z)")
# pg_dump writes these two around a dump; they guard psql, the server never sees them.
_HARMLESS_META = frozenset({"\\restrict", "\\unrestrict"})
_LONGEST_ROUTINE_HEAD = 4
_COMMAND_LENGTH = 40
_DEPTH = {"(": 1, ")": -1}
_SEMICOLON, _BACKSLASH = b";\\"
_STEPPED_OVER = {ord("("): 1, ord(")"): -1, _SEMICOLON: 0}
_WATCHED = FOLLOWED | {"COPY"}


def split_statements(sql: str) -> list[Statement]:
    """Cut *sql* into statements, empty ones left out.

    Raises:
        SqlSyntaxError: A quote, dollar quote or comment is not closed; something stands
            behind COPY … FROM STDIN; a psql meta-command inside a statement; a NUL; or
            string syntax that changes in a way that cannot be followed.
    """
    return list(cut_statements(sql.encode()))


def cut_statements(sql: bytes) -> StatementList:
    """Cut *sql*, UTF-8, as `split_statements` does, in little memory.

    Raises:
        SqlSyntaxError: As `split_statements`.
    """
    return _Scan(sql).run()


def parse_statements(sql: bytes) -> StatementList:
    r"""Cut *sql*, a script to be run as UTF-8, into its SQL statements.

    pg_dump's ``\restrict`` and ``\unrestrict`` are left out.

    Raises:
        SqlSyntaxError: As `split_statements`; any other psql meta-command; COPY data
            without an end: what looks like data may be the rest of the script; or another
            ``client_encoding`` than UTF-8.
    """
    scan = _Scan(sql)
    statements = scan.run()
    for at in scan.followed:
        refuse_other_encoding(statements[at])
    for statement in statements.special.values():
        if statement.copy and not statement.copy.terminated:
            raise SqlSyntaxError(statement.line, r"COPY data without a line \. at its end")
        if statement.kind is StatementKind.META:
            _refuse_meta(statement)
    return statements.without(StatementKind.META)


def _refuse_meta(statement: Statement) -> None:
    command = _command_at(statement.source.sql, statement.start)
    if command not in _HARMLESS_META:
        raise SqlSyntaxError(
            statement.line, f"psql meta-command {command}, which only psql can run"
        )


def _command_at(sql: bytes, start: int) -> str:
    """Return the name of a psql meta-command; its arguments may be secret."""
    return sql[start : start + _COMMAND_LENGTH].split(maxsplit=1)[0].decode(errors="ignore")


class _Scan:
    """One walk over a script, from the start of a statement to the start of the next.

    Attributes:
        followed: Indexes of the statements that may change settings.
    """

    __slots__ = ("_places", "_settings", "_source", "_special", "_sql", "followed")

    def __init__(self, sql: bytes) -> None:
        if b"\0" in sql:
            raise SqlSyntaxError(line_of(sql, sql.index(b"\0")), "NUL character")
        self._sql = sql
        self._source = Source(sql)
        self._settings = StringSettings()
        self._places = Places()
        self._special: dict[int, Statement] = {}
        self.followed = array("I")

    def run(self) -> StatementList:
        """Walk the whole script."""
        position = len(_BYTE_ORDER_MARK) if self._sql.startswith(_BYTE_ORDER_MARK) else 0
        while (position := self._gap_end(position)) < len(self._sql):
            position = self._read(position)
        return StatementList.whole(self._source, self._places, self._special)

    def _gap_end(self, position: int) -> int:
        """Skip space, comments and empty statements."""
        while True:
            if found := _GAP.match(self._sql, position):
                position = found.end()
            elif self._sql.startswith(b"/*", position):
                position = token_at(self._sql, position, self._settings.current).end
            else:
                return position

    def _read(self, start: int) -> int:
        """Read the statement at *start*; return where the next gap begins."""
        if self._sql.startswith(b"\\", start):
            return self._read_meta(start)
        found = _WORD.match(self._sql, start)
        head = found[0].decode().upper() if found else ""
        routine = head == "CREATE" and self._is_routine(start)
        end = self._routine_end(start) if routine else self._plain_end(start)
        terminated = end < len(self._sql)
        syntax = self._settings.current
        if terminated and head not in _WATCHED and syntax is StringSyntax.STANDARD:
            self._places.add(start, end)
            return end + 1
        if not terminated:
            end = self._without_spaces(start, len(self._sql))
        statement = Statement(self._source, start, end, StatementKind.SQL, terminated, syntax)
        return self._keep_watched(statement)

    def _without_spaces(self, start: int, end: int) -> int:
        """Return *end*, or where the spaces in front of it begin, but no less than *start*."""
        while end > start and self._sql[end - 1] in SPACES:
            end -= 1
        return end

    def _keep_watched(self, statement: Statement) -> int:
        """Keep *statement* and what it means for what follows it."""
        following = statement.end + 1
        if statement.head in FOLLOWED:
            self.followed.append(len(self._places))
            self._settings = follow_settings(self._settings, statement)
        elif statement.head == "COPY" and _reads_stdin(statement):
            data, following = self._copy_data(statement)
            statement = statement._replace(copy=data)
        self._keep(statement)
        return following

    def _keep(self, statement: Statement) -> None:
        if statement != Statement(self._source, statement.start, statement.end):
            self._special[len(self._places)] = statement
        self._places.add(statement.start, statement.end)

    def _read_meta(self, start: int) -> int:
        """Read a psql meta-command, which takes the rest of its line."""
        line_end = self._sql.find(b"\n", start)
        stop = len(self._sql) if line_end < 0 else line_end
        end = self._without_spaces(start, stop)
        self._keep(Statement(self._source, start, end, StatementKind.META))
        return stop

    def _plain_end(self, position: int) -> int:
        """Return the offset of the semicolon that ends a statement, or of the end.

        A closing parenthesis too many does not count, as in psql.
        """
        sql, syntax, depth = self._sql, self._settings.current, 0
        while (position := skip_unremarkable(sql, position)) < len(sql):
            sign = sql[position]
            if sign == _SEMICOLON and not depth:
                return position
            if sign == _BACKSLASH:
                raise self._misplaced_meta(position)
            if sign in _STEPPED_OVER:
                depth = max(depth + _STEPPED_OVER[sign], 0)
                position += 1
            else:
                position = token_at(sql, position, syntax).end
        return position

    def _is_routine(self, start: int) -> bool:
        following = tokens(self._sql, start, len(self._sql), self._settings.current)
        words = [token.word for token in islice(following, _LONGEST_ROUTINE_HEAD)]
        if words[1:3] == ["OR", "REPLACE"]:
            del words[1:3]
        return words[1:2] in (["FUNCTION"], ["PROCEDURE"])

    def _routine_end(self, start: int) -> int:
        """Return the end of a CREATE FUNCTION, whose body may hold semicolons.

        Statements of a body end in semicolons, so only an END right behind one, or
        behind ATOMIC, can close it. Any other END belongs to a CASE or is a name; psql,
        which counts every CASE and END, is misled by ``SELECT 1 AS end``.
        """
        depth, bodies, previous = 0, 0, ""
        for token in tokens(self._sql, start, len(self._sql), self._settings.current):
            word = token.word
            if word == "\\":
                raise self._misplaced_meta(token.start)
            depth = max(depth + _DEPTH.get(word, 0), 0)
            if depth == 0:
                if word == ";" and not bodies:
                    return token.start
                bodies += (previous, word) == ("BEGIN", "ATOMIC")
                bodies -= bodies > 0 and word == "END" and previous in {";", "ATOMIC"}
            previous = word
        return len(self._sql)

    def _copy_data(self, statement: Statement) -> tuple[CopyData, int]:
        """Return the data behind a COPY … FROM STDIN, and where the script goes on."""
        sql, size = self._sql, len(self._sql)
        if not statement.terminated:
            return CopyData(size, size, terminated=False), size
        start = self._next_line(statement)
        # One byte is found in a hundredth of the time that three take.
        newline = sql.find(b"\\", start) - 1
        while newline >= 0 and (newline := sql.find(b"\n\\.", newline)) >= 0:
            if mark := _END_OF_DATA.match(sql, newline + 1):
                return CopyData(start, newline + 1, terminated=True), mark.end()
            newline += 1
        return CopyData(start, size, terminated=False), size

    def _next_line(self, copy: Statement) -> int:
        """Return where the data of *copy* begins; its line may only hold a comment more."""
        size = len(self._sql)
        for lexeme in lexemes(self._sql, copy.end + 1, size, self._settings.current):
            newline = self._sql.find(b"\n", lexeme.start, lexeme.end)
            if lexeme.kind is TokenKind.SPACE and newline >= 0:
                return newline + 1
            if lexeme.kind not in INSIGNIFICANT or newline >= 0:
                problem = "text behind COPY … FROM STDIN on the same line"
                raise SqlSyntaxError(copy.end_line, problem)
        return size

    def _misplaced_meta(self, position: int) -> SqlSyntaxError:
        problem = f"psql meta-command {_command_at(self._sql, position)} inside a statement"
        return SqlSyntaxError(self._source.line_at(position), problem)


def _reads_stdin(copy: Statement) -> bool:
    """Tell whether a COPY reads inline data; the grammar takes STDOUT for STDIN."""
    depth, previous = 0, ""
    for token in copy.tokens():
        word = token.word
        depth += _DEPTH.get(word, 0)
        if depth == 0 and previous == "FROM":
            return word in {"STDIN", "STDOUT"}
        previous = word
    return False
