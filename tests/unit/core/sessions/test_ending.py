"""Who may be ended."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hook.core.sessions.activity import ActivityRow
from hook.core.sessions.census import Census, Party, Stand
from hook.core.sessions.ending import Endable, choose_endable, how_ended, kind_of, right_for
from tests.testbed.activity_samples import HIDDEN, SELECTING, VACUUM

IDLE = SELECTING._replace(state="idle in transaction")
HOLDS = Stand("relation", "AccessShareLock", is_granted=True, relation="orders")
IDLER = Party(IDLE, (HOLDS,))


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (IDLE, Endable.IDLE),
        (IDLE._replace(state="idle in transaction (aborted)"), Endable.IDLE),
        (SELECTING, Endable.QUERY),
        (VACUUM, Endable.AUTOVACUUM),
        (VACUUM._replace(prevents_wraparound=True), None),
        (HIDDEN._replace(is_autovacuum=True), None),
        (HIDDEN, None),
        (SELECTING._replace(backend_type="walsender"), None),
        (SELECTING._replace(backend_type="logical replication worker"), None),
        (SELECTING._replace(state="fastpath function call"), None),
        (SELECTING._replace(state="idle"), None),
    ],
)
def test_kind_is_known_or_it_is_left_alone(row: ActivityRow, kind: Endable | None) -> None:
    """What cannot be seen, and what nobody may end, has none."""
    assert kind_of(row) is kind


@pytest.mark.parametrize(
    ("party", "is_chosen"),
    [
        (IDLER, True),
        (Party(SELECTING, (HOLDS,)), False),
        (IDLER._replace(is_superuser=True), False),
        (IDLER._replace(row=IDLE._replace(state_age=timedelta(seconds=4))), False),
        (IDLER._replace(row=IDLE._replace(state_age=None)), False),
        (IDLER._replace(stands=(HOLDS, HOLDS._replace(is_granted=False))), False),
        (IDLER._replace(row=HIDDEN), False),
    ],
)
def test_only_lasting_roots_of_the_kinds_asked_for(party: Party, is_chosen: bool) -> None:  # noqa: FBT001 - a fact
    """Whoever waits as well is no cause; whoever has just begun may be about to go."""
    chosen = list(choose_endable(Census((party,)), {Endable.IDLE}))
    assert chosen == ([(party, Endable.IDLE)] if is_chosen else [])


def test_nobody_is_ended_unasked() -> None:
    """The default is nobody, and who only waits behind us is never meant."""
    assert list(choose_endable(Census((IDLER,)), ())) == []
    assert list(choose_endable(Census((), (IDLER,)), set(Endable))) == []


def test_what_is_done_is_told() -> None:
    """An idle session would not hear a cancel."""
    assert "pg_signal_backend" in right_for(Endable.IDLE)
    assert "pg_signal_autovacuum_worker" in right_for(Endable.AUTOVACUUM)
    assert how_ended(Endable.IDLE) == "session ended"
    assert how_ended(Endable.QUERY) == how_ended(Endable.AUTOVACUUM) == "query cancelled"
