"""Who may be ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from hook.core.sessions.activity import ActivityRow
from hook.core.sessions.census import Census, Party, Stand
from hook.core.sessions.ending import Endable, choose_endable, how_ended, kind_of, right_for
from tests.testbed.activity_samples import HIDDEN, SELECTING, VACUUM

IDLE = replace(SELECTING, state="idle in transaction")
HOLDS = Stand("relation", "AccessShareLock", is_granted=True, relation="orders")
IDLER = Party(IDLE, (HOLDS,))


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        (IDLE, Endable.IDLE),
        (replace(IDLE, state="idle in transaction (aborted)"), Endable.IDLE),
        (SELECTING, Endable.QUERY),
        (VACUUM, Endable.AUTOVACUUM),
        (replace(VACUUM, prevents_wraparound=True), None),
        (replace(HIDDEN, is_autovacuum=True), None),
        (HIDDEN, None),
        (replace(SELECTING, backend_type="walsender"), None),
        (replace(SELECTING, backend_type="logical replication worker"), None),
        (replace(SELECTING, state="fastpath function call"), None),
        (replace(SELECTING, state="idle"), None),
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
        (replace(IDLER, is_superuser=True), False),
        (replace(IDLER, row=replace(IDLE, state_age=timedelta(seconds=4))), False),
        (replace(IDLER, row=replace(IDLE, state_age=None)), False),
        (replace(IDLER, stands=(HOLDS, replace(HOLDS, is_granted=False))), False),
        (replace(IDLER, row=HIDDEN), False),
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
