"""A dry run as SQL: a script that psql runs, or lists of statements for JSON."""

from __future__ import annotations

import codecs
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from hook.core.plan_view import describe_script
from hook.core.psql_variables import psql_references
from hook.core.redaction import MASK, Redactor
from hook.core.text import one_line
from hook.log.json_text import to_json
from hook.render.report_json import report_object

if TYPE_CHECKING:
    from hook.core.dry_run import Message
    from hook.core.prepared import PreparedScript
    from hook.core.report import Report
    from hook.core.statement_list import StatementList

# Of what is no part of the messages: psql sends statement by statement.
PSQL_ONLY = "-- psql only"
_END_OF_DATA = "\\."
_SHOWN_ON_A_TERMINAL = 20
_PIECE = 1 << 16


class SqlText:
    """A dry run as text, written while it is made: no more than one message is held."""

    def __init__(self, write: Callable[[str], None], redactor: Redactor, longest_data: int) -> None:
        """Write text to *write*; of COPY data no more than *longest_data* lines, 0 for all."""
        self._write = write
        self._redactor = redactor
        self._longest_data = longest_data
        self._has_secrets = False
        self._has_protected = False

    @classmethod
    def on_terminal(cls, write: Callable[[str], None], redactor: Redactor) -> SqlText:
        """Return one that leaves out long data, which a person can do without."""
        return cls(write, redactor, _SHOWN_ON_A_TERMINAL)

    @classmethod
    def for_psql(cls, write: Callable[[str], None], redactor: Redactor) -> SqlText:
        """Return one that leaves out nothing."""
        return cls(write, redactor, 0)

    def open(self, heading: Sequence[str]) -> None:
        """Begin with *heading* as comments."""
        for line in heading:
            self._comment(line)

    def script(self, script: PreparedScript) -> None:
        """Name *script* and how it is run."""
        self._write("\n")
        self._comment(describe_script(script).message)

    def message(self, message: Message) -> None:
        """Write *message* as it would be sent, with the data of COPY where psql reads it."""
        if message.is_transaction:
            self._write(f"BEGIN; {PSQL_ONLY}\n")
        for part in message.parts:
            sql = part.statements.source.sql
            self._say_all(self._protected(part.statements))
            # On a line of its own: the text may end in a comment.
            self._write("" if sql.endswith(b";\n") else "\n;\n")
            if part.data is not None:
                self._data(part.data)
        if message.is_transaction:
            self._write(f"COMMIT; {PSQL_ONLY}\n")

    def remark(self, text: str) -> None:
        """Write *text* as a comment."""
        self._comment(text)

    def close(self, report: Report) -> None:
        """End with the verdict, so that a script that was cut off shows it."""
        self._write("\n")
        if self._has_protected:
            self._comment(r"\: is a colon to psql, and kept from being one of its variables.")
        if self._has_secrets:
            self._comment(f"{MASK} stands for a secret: as it is, this is not what would run.")
        for line in _ending(report):
            self._comment(line)

    def _comment(self, text: str) -> None:
        self._say(f"-- {one_line(text)}\n")

    def _data(self, data: bytes) -> None:
        lines = data.count(b"\n") + (not data.endswith(b"\n") and bool(data))
        if self._longest_data and lines > self._longest_data:
            self._write(f"[{lines} lines of data, not shown on a terminal]\n")
        else:
            self._say_all(_cut(data))
            self._write("" if data.endswith(b"\n") or not data else "\n")
        self._write(f"{_END_OF_DATA}\n")

    def _protected(self, statements: StatementList) -> Iterator[bytes]:
        """Yield the SQL of *statements* so that psql sends it as it is."""
        sql, done = statements.source.sql, 0
        for colon in psql_references(statements):
            yield from _cut(sql[done:colon])
            yield b"\\"
            self._has_protected = True
            done = colon
        yield from _cut(sql[done:] if done else sql)

    def _say_all(self, pieces: Iterable[bytes]) -> None:
        for text in self._redactor.cut_apart(_texts(pieces)):
            self._say(text)

    def _say(self, text: str) -> None:
        shown = self._redactor.text(text)
        self._has_secrets = self._has_secrets or shown != text
        self._write(shown)


def _ending(report: Report) -> Iterator[str]:
    for result in report.results:
        for finding in result.findings:
            if finding.code:
                yield f"{result.name}: {finding.message}"
                yield from [f"  -> {finding.hint}"] if finding.hint else []
    yield report.verdict


def _cut(sql: bytes) -> Iterator[bytes]:
    """Yield *sql* in pieces, so that it is never held as text at once."""
    return (sql[start : start + _PIECE] for start in range(0, len(sql), _PIECE))


def _texts(pieces: Iterable[bytes]) -> Iterator[str]:
    return codecs.iterdecode(pieces, "utf-8")


class SqlList:
    """A dry run as JSON: of each script, the statements in order; written while it is made."""

    def __init__(self, write: Callable[[str], None], redactor: Redactor) -> None:
        """Write one line of JSON to *write*."""
        self._write = write
        self._redactor = redactor
        self._end = '{"sql": ['
        self._is_first = True
        self._remarks: list[str] = []

    def open(self, heading: Sequence[str]) -> None:
        """Begin with what precedes the first script; *heading* is for people."""
        del heading
        self._section(None, is_transactional=True)

    def script(self, script: PreparedScript) -> None:
        """Begin the list of *script*."""
        self._section(script.migration.script, is_transactional=script.in_transaction)

    def message(self, message: Message) -> None:
        """Add the statements of *message*; the data of a COPY stands behind it as in psql."""
        for text in _gathered(self._texts_of(message)):
            self._write(text)

    def remark(self, text: str) -> None:
        """Add *text* to the remarks on the script."""
        self._remarks.append(text)

    def close(self, report: Report) -> None:
        """End with the fields of *report*."""
        fields = to_json(self._redactor.value(report_object(report)))
        end = self._section_end().removesuffix(", ")
        self._write(f"{end}], {fields.removeprefix('{')}\n")

    def _section(self, script: str | None, *, is_transactional: bool) -> None:
        head = {"script": script, "transactional": is_transactional}
        fields = to_json(self._redactor.value(head)).removesuffix("}")
        self._write(f'{self._section_end()}{fields}, "statements": [')
        self._end, self._is_first = "]}, ", True

    def _section_end(self) -> str:
        """Return what ends the script so far, with the remarks on it if there are any."""
        remarks = to_json(self._redactor.value(self._remarks))
        end = f'], "remarks": {remarks}}}, ' if self._remarks else self._end
        self._remarks = []
        return end

    def _texts_of(self, message: Message) -> Iterator[str]:
        for part in message.parts:
            last = len(part.statements) - 1
            for at, statement in enumerate(part.statements):
                yield '"' if self._is_first else ', "'
                self._is_first = False
                pieces: list[Iterable[str]] = [_texts(_cut(statement.sql))]
                if part.data is not None and at == last:
                    pieces += ([";\n"], _texts(_cut(part.data)), [_END_OF_DATA])
                for piece in self._redactor.cut_apart(itertools.chain.from_iterable(pieces)):
                    yield to_json(self._redactor.text(piece))[1:-1]
                yield '"'


def _gathered(texts: Iterable[str]) -> Iterator[str]:
    """Yield *texts* put together into pieces that are worth a write."""
    gathered: list[str] = []
    size = 0
    for text in texts:
        gathered.append(text)
        size += len(text)
        if size >= _PIECE:
            yield "".join(gathered)
            gathered, size = [], 0
    yield "".join(gathered)
