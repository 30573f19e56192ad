"""A dry run as SQL: a script that psql runs, or lists of statements for JSON."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from hook.core.plan_view import describe_script
from hook.core.redaction import MASK, Redactor
from hook.core.text import one_line
from hook.render.report_json import report_object

if TYPE_CHECKING:
    from hook.core.dry_run import Message
    from hook.core.prepared import PreparedScript
    from hook.core.report import Report

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
            text = part.statements.source.sql.decode()
            self._say(text)
            # On a line of its own: the text may end in a comment.
            self._write("" if text.endswith(";\n") else "\n;\n")
            if part.data is not None:
                self._data(part.data)
        if message.is_transaction:
            self._write(f"COMMIT; {PSQL_ONLY}\n")

    def close(self, report: Report) -> None:
        """End with the verdict, so that a script that was cut off shows it."""
        self._write("\n")
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
            for piece in _pieces(data):
                self._say(piece.decode())
            self._write("" if data.endswith(b"\n") or not data else "\n")
        self._write(f"{_END_OF_DATA}\n")

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


def _pieces(data: bytes) -> Iterator[bytes]:
    """Yield *data* in pieces that end with a line, so that it is never held as text at once."""
    start = 0
    while start < len(data):
        newline = data.find(b"\n", start + _PIECE)
        end = len(data) if newline < 0 else newline + 1
        yield data[start:end]
        start = end


class SqlList:
    """A dry run as JSON: of each script, the statements in order."""

    def __init__(self, show: Callable[[Mapping[str, object]], None]) -> None:
        """Hand the finished object to *show*."""
        self._show = show
        self._sections: list[dict[str, object]] = []
        self._statements: list[str] = []

    def open(self, heading: Sequence[str]) -> None:
        """Begin with what precedes the first script; *heading* is for people."""
        del heading
        self._section(None, is_transactional=True)

    def script(self, script: PreparedScript) -> None:
        """Begin the list of *script*."""
        self._section(script.migration.script, is_transactional=script.in_transaction)

    def message(self, message: Message) -> None:
        """Add the statements of *message*; the data of a COPY stands behind it as in psql."""
        for part in message.parts:
            texts = [statement.text for statement in part.statements]
            if part.data is not None:
                texts[-1] += f";\n{part.data.decode()}{_END_OF_DATA}"
            self._statements += texts

    def close(self, report: Report) -> None:
        """Show *report* with the statements in it."""
        self._show({**report_object(report), "sql": self._sections})

    def _section(self, script: str | None, *, is_transactional: bool) -> None:
        self._statements = []
        self._sections.append(
            {"script": script, "transactional": is_transactional, "statements": self._statements}
        )
