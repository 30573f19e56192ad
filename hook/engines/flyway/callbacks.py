"""Runs callbacks that belong to no migration."""

from __future__ import annotations

from dataclasses import replace

from hook.core.execution.attempt import Attempt, AttemptEnd
from hook.core.execution.callback_book import PreparedCallback
from hook.core.execution.callback_failure import before_it_began, with_last_words
from hook.core.execution.script_message import Moment, Own, ScriptMessage
from hook.core.sql.finished_work import finished_work
from hook.core.sql.leftovers import lets_others_pass, may_stop_halfway, settled_line
from hook.core.sql.statement_list import StatementList
from hook.engines.flyway.apply import opening, own, send_all
from hook.engines.flyway.sending import Sender
from hook.postgres.transaction_status import take_transaction_id

_UNLIMITED = 0
_COMMIT = Own(Moment.COMMIT, "COMMIT")


def run_callback(sender: Sender, prepared: PreparedCallback, state: tuple[str, ...]) -> Attempt:
    """Run one callback on its own, in a transaction unless it refuses one.

    Args:
        sender: Its session has no transaction open.
        prepared: The callback.
        state: Statements that bring the session into the state of a script's start.
    """
    if not prepared.in_transaction:
        return _run_step_by_step(sender, prepared, state)
    begin, *limits = opening(sender)
    before = (begin, *own(Moment.OPENING, state), *limits)
    if sender.session.dry_run is not None:
        return send_all(sender, sender.compose(prepared.body, before, (_COMMIT,)))
    attempt = _run_in_transaction(sender, prepared.body, before)
    if attempt.end is not AttemptEnd.APPLIED:
        sender.roll_back()
    return with_last_words(attempt)


def _run_in_transaction(sender: Sender, body: StatementList, before: tuple[Own, ...]) -> Attempt:
    """Run *body* in a transaction that *before* begins, whose number is known in front of it."""
    attempt = sender.send(ScriptMessage(body[:0], before))
    if attempt.end is not AttemptEnd.APPLIED:
        return before_it_began(attempt)
    number = take_transaction_id(sender.session, sender.limits.seconds)
    if sender.session.is_lost:
        return before_it_began(sender.end(AttemptEnd.LOST))
    if not number:
        # The role may not know it, and having asked has spoilt the transaction.
        sender.roll_back()
        attempt = sender.send(ScriptMessage(body[:0], before))
        if attempt.end is not AttemptEnd.APPLIED:
            return before_it_began(attempt)
    attempt = send_all(sender, sender.compose(body, (), (_COMMIT,)), already=1)
    return replace(attempt, transaction=number)


def _run_step_by_step(
    sender: Sender, prepared: PreparedCallback, state: tuple[str, ...]
) -> Attempt:
    body, settled = prepared.body, 0
    limit = f"SET statement_timeout = {sender.limits.statement_timeout_ms}"
    attempt = sender.send(ScriptMessage(body[:0], tuple(own(Moment.OPENING, (*state, limit)))))
    left: tuple[str, ...] = ()
    for at in range(len(body)):
        if attempt.end is AttemptEnd.APPLIED:
            settled = settled if sender.session.in_transaction else at
            attempt = _run_statement(sender, body[at : at + 1])
            left = _uncertain(attempt, body[at : at + 1])
    if attempt.end is AttemptEnd.APPLIED and sender.session.in_transaction:
        # The callback has left its transaction open.
        attempt = sender.send(ScriptMessage(body[:0], (_COMMIT,)))
    if attempt.end is AttemptEnd.APPLIED:
        return attempt
    sender.roll_back()
    line = settled_line(body, settled)
    named = finished_work(body, settled)
    return replace(attempt, done=settled, done_line=line, done_objects=named, left_behind=left)


def _run_statement(sender: Sender, one: StatementList) -> Attempt:
    """Run a single statement; whoever has to queue behind it does so for a limited time."""
    limit = _UNLIMITED if lets_others_pass(one[0]) else sender.limits.lock_timeout_ms
    attempt = sender.send(
        ScriptMessage(one[:0], tuple(own(Moment.OPENING, (f"SET lock_timeout = {limit}",))))
    )
    return attempt if attempt.end is not AttemptEnd.APPLIED else sender.send(ScriptMessage(one))


def _uncertain(attempt: Attempt, one: StatementList) -> tuple[str, ...]:
    """Name what nobody can say of: whether a statement took effect, or a part of it."""
    if attempt.end is AttemptEnd.APPLIED:
        return ()
    statement = one[0]
    was_refused = attempt.failure is not None and attempt.failure.position is not None
    may_have = may_stop_halfway(statement) or lets_others_pass(statement)
    if attempt.end is AttemptEnd.LOST or (may_have and not was_refused):
        return (f"what line {statement.line} may have done",)
    return ()
