"""Decides what may run inside of a transaction: a statement, and a script as a whole."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from enum import Enum
from typing import NamedTuple

from hook.core.sql.creations import Name
from hook.core.sql.partition_refusals import command_refused_by
from hook.core.sql.statement_list import Statement
from hook.core.sql.transaction_refusals import refusing_command

_HEAD_WORDS = 6
_WRAPPER = 2
_NOISE = frozenset({"WORK", "TRANSACTION"})
_PLAIN_BEGINS = frozenset(
    {("BEGIN",), ("BEGIN", "WORK"), ("BEGIN", "TRANSACTION"), ("START", "TRANSACTION")}
)
_BEGINS = frozenset({"BEGIN", "START"})
_COMMITS = frozenset({"COMMIT", "END"})
_TAKE_BACK = frozenset({"ROLLBACK", "ABORT"})
_CONTROLS = frozenset(
    {"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "SAVEPOINT", "RELEASE"}
)


class TransactionMode(Enum):
    """How one statement relates to a transaction around it."""

    TRANSACTIONAL = "transactional"
    NON_TRANSACTIONAL = "non-transactional"
    CONTROL = "transaction control"


class ScriptMode(Enum):
    """How a whole script can run."""

    TRANSACTIONAL = "transactional"
    NON_TRANSACTIONAL = "non-transactional"
    MIXED = "mixed"


class Classification(NamedTuple):
    """The mode of a statement; *reason* names the command unless it is transactional."""

    mode: TransactionMode
    reason: str = ""


class ScriptVerdict(NamedTuple):
    """How a script can run, and why.

    Attributes:
        reason: Why it is not transactional.
        decisive: The statement that made it so; for a mixed script the first one of the
            other kind than the script's first statement.
        body: The statements to run: without a BEGIN … COMMIT around a transactional script.
        manages_transactions: Whether the script has transactions of its own, so that its
            rollback cannot be promised.
    """

    mode: ScriptMode
    body: Sequence[Statement]
    reason: str = ""
    decisive: Statement | None = None
    manages_transactions: bool = False


_TRANSACTIONAL = Classification(TransactionMode.TRANSACTIONAL)
_CONTROL = TransactionMode.CONTROL
_MANAGED = "the script manages its own transactions"


def classify(statement: Statement, partitioned: Collection[Name] = ()) -> Classification:
    """Classify *statement* by its words, and by what is known to be *partitioned*."""
    if command := refusing_command(statement) or command_refused_by(partitioned, statement):
        reason = f"{command} cannot run in a transaction"
        return Classification(TransactionMode.NON_TRANSACTIONAL, reason)
    if _is_control(statement):
        return Classification(_CONTROL, f"{statement.head} controls the transaction")
    return _TRANSACTIONAL


def is_open_after(statement: Statement, *, was_open: bool) -> bool:
    """Tell whether a transaction is open once *statement* succeeded."""
    if not _is_control(statement) or refusing_command(statement) or _is_savepoint(statement):
        return was_open
    if statement.head in _BEGINS:
        return True
    words = statement.words(_HEAD_WORDS)
    return was_open and "CHAIN" in words and "NO" not in words


def script_mode(
    statements: Sequence[Statement], partitioned: Collection[Name] = ()
) -> ScriptVerdict:
    """Decide how the script of *statements* can run, with what is known to be *partitioned*.

    Statements of both kinds make a mixed script, as in Flyway. A script wrapped in one
    plain BEGIN … COMMIT runs without its wrapper, in the transaction of whoever runs it.
    Any other transaction control but savepoints makes it manage its own transactions.
    """
    refusing: Statement | None = None
    other: Statement | None = None
    boundaries: list[Statement] = []
    for statement in statements:
        mode = classify(statement, partitioned).mode
        if mode is TransactionMode.NON_TRANSACTIONAL:
            refusing = refusing or statement
        else:
            other = other or statement
        if mode is _CONTROL and not _is_savepoint(statement) and len(boundaries) <= _WRAPPER:
            boundaries.append(statement)
    if refusing:
        reason = classify(refusing, partitioned).reason
        return _refused(statements, refusing, other, reason, is_managed=bool(boundaries))
    if not boundaries:
        return ScriptVerdict(ScriptMode.TRANSACTIONAL, statements)
    if _is_wrapper(boundaries, statements):
        return ScriptVerdict(ScriptMode.TRANSACTIONAL, statements[1:-1])
    return ScriptVerdict(
        ScriptMode.NON_TRANSACTIONAL, statements, _MANAGED, boundaries[0], manages_transactions=True
    )


def stray_rollback(statements: Sequence[Statement]) -> Statement | None:
    """Return the first ROLLBACK of what no transaction of the script's own has done.

    Whoever runs the script statement by statement cannot take that back.
    """
    is_open = is_at_stake = False
    for statement in statements:
        if not _is_control(statement) or refusing_command(statement):
            is_at_stake = is_at_stake or not is_open
        elif not _is_savepoint(statement):
            if is_at_stake and statement.head in _TAKE_BACK:
                return statement
            is_at_stake = False
        is_open = is_open_after(statement, was_open=is_open)
    return None


def _refused(
    statements: Sequence[Statement],
    refusing: Statement,
    other: Statement | None,
    reason: str,
    *,
    is_managed: bool,
) -> ScriptVerdict:
    mode = ScriptMode.MIXED if other else ScriptMode.NON_TRANSACTIONAL
    decisive = other if other and other.start > refusing.start else refusing
    return ScriptVerdict(mode, statements, reason, decisive, is_managed)


def _is_wrapper(boundaries: Sequence[Statement], statements: Sequence[Statement]) -> bool:
    """Tell whether *boundaries* are one BEGIN and one COMMIT around all of *statements*.

    A BEGIN with modes is none: the modes would be lost with it.
    """
    if len(boundaries) != _WRAPPER or [statements[0], statements[-1]] != boundaries:
        return False
    begin, commit = (item.words(_HEAD_WORDS) for item in boundaries)
    return begin in _PLAIN_BEGINS and commit[0] in _COMMITS and _is_plain_end(commit[1:])


def _is_plain_end(options: Sequence[str]) -> bool:
    return [word for word in options if word not in _NOISE] in ([], ["AND", "NO", "CHAIN"])


def _is_control(statement: Statement) -> bool:
    if statement.head == "PREPARE":
        return statement.words(2) == ("PREPARE", "TRANSACTION")
    return statement.head in _CONTROLS


def _is_savepoint(statement: Statement) -> bool:
    words = [word for word in statement.words(_HEAD_WORDS) if word not in _NOISE]
    return words[0] in {"SAVEPOINT", "RELEASE"} or words[:2] == ["ROLLBACK", "TO"]
