"""Runs one script once, together with its row in the schema history.

A transactional script goes to the server in one message with its history row and
the COMMIT, so that neither can exist without the other. A script that PostgreSQL
refuses inside a transaction runs statement by statement.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hook.core.attempt import Attempt, AttemptEnd, Limits
from hook.core.script_message import ScriptMessage, compose_messages
from hook.core.sql_text import quote_identifier
from hook.core.summary import summarize
from hook.core.transactions import TransactionMode, classify
from hook.errors import HookError
from hook.postgres.indexes import fetch_invalid_indexes
from hook.postgres.script_run import CopyInput, ScriptOutcome

if TYPE_CHECKING:
    from hook.core.statement_list import Statement, StatementList
    from hook.postgres.session import Session

_CLEANUP_SECONDS = 5.0
_STRINGS = "standard_conforming_strings"
_OWN_ROLE = "SET SESSION AUTHORIZATION DEFAULT"


@dataclass(frozen=True, slots=True)
class Writing:
    """The session state a script starts from, and its row in the history.

    Attributes:
        session_state: Statements that bring any session into the same state, so
            that nothing a script has SET leaks into the next one.
        success_row: INSERT of the row; the server measures the time since BEGIN.
        timed_row: INSERT of the row, given success and the duration in milliseconds.
    """

    session_state: tuple[str, ...]
    success_row: str
    timed_row: Callable[[bool, int], str]


@dataclass(frozen=True, slots=True)
class Application:
    """One script about to run on one session.

    Attributes:
        on_wait: Told the seconds waited so far, now and then.
    """

    session: Session
    statements: StatementList
    writing: Writing
    limits: Limits
    on_wait: Callable[[float], None]

    def in_transaction(self) -> Attempt:
        """Run script and history row in one transaction; nothing stays if it fails."""
        began = time.monotonic()
        if self.session.reported(_STRINGS) != "on":
            # The server reads all strings of a message by the setting it begins with.
            attempt = self._send_own(self.writing.session_state, began)
            if attempt.end is not AttemptEnd.APPLIED:
                return attempt
        before = (
            *self.writing.session_state,
            "BEGIN",
            f"SET LOCAL lock_timeout = {self.limits.lock_timeout_ms}",
            f"SET LOCAL statement_timeout = {self.limits.statement_timeout_ms}",
        )
        # The script may have left another role behind, without rights on the history.
        after = (_OWN_ROLE, f"SET {_STRINGS} = on", self.writing.success_row, "COMMIT")
        for message in compose_messages(self.statements, before, after):
            attempt = self._send(message, began)
            if attempt.end is not AttemptEnd.APPLIED:
                self._roll_back()
                return attempt
        return Attempt(AttemptEnd.APPLIED, _milliseconds_since(began))

    def without_transaction(self) -> Attempt:
        """Run the script statement by statement, then write its history row.

        What a failed script leaves behind is named and recorded as a failed row, so
        that no later run takes the script for one that never began.
        """
        invalid_before = fetch_invalid_indexes(self.session)
        began = time.monotonic()
        attempt = self._send_own(self.writing.session_state, began)
        for index in range(len(self.statements)):
            if attempt.end is AttemptEnd.APPLIED:
                attempt = self._send_alone(self.statements[index : index + 1], began)
            if attempt.end is not AttemptEnd.APPLIED:
                left = self._left_behind(self.statements[:index], invalid_before)
                return self._failed(replace(attempt, left_behind=left))
        row = self.writing.timed_row(True, _milliseconds_since(began))  # noqa: FBT003 - a column
        return self._send_own((*self.writing.session_state, row), began)

    def _send_alone(self, one: StatementList, began: float) -> Attempt:
        """Run one statement with the time limits that suit it."""
        settings = (
            f"SET lock_timeout = {self._lock_timeout_ms(one[0])}",
            f"SET statement_timeout = {self.limits.statement_timeout_ms}",
        )
        attempt = self._send_own(settings, began)
        if attempt.end is not AttemptEnd.APPLIED:
            return attempt
        return self._send(compose_messages(one, (), ())[-1], began)

    def _lock_timeout_ms(self, statement: Statement) -> int:
        """Return the limit for each lock that *statement* waits for, 0 for none.

        CREATE INDEX CONCURRENTLY and its kin let others pass while they wait, and
        wait for old snapshots under the same setting; giving up there leaves an
        invalid index. Only ``statement_timeout`` limits them.
        """
        lets_others_pass = classify(statement).mode is TransactionMode.NON_TRANSACTIONAL
        return 0 if lets_others_pass else self.limits.lock_timeout_ms

    def _send_own(self, own: Sequence[str], began: float) -> Attempt:
        return self._send(compose_messages(self.statements[:0], own, ())[-1], began)

    def _send(self, message: ScriptMessage, began: float) -> Attempt:
        seconds = self.limits.seconds - (time.monotonic() - began)
        copies = [
            CopyInput((item.copy_data or "").encode())
            for item in message.statements.special.values()
            if item.copy is not None
        ]
        outcome = self.session.run(message.text, copies, seconds=seconds, on_wait=self.on_wait)
        return _attempt(message, outcome, _milliseconds_since(began))

    def _roll_back(self) -> None:
        if self.session.in_transaction and not self.session.is_lost:
            self.session.shielded(_CLEANUP_SECONDS).run("ROLLBACK")

    def _left_behind(self, done: StatementList, invalid_before: Collection[str]) -> tuple[str, ...]:
        """Return what the script has changed for good."""
        left: list[str] = []
        if len(done):
            left.append(f"everything up to line {done[-1].end_line}")
        self._roll_back()
        try:
            invalid = fetch_invalid_indexes(self.session.shielded(_CLEANUP_SECONDS))
        except HookError:
            left.append("indexes that could not be looked at")
        else:
            left.extend(f"invalid index {name}" for name in invalid if name not in invalid_before)
        return tuple(left)

    def _failed(self, attempt: Attempt) -> Attempt:
        """Record a failed row for an *attempt* that left something behind."""
        if not attempt.left_behind or self.session.is_lost:
            return attempt
        row = self.writing.timed_row(False, attempt.duration_ms)  # noqa: FBT003 - a column
        message = compose_messages(
            self.statements[:0], ("SET lock_timeout = 0", *self.writing.session_state, row), ()
        )[-1]
        outcome = self.session.shielded(_CLEANUP_SECONDS).run(message.text)
        if outcome.failure is None and not outcome.is_lost:
            return attempt
        left = (*attempt.left_behind, "no row in the schema history")
        return replace(attempt, left_behind=left)


def session_state(schema: str, search_path: str) -> tuple[str, ...]:
    """Return the statements after which a session is as if it were new.

    The schema of the history goes in front of the role's own search path, as in
    Flyway; the time zone is the one Flyway's image has, so that neither the times in
    the history nor a conversion of ``timestamp`` depends on who runs.
    """
    quoted = quote_identifier(schema)
    first = search_path.split(",", 1)[0].strip()
    path = search_path if first in {schema, quoted} else f"{quoted}, {search_path}"
    return (
        _OWN_ROLE,
        "RESET ALL",
        f"SET search_path = {path.rstrip(', ')}",
        "SET TimeZone = 'UTC'",
        f"SET {_STRINGS} = on",
    )


def _attempt(message: ScriptMessage, outcome: ScriptOutcome, duration_ms: int) -> Attempt:
    if outcome.is_lost:
        return Attempt(AttemptEnd.LOST, duration_ms, outcome.failure)
    if outcome.failure is not None:
        end = AttemptEnd.INTERRUPTED if outcome.is_interrupted else AttemptEnd.FAILED
        statement, line = message.find(outcome.completed, outcome.failure.position)
        head = "" if statement is None else summarize(statement)
        return Attempt(end, duration_ms, outcome.failure, line, head)
    if outcome.completed < message.count:
        # Nothing was sent: the stop request was there first.
        return Attempt(AttemptEnd.INTERRUPTED, duration_ms)
    return Attempt(AttemptEnd.APPLIED, duration_ms)


def _milliseconds_since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
