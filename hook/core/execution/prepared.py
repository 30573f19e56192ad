"""A pending script, read and understood before anything runs."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable
from typing import NamedTuple, cast

from hook.core.scripts.script import Migration, ScriptFile
from hook.core.scripts.waivers import NO_LOSSES, LossBook, Waiver, keep_book
from hook.core.sql.creations import Creations, Name
from hook.core.sql.index_build import build_lines
from hook.core.sql.leftovers import may_be_resumed, may_run_again
from hook.core.sql.lexer import SqlSyntaxError
from hook.core.sql.locks import LockRequest
from hook.core.sql.losses import find_losses
from hook.core.sql.relations import script_lock_requests
from hook.core.sql.statement_list import StatementList
from hook.core.sql.stepwise import tells_of_first, why_not_stepwise
from hook.core.sql.summary import summarize
from hook.core.sql.transactions import (
    ScriptMode,
    ScriptVerdict,
    TransactionMode,
    classify,
    script_mode,
    stray_rollback,
)
from hook.core.sql.unforeseen import unforeseen_locks

_BY_CONFIGURATION = "its .conf or FLYWAY_EXECUTE_IN_TRANSACTION says so"


class PreparedScript(NamedTuple):
    """What is known of a pending script; its text is read again when it runs.

    Attributes:
        in_transaction: Whether it runs in one transaction with its history row.
        reason: Why it does not.
        requests: The locks its statements will ask for.
        unforeseen: Where they may ask for more, which shows only when they run.
        head_line: 1-based line of the first statement, 0 for a script without any.
        builds: Lines of what builds an index without locking the table.
        runs_once: When it was cut off, it must not simply be run again: it is in no
            transaction, and nobody knows how far it came.
        can_resume: It may be all the same, by whoever knows that it was cut off.
        text: SHA-256 of a script that it is noted of how far it comes, and of where it is cut
            into statements, as these are counted; else empty, and *unnoted* is why.
        tells_of_first: As long as no statement is noted, none has changed anything.
        losses: What of the data it destroys, and what allows that.
        is_run: Otherwise it is only recorded, see `hook.core.reporting.recorded`.
    """

    migration: Migration
    in_transaction: bool
    reason: str
    requests: tuple[LockRequest, ...]
    statement_count: int
    head_line: int = 0
    is_run: bool = True
    builds: tuple[int, ...] = ()
    runs_once: bool = False
    can_resume: bool = False
    text: str = ""
    unnoted: str = ""
    tells_of_first: bool = False
    losses: LossBook = NO_LOSSES
    unforeseen: tuple[str, ...] = ()


class ParsedScript(NamedTuple):
    """The statements to run and how."""

    body: StatementList
    in_transaction: bool
    reason: str


def place_script(
    script: ScriptFile,
    statements: StatementList,
    *,
    allows_mixed: bool,
    partitioned: Collection[Name] = (),
) -> ParsedScript:
    """Decide whether *statements* run in one transaction.

    What the script's ``.conf`` demands goes before what its statements need, as in
    Flyway; but a script with transactions of its own is never put into one more, of
    which its first COMMIT would be the end.

    Args:
        script: The file that they are of.
        statements: All of the file.
        allows_mixed: Whether they may be of both kinds.
        partitioned: The relations known to be that, see `hook.core.sql.partition_refusals`.

    Raises:
        SqlSyntaxError: It mixes statements that need a transaction with ones that refuse
            it, and nothing allows that.
    """
    verdict = script_mode(statements, partitioned)
    if script.in_transaction is False:
        # As it stands, a BEGIN … COMMIT around all of it included.
        return ParsedScript(statements, in_transaction=False, reason=_BY_CONFIGURATION)
    body = cast("StatementList", verdict.body)  # a slice of what the verdict was given
    if script.in_transaction and not verdict.manages_transactions:
        return ParsedScript(body, in_transaction=True, reason="")
    if verdict.mode is ScriptMode.MIXED and not allows_mixed:
        raise _mixed(verdict, partitioned)
    if verdict.mode is ScriptMode.NON_TRANSACTIONAL and (stray := stray_rollback(statements)):
        raise SqlSyntaxError(stray.line, f"{stray.head} of what no BEGIN in the script has begun")
    in_transaction = verdict.mode is ScriptMode.TRANSACTIONAL
    return ParsedScript(body, in_transaction, verdict.reason)


def prepare_script(
    migration: Migration,
    parsed: ParsedScript,
    waivers: Iterable[Waiver] = (),
    made: Creations | None = None,
) -> PreparedScript:
    """Return what is known of *migration*, once it is *parsed*.

    Args:
        migration: Pending.
        parsed: Its script.
        waivers: Of the script.
        made: What the scripts in front of it create; what this one does is added.
    """
    if not parsed.in_transaction:
        # Whoever reads the script again need not ask the catalog once more.
        migration = migration._replace(in_transaction=False)
    runs_once = not parsed.in_transaction and not all(map(may_run_again, parsed.body))
    can_resume = not parsed.in_transaction and all(map(may_be_resumed, parsed.body))
    unnoted = why_not_stepwise(parsed.body) if runs_once else ""
    return PreparedScript(
        migration=migration,
        in_transaction=parsed.in_transaction,
        reason=parsed.reason,
        requests=script_lock_requests(parsed.body),
        statement_count=len(parsed.body),
        head_line=parsed.body[0].line if len(parsed.body) else 0,
        builds=() if parsed.in_transaction else build_lines(parsed.body),
        runs_once=runs_once,
        can_resume=can_resume,
        text=_digest(parsed.body) if runs_once and not unnoted else "",
        unnoted=unnoted,
        tells_of_first=runs_once and not unnoted and tells_of_first(parsed.body),
        losses=keep_book(migration.script, find_losses(parsed.body, made or Creations()), waivers),
        unforeseen=unforeseen_locks(migration.script, parsed.body),
    )


def _digest(body: StatementList) -> str:
    digest = hashlib.sha256(body.source.sql)
    for statement in body:
        digest.update(f" {statement.start}-{statement.end}".encode())
    return digest.hexdigest()


def _mixed(verdict: ScriptVerdict, partitioned: Collection[Name]) -> SqlSyntaxError:
    """Return the refusal of a mixed script, at the first statement that does not fit."""
    odd = verdict.decisive
    assert odd is not None  # noqa: S101 - every verdict but a transactional one has it
    needs = f"{verdict.reason} and needs a script of its own"
    if classify(odd, partitioned).mode is TransactionMode.NON_TRANSACTIONAL:
        return SqlSyntaxError(odd.line, f"{needs}: {summarize(odd)}")
    return SqlSyntaxError(odd.line, f"{needs}, without {summarize(odd)}")
