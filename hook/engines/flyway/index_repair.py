"""Keeps invalid indexes out of the way of those that a script builds without locking."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hook.core.execution.attempt import Attempt, AttemptEnd, Place
from hook.core.execution.mending import Remains, divide_indexes, is_cut_off
from hook.core.execution.script_message import Moment, Own, ScriptMessage
from hook.core.execution.sqlstate import ServerMessage
from hook.core.sql.index_build import probing_statement, read_drop, read_index_build, read_reach
from hook.core.sql.invalid_index import TOAST, BuildScope
from hook.core.sql.leftovers import is_only_work
from hook.engines.flyway.sending import CLEANUP_SECONDS
from hook.errors import DeadlineExceeded, HookError, Interrupted
from hook.postgres.indexes import (
    fetch_indexes_in_the_way,
    fetch_invalid_indexes,
    fetch_probed_matter,
    fetch_valid_index,
    is_there,
)

if TYPE_CHECKING:
    from hook.core.sql.invalid_index import IndexBuild, InvalidIndex
    from hook.core.sql.statement_list import Statement, StatementList
    from hook.engines.flyway.sending import Sender
    from hook.postgres.indexes import IndexMatter, ValidIndex

_INSUFFICIENT_PRIVILEGE = "42501"
_LOCK_NOT_AVAILABLE = "55P03"
_SUCCESSFUL_COMPLETION = "00000"
_UNDEFINED_OBJECT = "42704"
_SYSTEM_ERROR = "58000"
# Of the twenty seconds that a stop request leaves, or of what the pod has beyond the deadline.
_DROP_SECONDS = {AttemptEnd.INTERRUPTED: 2.0, AttemptEnd.OUT_OF_TIME: 2.0}


@dataclass(frozen=True, slots=True)
class IndexRepair:
    """Drops what builds that failed have left, now or in an earlier run.

    Attributes:
        invalid_before: Those that were there before this attempt.
        refused: Those that the role may not drop, and that are in nobody's way.
    """

    sender: Sender
    nothing: StatementList
    invalid_before: Collection[InvalidIndex]
    refused: set[InvalidIndex] = field(default_factory=set)

    def clear_the_way(self, statement: Statement) -> Attempt:
        """Drop the invalid indexes that *statement* would trip over, or silently keep."""
        build = read_index_build(statement)
        if build is None or self.sender.session.in_transaction:
            return self.sender.end(AttemptEnd.APPLIED)
        place = Place(Moment.CLEARING, statement.line)
        try:
            for index in fetch_indexes_in_the_way(self.sender.session, build):
                attempt = self._clear(index, place)
                if attempt.end is not AttemptEnd.APPLIED:
                    return attempt
        except HookError as error:
            return self._could_not_look(error, place)
        return self.sender.end(AttemptEnd.APPLIED)

    def is_built(self, statement: Statement) -> bool:
        """Tell whether the very index that *statement* creates is there, and valid.

        A run that was killed, or lost its connection, does not learn that the server has
        finished. What cannot be found out is left to *statement* itself.
        """
        build, session = read_index_build(statement), self.sender.session
        if build is None or build.scope is not BuildScope.NAMED or session.in_transaction:
            return False
        try:
            index = fetch_valid_index(session, build)
            if index is None or not self._is_same(statement, index):
                return False
        except HookError:
            return False
        self._tell(f"index {index.name} on {index.table} is there, valid and as defined: kept")
        return True

    def is_there(self, statement: Statement) -> bool:
        """Tell whether the index that *statement* drops is there; not if that is unknown."""
        name = read_drop(statement)
        try:
            return bool(name) and is_there(self.sender.session, name)
        except HookError:
            return False

    def is_dropped(self, statement: Statement, attempt: Attempt) -> bool:
        """Tell whether *attempt* at *statement* ended as there is nothing to drop any more.

        Only who knows of an earlier one that was cut off may take that for done.
        """
        name, failure = read_drop(statement), attempt.failure
        if not name or failure is None or failure.sqlstate != _UNDEFINED_OBJECT:
            return False
        message = f"index {name} is not there: dropped by an attempt that was cut off, it seems"
        self.sender.notices.append(ServerMessage("WARNING", _SUCCESSFUL_COMPLETION, message))
        return True

    def left_by(self, statement: Statement, attempt: Attempt) -> Remains:
        """Return what is left of *statement*, at which *attempt* has ended without success.

        What it has built in vain is dropped, if that takes no longer than there is time: the
        same sessions that a build waits for may be in the way of that.
        """
        reach = read_reach(statement) if is_cut_off(attempt) else None
        doubt = Remains(in_doubt=f"an invalid index of line {statement.line}")
        if attempt.end is AttemptEnd.LOST and reach is None:
            work = f"the work of line {statement.line}" if is_only_work(statement) else ""
            return Remains(in_doubt=work)
        if attempt.end is AttemptEnd.LOST:
            return doubt
        build = read_index_build(statement)
        try:
            if build is not None and attempt.place.moment is Moment.SCRIPT:
                self._drop_new(build, _DROP_SECONDS.get(attempt.end, CLEANUP_SECONDS))
            session = self.sender.session.shielded(CLEANUP_SECONDS)
            new = fetch_invalid_indexes(session).difference(self.invalid_before)
            reached = () if reach is None else fetch_indexes_in_the_way(session, reach)
        except HookError:
            unseen = Remains(("indexes that could not be looked at",))
            return unseen if reach is None else doubt
        return divide_indexes(new, reached, self.refused)

    def _clear(self, index: InvalidIndex, place: Place) -> Attempt:
        if index.built_by is not None:
            problem = f"index {index.describe()} is being built by process {index.built_by}"
            failure = ServerMessage("ERROR", _LOCK_NOT_AVAILABLE, problem)
            return self.sender.end(AttemptEnd.FAILED, place, failure)
        attempt = self.sender.send(ScriptMessage(self.nothing, (_drop(index),)))
        what = f"invalid index {index.describe()}, left by a failed build,"
        if not self._is_out_of_reach(index, attempt):
            self._tell(f"{what} is dropped first")
            return attempt
        message = f"{what} stays: to drop it takes USAGE on schema {TOAST}"
        self.sender.notices.append(ServerMessage("WARNING", _SUCCESSFUL_COMPLETION, message))
        return self.sender.end(AttemptEnd.APPLIED)

    def _is_out_of_reach(self, index: InvalidIndex, attempt: Attempt) -> bool:
        """Tell whether *attempt* to drop *index* was refused, and note it.

        The owner of a table may rebuild the index of its TOAST table, but not name it. The
        server passes an invalid one by, so that it is in nobody's way.
        """
        failure = attempt.failure
        if failure is None or failure.sqlstate != _INSUFFICIENT_PRIVILEGE or not index.is_of_toast:
            return False
        self.refused.add(index)
        return True

    def _could_not_look(self, error: HookError, place: Place) -> Attempt:
        if self.sender.session.is_lost:
            return self.sender.end(AttemptEnd.LOST, place)
        if isinstance(error, Interrupted):
            return self.sender.end(AttemptEnd.INTERRUPTED, place)
        if isinstance(error, DeadlineExceeded):
            return self.sender.end(AttemptEnd.OUT_OF_TIME, place)
        failure = ServerMessage("ERROR", _SYSTEM_ERROR, error.message)
        return self.sender.end(AttemptEnd.FAILED, place, failure)

    def _is_same(self, statement: Statement, index: ValidIndex) -> bool:
        dry_run = self.sender.session.dry_run
        if dry_run is None:
            return self._probe(statement, index) == index.matter
        # To compare the two takes a temporary table, which is a write.
        dry_run.remark(
            f"line {statement.line}: `presync run` leaves this out if index {index.name} on"
            f" {index.table}, which is there and valid, is the very same"
        )
        return False

    def _probe(self, statement: Statement, index: ValidIndex) -> IndexMatter | None:
        """Return what *statement* would build, none when it builds nothing."""
        session = self.sender.session
        copy = f"CREATE TEMPORARY TABLE presync_probe (LIKE {index.table})"
        try:
            outcome = session.run(f"BEGIN;\n{copy};\n{probing_statement(statement)}")
            is_done = outcome.failure is None and session.in_transaction
            return fetch_probed_matter(session) if is_done else None
        finally:
            self.sender.roll_back()

    def _tell(self, message: str) -> None:
        self.sender.notices.append(ServerMessage("NOTICE", _SUCCESSFUL_COMPLETION, message))

    def _drop_new(self, build: IndexBuild, seconds: float) -> None:
        session = self.sender.session.shielded(CLEANUP_SECONDS)
        for index in fetch_indexes_in_the_way(session, build):
            if index.built_by is not None or index in self.invalid_before:
                continue
            message = ScriptMessage(self.nothing, (_drop(index),))
            attempt = self.sender.send_shielded(message, seconds)
            if not self._is_out_of_reach(index, attempt) and is_cut_off(attempt):
                return  # whoever is in the way of one is in the way of all


def _drop(index: InvalidIndex) -> Own:
    return Own(Moment.CLEARING, f"DROP INDEX CONCURRENTLY {index.name}")
