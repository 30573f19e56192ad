"""A dry run as SQL: a script that psql runs, or lists of statements for JSON."""

from __future__ import annotations

import codecs
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from hook.core.execution.plan_view import describe_script
from hook.core.reporting.redaction import MASK, Redactor
from hook.core.sql.psql_variables import psql_references
from hook.core.text import one_line
from hook.log.json_text import redacted_json, to_json
from hook.render.report_json import report_object

if TYPE_CHECKING:
    from hook.core.execution.dry_run import Message, Page
    from hook.core.execution.prepared import PreparedScript
    from hook.core.reporting.report import Report
    from hook.core.sql.statement_list import StatementList

Head = dict[str, object]
# Of what is no part of the messages: psql sends statement by statement.
PSQL_ONLY = "-- psql only"
_END_OF_DATA = "\\."
_SHOWN_ON_A_TERMINAL = 20
_PIECE = 1 << 16
_LINE = re.compile(r"[^\r\n]*+[\r\n]|[^\r\n]++")


class SqlText:
    """A dry run as text, written while it is made: no more than one message is held."""

    def __init__(
        self,
        write: Callable[[str], None],
        redactor: Redactor,
        longest_data: int,
        references: Callable[[StatementList], Iterable[int]] = psql_references,
    ) -> None:
        """Write text to *write*.

        Args:
            write: Takes text, piece by piece.
            redactor: Knows what may not be shown.
            longest_data: Lines of COPY data that are shown at most, 0 for all.
            references: Finds the colons that psql would read as its variables.
        """
        self._write = write
        self._redactor = redactor
        self._longest_data = longest_data
        self._references = references
        self._callbacks: list[SqlText] = []
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

    @property
    def has_secrets(self) -> bool:
        """Tell whether something was masked."""
        return self._has_secrets or any(part.has_secrets for part in self._callbacks)

    def open(self, heading: Sequence[str]) -> None:
        """Begin with *heading* as comments."""
        for line in heading:
            self._comment(line)

    def script(self, script: PreparedScript) -> None:
        """Name *script* and how it is run."""
        self._write("\n")
        self._comment(describe_script(script).message)

    def callback(self, script: str) -> Page:
        """Name the callback *script*; what it sends is in comments, psql has one connection."""
        self._write("\n")
        self._comment(f"callback {script}, on a connection of its own:")
        commented = SqlText(
            Commented(self._write), self._redactor, self._longest_data, lambda _: ()
        )
        self._callbacks.append(commented)
        return commented

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
        if self.has_secrets:
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
        for colon in self._references(statements):
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


class Commented:
    """Writes text as comments of SQL; it may come in pieces that end anywhere."""

    def __init__(self, write: Callable[[str], None]) -> None:
        """Write to *write*; the text begins on a line of its own."""
        self._write = write
        self._is_line_new = True

    def __call__(self, text: str) -> None:
        """Write *text*. To psql a carriage return ends a comment, too."""
        for line in _LINE.findall(text):
            self._write(f"-- {line}" if self._is_line_new else line)
            self._is_line_new = line.endswith(("\r", "\n"))


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
        self._own: Head = {}
        self._shown: Head = {}

    def open(self, heading: Sequence[str]) -> None:
        """Begin with what precedes the first script; *heading* is for people."""
        del heading
        self._turn_to({"script": None, "transactional": True})

    def script(self, script: PreparedScript) -> None:
        """Begin the list of *script*."""
        name, is_transactional = script.migration.script, script.in_transaction
        self._turn_to({"script": name, "transactional": is_transactional})

    def callback(self, script: str) -> Page:
        """Begin the list of the callback *script*."""
        self._section({"callback": script})
        return ListedCallback(self._add, self.remark)

    def message(self, message: Message) -> None:
        """Add the statements of *message*; the data of a COPY stands behind it as in psql."""
        if self._shown is not self._own:  # a callback's
            self._section(self._own)
        self._add(message)

    def _add(self, message: Message) -> None:
        for text in _gathered(self._texts_of(message)):
            self._write(text)

    def remark(self, text: str) -> None:
        """Add *text* to the remarks on the script."""
        self._remarks.append(text)

    def close(self, report: Report) -> None:
        """End with the fields of *report*."""
        fields = redacted_json(report_object(report), self._redactor)
        end = self._section_end().removesuffix(", ")
        self._write(f"{end}], {fields.removeprefix('{')}\n")

    def _turn_to(self, head: Head) -> None:
        self._own = head
        self._section(head)

    def _section(self, head: Head) -> None:
        self._shown = head
        fields = redacted_json(head, self._redactor).removesuffix("}")
        self._write(f'{self._section_end()}{fields}, "statements": [')
        self._end, self._is_first = "]}, ", True

    def _section_end(self) -> str:
        """Return what ends the script so far, with the remarks on it if there are any."""
        remarks = redacted_json(self._remarks, self._redactor)
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


@dataclass(frozen=True, slots=True)
class ListedCallback:
    """The list of a callback, see `hook.core.execution.dry_run.Page`."""

    message: Callable[[Message], None]
    remark: Callable[[str], None]


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
