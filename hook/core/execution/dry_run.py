"""A dry run: what would be sent to the server is taken down instead.

It stands below the code that migrates, so that it gets what the server would get and
nothing has to be described a second time.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from hook.core.sql.lexer import SqlSyntaxError, StringSyntax
from hook.core.sql.places import Places
from hook.core.sql.statement_list import Source, Statement, StatementList
from hook.core.sql.statements import cut_statements
from hook.core.sql.transactions import TransactionMode, classify, is_open_after

if TYPE_CHECKING:
    from hook.core.execution.prepared import PreparedScript


class Part(NamedTuple):
    """A stretch of a message that ends where a COPY asks for its data, or with the message.

    Attributes:
        statements: Of the stretch; their source is its text.
        data: UTF-8, none for a stretch without COPY.
    """

    statements: StatementList
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """What would be sent in one piece.

    Attributes:
        is_transaction: The server would run its statements, several, in one transaction
            that nothing in the message begins.
            https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT
    """

    parts: tuple[Part, ...]
    is_transaction: bool


class Page(Protocol):
    """Where the messages of one connection are taken down."""

    def message(self, message: Message) -> None:
        """Take down *message*."""

    def remark(self, text: str) -> None:
        """Say *text* of the message that follows."""


class Notebook(Page, Protocol):
    """Where a dry run is taken down; its own messages are those of the connection that migrates."""

    def open(self, heading: Sequence[str]) -> None:
        """Begin with the lines of *heading*, which are no SQL."""

    def script(self, script: PreparedScript) -> None:
        """Say that the messages that follow are those of *script*."""

    def callback(self, script: str) -> Page:
        """Return where to take down the callback *script*, which has another connection."""


class DryRun:
    """One dry run, from its first message to its last; everything succeeds.

    Attributes:
        in_transaction: A transaction would be open now.
    """

    def __init__(self, page: Page) -> None:
        """Take everything down on *page*."""
        self._page = page
        self.in_transaction = False

    def turn_to(self, page: Page) -> None:
        """Take what follows down on *page*."""
        self._page = page

    def keep(self, message: bytes, copies: Sequence[bytes] = ()) -> None:
        """Take down *message* with the data of its COPY statements, in order."""
        parts = tuple(_cut(message, copies))
        was_open = self.in_transaction
        for part in parts:
            for statement in part.statements:
                self.in_transaction = is_open_after(statement, was_open=self.in_transaction)
        is_transaction = not was_open and _count(parts) > 1 and not _begins(parts[0])
        self._page.message(Message(parts, is_transaction))

    def remark(self, text: str) -> None:
        """Take down *text*, which is true of the next message."""
        self._page.remark(text)


def _count(parts: Sequence[Part]) -> int:
    return sum(len(part.statements) for part in parts)


def _begins(part: Part) -> bool:
    return classify(part.statements[0]).mode is TransactionMode.CONTROL


def _cut(message: bytes, copies: Sequence[bytes]) -> Iterator[Part]:
    """Cut *message* behind each COPY that asks for data."""
    for data in copies:
        stretch = _statements(message)
        copy = next((item.copy for item in stretch if item.copy is not None), None)
        end = len(message) if copy is None else copy.start
        yield Part(_statements(message[:end]), data)
        message = message[end:]
    if message.strip():
        yield Part(_statements(message))


def _statements(sql: bytes) -> StatementList:
    try:
        return cut_statements(sql)
    except SqlSyntaxError:
        # Strings by another syntax than the standard one: such a statement travels alone.
        end = len(sql.rstrip().removesuffix(b";").rstrip())
        places, source = Places(), Source(sql)
        places.add(0, end)
        statement = Statement(source, 0, end, string_syntax=StringSyntax.ESCAPE)
        return StatementList.whole(source, places, {0: statement})
