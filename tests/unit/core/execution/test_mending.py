"""What of a script that was cut off is for the next run, and what for a human."""

from __future__ import annotations

from dataclasses import replace

import pytest

from hook.core.execution.attempt import Attempt, AttemptEnd, Place, progress_after
from hook.core.execution.mending import (
    Remains,
    divide_indexes,
    is_cut_off,
    is_resumed_next,
    who_clears_up,
    with_doubt,
    with_known,
    with_remains_of,
)
from hook.core.execution.progress import Progress
from hook.core.execution.script_message import Moment
from hook.core.execution.sqlstate import ServerMessage
from hook.core.sql.invalid_index import InvalidIndex
from hook.errors import LockContention

IN_SCRIPT = Place(Moment.SCRIPT, 3, "CREATE INDEX CONCURRENTLY i")
INDEX = "invalid index public.i on t"


def ended(end: AttemptEnd, sqlstate: str = "") -> Attempt:
    """Return an attempt that ended in line 3, with an error of *sqlstate* if one is given."""
    failure = ServerMessage("ERROR", sqlstate, "it is so")
    return Attempt(end, 1, IN_SCRIPT, failure if sqlstate else None)


STOPPED = ended(AttemptEnd.INTERRUPTED, "57014")
LOST = ended(AttemptEnd.LOST)
DOUBTFUL = replace(LOST, left_behind=("what line 3 may have done",))


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        (STOPPED, True),
        (ended(AttemptEnd.OUT_OF_TIME, "57014"), True),
        (ended(AttemptEnd.WITHDRAWN, "57014"), True),
        (LOST, True),
        (ended(AttemptEnd.FAILED, "57014"), True),
        (ended(AttemptEnd.FAILED, "55P03"), True),
        (ended(AttemptEnd.FAILED, "40P01"), True),
        (ended(AttemptEnd.FAILED, "25006"), True),
        (ended(AttemptEnd.FAILED, "53100"), True),
        (ended(AttemptEnd.FAILED, "23505"), False),
        (ended(AttemptEnd.FAILED, "42P01"), False),
        (ended(AttemptEnd.FAILED, "XX000"), False),
        (ended(AttemptEnd.FAILED), False),
        (ended(AttemptEnd.APPLIED), False),
    ],
)
def test_script_is_cut_off_by_what_is_not_its_sql(attempt: Attempt, *, expected: bool) -> None:
    """Another run of the same text may well go through."""
    assert is_cut_off(attempt) is expected


def test_index_is_for_the_next_run_if_that_finds_it() -> None:
    """One that somebody else is building is nobody's; any other new one is for a human."""
    own = InvalidIndex("public.i", "t")
    other, building = InvalidIndex("public.o", "u"), InvalidIndex("public.j", "t", 7)
    assert divide_indexes([own, other], [own, building]) == Remains(
        ("invalid index public.o on u",), (INDEX,)
    )
    # Left by an attempt before this one, which could not drop it either.
    assert divide_indexes([], [own]) == Remains((), (INDEX,))
    assert divide_indexes([], []) == Remains()


def test_index_that_the_role_may_not_drop_is_in_nobodys_way() -> None:
    """The next run does not drop it, and nobody has to before that; an old one is no news."""
    new, old = InvalidIndex("pg_toast.a", "t"), InvalidIndex("pg_toast.b", "t")
    remains = divide_indexes([new], [new, old], {new, old})
    assert remains == Remains(out_of_reach=("invalid index pg_toast.a on t",))
    attempt = replace(STOPPED, out_of_reach=remains.out_of_reach)
    assert progress_after(attempt, Progress.UNTOUCHED) is Progress.UNKNOWN
    assert is_resumed_next(attempt)


def test_what_may_run_again_is_never_half_done() -> None:
    """It is told all the same: it is in the database."""
    attempt = replace(STOPPED, done=2, done_line=2, for_next_run=(INDEX,))
    left = who_clears_up(attempt, may_repeat=True)
    assert left.leftovers == ()
    assert left.for_next_run == ("everything up to line 2", INDEX)
    assert left.done == 2
    assert progress_after(left, Progress.COMMITTED) is Progress.UNKNOWN


@pytest.mark.parametrize(
    ("doubt", "told"),
    [("", "everything up to line 2"), ("an index", "everything up to line 2, an index")],
)
def test_lost_connection_leaves_it_in_doubt(doubt: str, told: str) -> None:
    """Nobody has looked."""
    attempt = replace(LOST, done=2, done_line=2, in_doubt=doubt)
    left = who_clears_up(attempt, may_repeat=True)
    assert (left.leftovers, left.for_next_run, left.in_doubt) == ((), (), told)


