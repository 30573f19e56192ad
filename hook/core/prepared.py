"""A pending script, read and understood before anything runs."""

from __future__ import annotations

from dataclasses import dataclass

from hook.core.lexer import SqlSyntaxError
from hook.core.locks import LockRequest
from hook.core.relations import script_lock_requests
from hook.core.script import Migration
from hook.core.statement_list import StatementList
from hook.core.statements import parse_statements
from hook.core.summary import summarize
from hook.core.transactions import ScriptMode, ScriptVerdict, script_mode


@dataclass(frozen=True, slots=True)
class PreparedScript:
    """What is known of a pending script; its text is read again when it runs.

    Attributes:
        in_transaction: Whether it runs in one transaction with its history row.
        reason: Why it does not.
        requests: The locks its statements will ask for.
        head_line: 1-based line of the first statement, 0 for a script without any.
    """

    migration: Migration
    in_transaction: bool
    reason: str
    requests: tuple[LockRequest, ...]
    statement_count: int
    head_line: int = 0


@dataclass(frozen=True, slots=True)
class ParsedScript:
    """The statements to run and how."""

    body: StatementList
    in_transaction: bool
    reason: str


def parse_script(migration: Migration, text: str, *, allows_mixed: bool) -> ParsedScript:
    """Return the statements of *text*, and whether they run in one transaction.

    What the script's ``.conf`` demands goes before what its statements need, as in
    Flyway.

    Raises:
        SqlSyntaxError: The text cannot be cut into statements, or mixes statements that
            need a transaction with ones that refuse it, and nothing allows that.
    """
    verdict = script_mode(parse_statements(text))
    body = verdict.body
    if not isinstance(body, StatementList):
        raise TypeError(f"{migration.script}: statements are a {type(body).__name__}")
    if migration.in_transaction is not None:
        reason = "" if migration.in_transaction else "its .conf or executeInTransaction says so"
        return ParsedScript(body, migration.in_transaction, reason)
    if verdict.mode is ScriptMode.MIXED and not allows_mixed:
        raise _mixed(verdict)
    return ParsedScript(body, verdict.mode is ScriptMode.TRANSACTIONAL, verdict.reason)


def prepare_script(migration: Migration, text: str, *, allows_mixed: bool) -> PreparedScript:
    """Return what is known of *migration* from its *text*.

    Raises:
        SqlSyntaxError: As `parse_script`.
    """
    parsed = parse_script(migration, text, allows_mixed=allows_mixed)
    return PreparedScript(
        migration=migration,
        in_transaction=parsed.in_transaction,
        reason=parsed.reason,
        requests=script_lock_requests(parsed.body),
        statement_count=len(parsed.body),
        head_line=parsed.body[0].line if len(parsed.body) else 0,
    )


def _mixed(verdict: ScriptVerdict) -> SqlSyntaxError:
    statement = verdict.decisive
    line = statement.line if statement is not None else 0
    head = summarize(statement) if statement is not None else ""
    return SqlSyntaxError(
        line, f"{verdict.reason} cannot share a script with statements in a transaction: {head}"
    )
