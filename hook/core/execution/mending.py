"""What is left of a script without transaction that was cut off, and who has to clear it up.

A statement that its own SQL made fail is a case for a human. One that was stopped from
outside (a stop request, a time limit, a lock, the connection, the state of the server) may
leave no more than what the next run finds in the catalog and mends by itself, or what the
ledger says is done; then a failed row in the schema history would only keep that run away.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeVar

from hook.core.execution.attempt import Attempt, AttemptEnd
from hook.core.execution.script_message import Moment
from hook.core.execution.sqlstate import may_pass
from hook.core.sql.invalid_index import TOAST, InvalidIndex
from hook.errors import Effect, HookError

_E = TypeVar("_E", bound=HookError)
_FROM_OUTSIDE = frozenset(
    {AttemptEnd.LOST, AttemptEnd.INTERRUPTED, AttemptEnd.OUT_OF_TIME, AttemptEnd.WITHDRAWN}
)
_PASSES = frozenset({Effect.RETRY, Effect.ROLLED_BACK})
_AS_NOTED = "what the ledger says is done"
_BEFORE_THE_SCRIPT = frozenset({Moment.UNSENT, Moment.OPENING})


class Remains(NamedTuple):
    """What one statement has left.

    Attributes:
        left_behind: For a human, see `Attempt.left_behind`.
        for_next_run: For the next run, see `Attempt.for_next_run`.
        in_doubt: What may be left for it, see `Attempt.in_doubt`.
        out_of_reach: What stays without being in the way, see `Attempt.out_of_reach`.
    """

    left_behind: tuple[str, ...] = ()
    for_next_run: tuple[str, ...] = ()
    in_doubt: str = ""
    out_of_reach: tuple[str, ...] = ()


def is_cut_off(attempt: Attempt) -> bool:
    """Tell whether *attempt* was ended by something else than what its SQL says.

    A note of ours that the server refuses is none of the script's, and keeps it from running.
    """
    if attempt.place.moment is Moment.NOTING:
        return True
    failure = attempt.failure
    if attempt.end is not AttemptEnd.FAILED or failure is None:
        return attempt.end in _FROM_OUTSIDE
    return may_pass(failure)


def is_resumed_next(attempt: Attempt) -> bool:
    """Tell whether the next run has to go on where *attempt*, or one before it, was cut off."""
    return is_cut_off(attempt) and not attempt.leftovers


def divide_indexes(
    new: Collection[InvalidIndex],
    reached: Collection[InvalidIndex],
    refused: Collection[InvalidIndex] = (),
) -> Remains:
    """Return who has to clear up which invalid index.

    Args:
        new: Those that were not there when the attempt began.
        reached: Those that the next run of the statement drops, be they new or not.
        refused: Those that the role may not drop, and that are in nobody's way.
    """
    mended = {index for index in reached if index.built_by is None}.difference(refused)
    others = set(new).difference(mended, refused)
    return Remains(_told(others), _told(mended), out_of_reach=_told(set(new).intersection(refused)))


def _told(indexes: Iterable[InvalidIndex]) -> tuple[str, ...]:
    return tuple(f"invalid index {index.describe()}" for index in sorted(indexes))


def who_clears_up(attempt: Attempt, *, may_repeat: bool) -> Attempt:
    """Return *attempt* with all that it left for a human, or all of it for the next run.

    Args:
        attempt: It ended without success; what its statement has left is known.
        may_repeat: What is settled may all run again. Then the script is never half-done:
            the next run does again, or keeps, what is there.
    """
    is_human = bool(attempt.left_behind or attempt.done_callbacks)
    if attempt.done_line and may_repeat and not is_human and is_cut_off(attempt):
        return _with_done(attempt)
    return attempt if is_left_to_note(attempt) else for_human(attempt)


def for_human(attempt: Attempt) -> Attempt:
    """Return *attempt* with all that it left for a human, if any of it is."""
    if not attempt.leftovers:
        return attempt
    left = (*attempt.left_behind, *attempt.for_next_run)
    return replace(attempt, left_behind=left, for_next_run=())


def _with_done(attempt: Attempt) -> Attempt:
    done = ", ".join(attempt.finished)
    if attempt.end is AttemptEnd.LOST:
        doubt = f"{done}, {attempt.in_doubt}" if attempt.in_doubt else done
        return replace(attempt, done_line=0, in_doubt=doubt)
    return replace(attempt, done_line=0, for_next_run=(*attempt.finished, *attempt.for_next_run))


def is_left_to_note(attempt: Attempt) -> bool:
    """Tell whether the next run goes on behind what *attempt* has done, if that is noted.

    Whether it is says only the ledger itself, by the time that *attempt* is given up.
    """
    is_human = bool(attempt.left_behind or attempt.done_callbacks)
    return attempt.is_noted and is_cut_off(attempt) and bool(attempt.done_line) and not is_human


def handed_on(attempt: Attempt, behind: str = "") -> Attempt:
    """Return *attempt*, see `is_left_to_note`, with what it has done left to the next run.

    Args:
        attempt: The ledger has its note.
        behind: What the next run finds done, where that is not what *attempt* knows of.
    """
    line = f"everything up to line {attempt.done_line}"
    return replace(attempt, goes_on=behind or line, done_line=0)


def with_known(lost: Attempt, done: int) -> Attempt:
    """Return the attempt *lost*, of which the ledger says that *done* statements are done."""
    known = replace(lost, done=max(lost.done, done), left_behind=(), is_known=True)
    if done > lost.done and lost.place.moment is Moment.SCRIPT:
        return replace(known, done_line=lost.place.line, done_objects=())
    return known


def left_unasked(lost: Attempt, reason: HookError) -> Attempt:
    """Return the attempt *lost*, where *reason* keeps the run for good from asking the ledger.

    How far a script came of which that has the note is no doubt to the next run, which may be
    kept by what the session had.
    """
    if not lost.is_noted or lost.may_hold or reason.exit_code.effect not in _PASSES:
        return lost
    return handed_on(replace(lost, left_behind=()), _AS_NOTED)


def without_session_of(attempt: Attempt, held: Sequence[str]) -> Attempt:
    """Return *attempt*, behind which nobody can go on without what its session *held*."""
    if not held:
        return attempt
    gone = f"gone with its session: {', '.join(held)}"
    return replace(attempt, left_behind=(*attempt.left_behind, gone))


def with_remains_of(attempt: Attempt, before: Attempt | None) -> Attempt:
    """Return *attempt* with what the one *before* it has left, if it never came to clear it up."""
    if before is None or attempt.place.moment not in _BEFORE_THE_SCRIPT:
        return attempt
    if attempt.end is AttemptEnd.APPLIED:
        return attempt
    return replace(
        attempt,
        for_next_run=before.for_next_run,
        in_doubt=before.in_doubt,
        out_of_reach=before.out_of_reach,
    )


def with_doubt(error: _E, attempt: Attempt) -> _E:
    """Return *error*, which came with or after *attempt*, with what that left but for a human."""
    if attempt.goes_on:
        # First what nobody else tells: the end of a long verdict is cut.
        error.message += f"; left behind: {attempt.goes_on} (the next run goes on behind that)"
    before = ", " if attempt.goes_on else "; left behind: "
    if attempt.for_next_run:
        left = ", ".join(attempt.for_next_run)
        error.message += f"{before}{left} (the next run mends that)"
    elif attempt.in_doubt:
        maybe = ", maybe " if attempt.goes_on else "; maybe left behind: "
        error.message += f"{maybe}{attempt.in_doubt}"
    if attempt.out_of_reach:
        left = ", ".join(attempt.out_of_reach)
        error.message += f"; left behind: {left} (to drop it takes USAGE on schema {TOAST})"
    return error
