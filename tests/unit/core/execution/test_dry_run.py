"""What a dry run takes down, and whether a transaction would be open behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from hook.core.execution.dry_run import DryRun, Message
from hook.core.execution.prepared import PreparedScript


@dataclass
class FakeNotebook:
    """A `Notebook` that keeps what it is given."""

    messages: list[Message] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def open(self, heading: Sequence[str]) -> None:
        """Take no heading."""

    def script(self, script: PreparedScript) -> None:
        """Take no script."""

    def callback(self, script: str) -> FakeNotebook:
        """Keep what *script* sends as well."""
        del script
        return self

    def message(self, message: Message) -> None:
        """Keep *message*."""
        self.messages.append(message)

    def remark(self, text: str) -> None:
        """Keep *text*."""
        self.remarks.append(text)


def kept(*messages: str) -> tuple[DryRun, list[Message]]:
    """Return a dry run of *messages*, and what it took down."""
    notebook = FakeNotebook()
    dry_run = DryRun(notebook)
    for message in messages:
        dry_run.keep(message.encode())
    return dry_run, notebook.messages


@pytest.mark.parametrize(
    ("messages", "is_open"),
    [
        (["SELECT 1"], False),
        (["BEGIN"], True),
        (["/* c */ start transaction read only\n;\n"], True),
        (["BEGIN;\nSELECT 1;\nCOMMIT;\n"], False),
        (["BEGIN;\nSELECT 1;\n", "INSERT INTO t VALUES (1)\n;\n"], True),
        (["BEGIN", "COMMIT"], False),
        (["BEGIN", "ROLLBACK TO SAVEPOINT s"], True),
        (["BEGIN", "SAVEPOINT s", "RELEASE s", "END WORK"], False),
        (["BEGIN", "COMMIT AND CHAIN"], True),
        (["BEGIN", "ROLLBACK AND NO CHAIN"], False),
        (["COMMIT AND CHAIN"], False),
        (["BEGIN", "PREPARE TRANSACTION 'x'"], False),
        (["BEGIN", "PREPARE q AS SELECT 1"], True),
        (["ROLLBACK PREPARED 'x'"], False),
    ],
)
def test_transaction_is_followed(messages: list[str], is_open: bool) -> None:  # noqa: FBT001 - a column
    """The code above decides by it, as it does by what a server reports."""
    dry_run, _ = kept(*messages)
    assert dry_run.in_transaction is is_open


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        (["SET a = 1;\nSET b = 2"], [True]),
        (["SET a = 1"], [False]),
        (["BEGIN;\nSET a = 1;\nCOMMIT"], [False]),
        (["BEGIN", "SET a = 1;\nSET b = 2"], [False, False]),
        (["SELECT 'it\\'s; 1'\n;\n"], [False]),
    ],
)
def test_several_statements_of_one_message_are_one_transaction(
    messages: list[str], expected: list[bool]
) -> None:
    """Unless one is open, or they bring their own."""
    _, taken = kept(*messages)
    assert [message.is_transaction for message in taken] == expected


def test_message_is_cut_where_copy_asks_for_data() -> None:
    """The text stays whole, and each COPY has its own data."""
    notebook = FakeNotebook()
    text = "SELECT ';';\nCOPY t FROM stdin\n;\nCOPY u FROM stdin -- c\n;\nSELECT 2\n;\n"
    DryRun(notebook).keep(text.encode(), [b"1\n", b""])
    (message,) = notebook.messages
    parts = [(part.statements.source.sql.decode(), part.data) for part in message.parts]
    assert parts == [
        ("SELECT ';';\nCOPY t FROM stdin\n;\n", b"1\n"),
        ("COPY u FROM stdin -- c\n;\n", b""),
        ("SELECT 2\n;\n", None),
    ]


def test_string_by_the_old_syntax_is_read_so() -> None:
    """What psql would read in it is within quotes, whatever the standard says."""
    _, (message,) = kept("SELECT 'it\\'s :PORT', a[1:b]\n;\n")
    (statement,) = message.parts[0].statements
    assert [token.text for token in statement.tokens()][1] == "'it\\'s :PORT'"


def test_remark_reaches_the_notebook() -> None:
    """It is told of the message behind it."""
    notebook = FakeNotebook()
    DryRun(notebook).remark("only if it rains")
    assert notebook.remarks == ["only if it rains"]
