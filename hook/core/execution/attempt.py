"""One attempt at one migration: how it ended, and what follows from that."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, NamedTuple

from hook.core.execution.progress import Progress
from hook.core.execution.script_message import Moment
from hook.core.execution.sqlstate import ServerMessage, is_cancel, needs_new_session, retry_limit
from hook.core.schema_history.history import History, HistoryRow, abbreviate_description
from hook.core.scripts.callback import Callback
from hook.core.scripts.script import Migration
from hook.core.sessions.server import ServerFacts

if TYPE_CHECKING:
    from hook.core.execution.callback_book import EachCallbacks, PreparedCallback
    from hook.core.execution.query_result import QueryResult
    from hook.core.execution.step_note import StepNote
    from hook.core.sessions.census import Toll

# The server's settings are 32-bit numbers.
_LONGEST_TIMEOUT_MS = 2**31 - 1


class Limits(NamedTuple):
    """What one attempt may cost.

    Attributes:
        lock_timeout_ms: For each lock, see ``lock_timeout`` in the manual.
        statement_timeout_ms: For each statement.
        seconds: For the whole script: what is left of the run's deadline.
    """

    lock_timeout_ms: int
    statement_timeout_ms: int
    seconds: float

    @classmethod
    def of(cls, lock_timeout: timedelta, statement_timeout: timedelta, seconds: float) -> Limits:
        """Return these limits as settings of the server."""
        return cls(_milliseconds(lock_timeout), _milliseconds(statement_timeout), seconds)


def _milliseconds(span: timedelta) -> int:
    return min(span // timedelta(milliseconds=1), _LONGEST_TIMEOUT_MS)


class ApplyTask(NamedTuple):
    """One migration to be applied once, and the rank of its row in *history*.

    Attributes:
        first_rank: That of the first migration in the same transaction, none if it is alone.
        done: How many statements of a script without transaction the attempt before
            has settled; this one goes on behind them, in the same session.
        each: Callbacks that run with the script, none when there are none.
        resumes: An earlier attempt was cut off in it: nobody knows how far that one came.
        preceding_ms: What callbacks in front of the script add to its time in the history.
        settled: How many statements are done for good, as the ledger says, none if it does not.
        note: What the script takes down of itself there, none when it does not.
        found: See `Attempt.found`, of the attempt before.
    """

    migration: Migration
    history: History
    rank: int
    server: ServerFacts
    limits: Limits
    done: int = 0
    first_rank: int | None = None
    each: EachCallbacks | None = None
    preceding_ms: int = 0
    resumes: bool = False
    settled: int | None = None
    note: StepNote | None = None
    found: bool = False


class CallbackTask(NamedTuple):
    """One callback to be run once, apart from all migrations; *schema* is the history's.

    Attributes:
        carries: What earlier callbacks have SET in the session holds for it.
    """

    prepared: PreparedCallback
    schema: str
    server: ServerFacts
    limits: Limits
    carries: bool = False


class AttemptEnd(Enum):
    """How an attempt ended."""

    APPLIED = "applied"
    FAILED = "failed"
    LOST = "connection lost"
    UNDONE = "connection lost, and rolled back"
    INTERRUPTED = "interrupted"
    OUT_OF_TIME = "deadline"
    WITHDRAWN = "given up for others"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in an attempt it ended.

    Attributes:
        line: 1-based line of the script, 0 outside of its statements.
        statement: Head of the statement, one line.
        callback: The one that line and statement are of, none when they are the script's.
    """

    moment: Moment
    line: int = 0
    statement: str = ""
    callback: Callback | None = None

    def describe(self, script: str) -> str:
        """Return the place as ``script:line``, or in words where no line of it is meant."""
        if self.callback is not None:
            return f"callback {self.callback.script}:{self.line} of {script}"
        if self.moment is Moment.SCRIPT:
            return f"{script}:{self.line}"
        return script if self.moment is Moment.UNSENT else f"{script} ({self.moment.value})"