@pytest.mark.parametrize(
    ("attempt", "may_repeat"),
    [
        (replace(STOPPED, done_line=2), False),
        (replace(STOPPED, done_line=2, done_callbacks=("beforeEachMigrate.sql",)), True),
        (replace(STOPPED, done_line=2, left_behind=("what line 3 may have done",)), True),
        (replace(ended(AttemptEnd.FAILED, "42P01"), done_line=2), True),
    ],
    ids=["may not repeat", "callback", "for a human", "its own fault"],
)
def test_human_who_has_to_look_is_told_of_everything(attempt: Attempt, *, may_repeat: bool) -> None:
    """A failed row keeps the next run away, so nothing is left to that."""
    left = who_clears_up(replace(attempt, for_next_run=(INDEX,)), may_repeat=may_repeat)
    assert left.for_next_run == ()
    assert left.leftovers == (*attempt.leftovers, INDEX)


def test_attempt_that_left_nothing_stays_as_it_is() -> None:
    """And so does one that left only what the next run mends."""
    for attempt in (STOPPED, replace(STOPPED, for_next_run=(INDEX,))):
        assert who_clears_up(attempt, may_repeat=True) == attempt


@pytest.mark.parametrize(
    ("end", "moment", "is_carried"),
    [
        (AttemptEnd.INTERRUPTED, Moment.UNSENT, True),
        (AttemptEnd.FAILED, Moment.OPENING, True),
        (AttemptEnd.FAILED, Moment.SCRIPT, False),
        (AttemptEnd.APPLIED, Moment.UNSENT, False),
    ],
)
def test_attempt_that_never_came_to_look_leaves_what_was_there(
    end: AttemptEnd, moment: Moment, *, is_carried: bool
) -> None:
    """What the attempt before has left is still there."""
    before = replace(LOST, for_next_run=(INDEX,), in_doubt="an index", out_of_reach=("more",))
    attempt = with_remains_of(Attempt(end, 1, Place(moment)), before)
    expected = ((INDEX,), "an index", ("more",)) if is_carried else ((), "", ())
    assert (attempt.for_next_run, attempt.in_doubt, attempt.out_of_reach) == expected
    assert with_remains_of(STOPPED, None) is STOPPED


def test_next_run_goes_on_unless_a_human_has_to() -> None:
    """Or the script has failed by itself: then it is known how far it came."""
    assert is_resumed_next(LOST)
    assert is_resumed_next(STOPPED)
    assert not is_resumed_next(replace(LOST, left_behind=(INDEX,)))
    assert not is_resumed_next(ended(AttemptEnd.FAILED, "42P01"))


def test_what_is_left_is_told_at_the_end() -> None:
    """What was seen goes before what may be."""
    seen = with_doubt(LockContention("so"), replace(STOPPED, for_next_run=(INDEX, "more")))
    assert seen.message == f"so; left behind: {INDEX}, more (the next run mends that)"
    kept = with_doubt(LockContention("so"), replace(STOPPED, out_of_reach=(INDEX,)))
    assert kept.message == (f"so; left behind: {INDEX} (to drop it takes USAGE on schema pg_toast)")
    assert with_doubt(LockContention("so"), STOPPED).message == "so"


@pytest.mark.parametrize(
    ("lost", "done", "leftovers"),
    [
        (DOUBTFUL, 0, ()),
        (
            DOUBTFUL,
            1,
            ("everything up to line 3",),
        ),
        (replace(LOST, done=1, done_line=2, done_objects=("table a",)), 1, ("table a",)),
        (
            replace(LOST, done=1, done_line=2, done_objects=("table a",)),
            2,
            ("everything up to line 3",),
        ),
        (replace(LOST, place=Place(Moment.UNSENT), done_line=2), 1, ("everything up to line 2",)),
        (replace(LOST, done=4, done_line=2), 1, ("everything up to line 2",)),
    ],
    ids=["undone", "done", "undone behind another", "done as well", "session", "vacuum"],
)
def test_what_the_ledger_says_of_a_lost_attempt_leaves_no_doubt(
    lost: Attempt, done: int, leftovers: tuple[str, ...]
) -> None:
    """What lies behind the last note is of a kind that needs none, or was not lost."""
    known = with_known(lost, done)
    assert known.is_known
    assert known.done == max(done, lost.done)
    assert known.leftovers == leftovers