@dataclass(frozen=True, slots=True)
class Attempt:
    """The end of one attempt.

    Attributes:
        duration_ms: Wall time.
        failure: The server's error when it reported one.
        notices: The first of the notices and warnings.
        notices_dropped: How many more there were.
        results: What the first of its queries returned, if that is shown.
        results_dropped: How many more there were.
        done: Of a script without transaction, how many statements are settled: neither
            undone nor to be run again.
        done_line: Last line of those that changed something, 0 when none did.
        transaction: Its number, where that can tell what became of a lost one, else empty.
        done_objects: The same work in words, as far as its objects can be named.
        done_callbacks: Names of callbacks among them that changed something.
        left_behind: What else such a script left in the database, one item per thing
            (``invalid index public.i on t``).
        at: Which of the scripts in one transaction it ended in, from 0.
        script_ends_ms: When each of them that ended had ended, since the attempt began.
        toll: What it cost others and who they are, none when nobody watched.
        for_next_run: What it left that whoever runs the script next finds and clears up.
        in_doubt: The same of which nobody could look whether it is there, empty otherwise.
        out_of_reach: What it left that its role may not clear up, and is in no run's way.
        is_noted: The ledger says how many statements are done, be they more than *done*.
        may_hold: The session may have had what a new one lacks.
        is_known: It was asked, so that another session can go on.
        goes_on: Behind what the next run goes on, as the ledger says, in words, else empty.
        found: What its last statement takes away was there when that was begun.
    """

    end: AttemptEnd
    duration_ms: int
    place: Place = Place(Moment.UNSENT)
    failure: ServerMessage | None = None
    notices: tuple[ServerMessage, ...] = ()
    notices_dropped: int = 0
    done: int = 0
    done_line: int = 0
    left_behind: tuple[str, ...] = ()
    at: int = 0
    script_ends_ms: tuple[int, ...] = ()
    done_callbacks: tuple[str, ...] = ()
    results: tuple[QueryResult, ...] = ()
    results_dropped: int = 0
    toll: Toll | None = None
    for_next_run: tuple[str, ...] = ()
    in_doubt: str = ""
    out_of_reach: tuple[str, ...] = ()
    done_objects: tuple[str, ...] = ()
    is_noted: bool = False
    may_hold: bool = False
    is_known: bool = False
    transaction: str = ""
    goes_on: str = ""
    found: bool = False

    @property
    def leftovers(self) -> tuple[str, ...]:
        """Return what a human has to look at, as it stays although the script did not end."""
        callbacks = (f"what {name} did" for name in self.done_callbacks)
        return (*self.finished, *callbacks, *self.left_behind)

    @property
    def finished(self) -> tuple[str, ...]:
        """Return what the settled statements of the script changed, by name where possible."""
        if not self.done_line:
            return ()
        return self.done_objects or (f"everything up to line {self.done_line}",)

    def in_callback(self, callback: Callback | None) -> Attempt:
        """Return the attempt as one that ended in *callback*, if it ended in a statement."""
        if callback is None or self.place.moment is not Moment.SCRIPT:
            return self
        return replace(self, place=replace(self.place, callback=callback))

    @property
    def is_complete(self) -> bool:
        """Tell whether a script without transaction lacks nothing but its history row."""
        return bool(self.done) and self.place.moment in {Moment.RECORDING, Moment.CONFIRMING}

    @property
    def may_leave_more(self) -> bool:
        """Tell whether it left, or may have left, something that needs no human at once."""
        return bool(self.for_next_run or self.in_doubt or self.out_of_reach or self.goes_on)

    @property
    def wants_new_session(self) -> bool:
        """Tell whether this session is of no more use, although it is not lost."""
        return self.failure is not None and needs_new_session(self.failure)

    def why_again(self) -> tuple[str, dict[str, object]]:
        """Return why another attempt is to follow, in words and as facts."""
        failure, toll = self.failure, self.toll
        why = f"{failure.sqlstate} {failure.message}" if failure else "connection lost"
        facts: dict[str, object] = {"sqlstate": failure.sqlstate} if failure else {}
        if toll is not None:
            blockers = toll.describe_blockers()
            why = toll.given_up_for or why
            why = f"{why}; in the way: {blockers}" if blockers else why
            facts |= toll.facts()
        return why, facts

    @property
    def needs_session(self) -> bool:
        """Tell whether another attempt has to begin with a new session."""
        return self.end is AttemptEnd.LOST or self.wants_new_session


class NextStep(Enum):
    """What the runner does after an attempt."""

    DONE = "done"
    RETRY = "retry"
    GIVE_UP = "give up"


def judge_attempt(attempt: Attempt, number: int, *, is_last: bool) -> NextStep:
    """Decide what follows from the attempt with the 1-based *number*.

    Only what lost against other sessions, or with its own session, is repeated, and
    only where it left nothing behind. A script without transaction goes on with the
    statement that failed, in the session that its other statements have prepared.
    """
    if attempt.end is AttemptEnd.APPLIED:
        return NextStep.DONE
    is_stuck = attempt.needs_session and attempt.leftovers and not attempt.is_known
    if is_last or attempt.left_behind or is_stuck:
        return NextStep.GIVE_UP
    if attempt.end in {AttemptEnd.LOST, AttemptEnd.WITHDRAWN}:
        return NextStep.RETRY
    if attempt.end is not AttemptEnd.FAILED or attempt.failure is None:
        return NextStep.GIVE_UP
    limit = retry_limit(attempt.failure)
    return NextStep.RETRY if limit is None or number < limit else NextStep.GIVE_UP


def with_toll(attempt: Attempt, toll: Toll | None) -> Attempt:
    """Return *attempt* with its *toll*, and as withdrawn if our own cancel ended it.

    A cancel may come too late; and the server says the same of any other one, so that
    only we know. What it has cost to apply something nobody asks.
    """
    if attempt.end is AttemptEnd.APPLIED:
        return attempt
    is_cancelled = attempt.failure is not None and is_cancel(attempt.failure)
    if toll is None or toll.withdrawal is None or not is_cancelled:
        return replace(attempt, toll=toll)
    is_ours = attempt.end is AttemptEnd.FAILED
    return replace(attempt, toll=toll, end=AttemptEnd.WITHDRAWN if is_ours else attempt.end)


def progress_after(attempt: Attempt, before: Progress) -> Progress:
    """Return how far the run has come with *attempt*, *before* being how far it was."""
    if attempt.end is AttemptEnd.APPLIED:
        return Progress.COMMITTED
    if attempt.place.moment is Moment.UNSENT:
        return before
    if attempt.end is AttemptEnd.LOST or attempt.leftovers or attempt.may_leave_more:
        return Progress.UNKNOWN
    return Progress.ROLLED_BACK


def is_row_of(row: HistoryRow, migration: Migration) -> bool:
    """Tell whether *row* is what applying *migration* writes."""
    version = None if migration.version is None else migration.version.text
    expected = (version, abbreviate_description(migration.description), migration.checksum)
    return row.success and expected == (row.version, row.description, row.checksum)
