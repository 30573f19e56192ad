"""Who was involved, in words."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hook.core.sessions.census import Census, Party, Stand, Toll, how_to_end
from hook.core.sessions.damage import Damage, Reason, Withdrawal
from hook.core.sessions.damage_budget import DamageBudget
from tests.testbed.activity_samples import HIDDEN, SELECTING, VACUUM

IDLE = SELECTING._replace(state="idle in transaction", state_age=timedelta(seconds=35))
HOLDS = Stand("relation", "AccessShareLock", is_granted=True, relation="orders")
AWAITS = HOLDS._replace(is_granted=False)
HOLDER = Party(IDLE, (HOLDS,))
READER = Party(SELECTING._replace(pid=12), (AWAITS,))
BUDGET = DamageBudget(10, 20)
NOBODY = Census()


def toll(census: Census = NOBODY, reason: Reason | None = None, detail: str = "") -> Toll:
    """Return the toll of an attempt that was given up for *reason*, if for one."""
    withdrawal = reason and Withdrawal(reason, was_waiting=True, waiting=12, detail=detail)
    return Toll(Damage(10.25, 20.5), BUDGET, census, withdrawal)


@pytest.mark.parametrize(
    ("stand", "text"),
    [
        (HOLDS, "holds AccessShareLock on orders"),
        (AWAITS, "waits for AccessShareLock on orders"),
        (
            Stand("tuple", "ExclusiveLock", is_granted=True, relation="orders"),
            "holds a row of orders",
        ),
        (Stand("tuple", "ExclusiveLock", is_granted=False), "waits for a row"),
        (Stand("transactionid", "ExclusiveLock", is_granted=True), "holds a row that it changed"),
        (Stand("virtualxid", "ExclusiveLock", is_granted=True), "holds its open transaction"),
        (Stand("advisory", "ExclusiveLock", is_granted=True), "holds an advisory lock"),
        (Stand("extend", "ExclusiveLock", is_granted=True), "holds ExclusiveLock on extend"),
    ],
)
def test_lock_is_told_in_words(stand: Stand, text: str) -> None:
    """By its relation where there is one."""
    assert stand.describe() == text


def test_party_is_who_what_and_which_lock() -> None:
    """What one needs to find the session, and to judge it."""
    assert HOLDER.describe() == (
        "pid 7 (user app, web, client 10.0.0.3) idle in transaction for 35s, transaction open"
        " for 8s, holds AccessShareLock on orders"
    )
    assert Party(IDLE).describe().endswith("open for 8s")
    assert HOLDER.facts()["state_ms"] == 35_000
    assert Party(HIDDEN).facts()["state_ms"] is None


def test_reason_is_told_with_numbers() -> None:
    """What was spent, and of what."""
    assert toll().given_up_for == ""
    assert toll(reason=Reason.ATTEMPT).given_up_for == (
        "given up, as 12 sessions waited behind it: 10.2 blocked-backend-seconds,"
        " 10 are an attempt's budget"
    )
    assert toll(reason=Reason.RUN).given_up_for.endswith(
        "20.5 blocked-backend-seconds, 20 are the run's budget"
    )
    assert toll(reason=Reason.SHARE).given_up_for == "given up, as 12 sessions waited behind it"
    blind = toll(reason=Reason.SIGHT, detail="connection lost")
    assert blind.given_up_for == "given up, as nobody could see who waits: connection lost"
    assert blind.is_blind
    assert blind.was_waiting
    assert not toll().is_blind
    assert not toll().was_waiting
    assert not toll(reason=Reason.RUN).is_blind


def test_crowd_is_counted_and_not_listed() -> None:
    """Three are named."""
    many = Census(tuple(HOLDER._replace(row=IDLE._replace(pid=pid)) for pid in range(1, 6)))
    told = toll(many).describe_blockers()
    assert told.startswith("pid 1 (")
    assert told.endswith("; and 2 more")
    assert "pid 4" not in told


def test_waiting_are_told_when_they_are_the_reason() -> None:
    """A lock timeout is not for their sake."""
    census = Census((HOLDER,), (READER,))
    assert toll(census).describe_waiting() == ""
    assert toll(census, Reason.SHARE).describe_waiting().startswith("pid 12 (user app")


def test_wait_is_told_while_it_lasts() -> None:
    """Who was in the way a while ago is not what it was given up for."""
    waiting = toll(Census((HOLDER,)))._replace(is_waiting=True)
    assert waiting.describe_wait() == f", waiting for {HOLDER.describe()}"
    assert waiting._replace(is_waiting=False).describe_wait() == ""
    assert waiting._replace(census=NOBODY).describe_wait() == ""


def test_prepared_transactions_are_named() -> None:
    """They have no session, and nothing but a command ends them."""
    census = Census(prepared=("it's",))
    assert toll(census).describe_blockers() == "prepared transaction it's"
    assert how_to_end(census).endswith("if their work may be lost: ROLLBACK PREPARED 'it''s';")
    assert not census.yields


def test_hint_names_the_root_and_not_the_queue() -> None:
    """Whoever waits as well is no cause."""
    queued = HOLDER._replace(row=IDLE._replace(pid=8), stands=(HOLDS, AWAITS))
    hint = how_to_end(Census((queued, HOLDER)))
    assert "pg_terminate_backend(7)" in hint
    assert "pg_terminate_backend(8)" not in hint
    assert how_to_end(Census()) == "Try again when less is going on."


def test_only_autovacuum_gives_way() -> None:
    """Unless it prevents wraparound, or somebody else is there too."""
    vacuum = Party(VACUUM, (HOLDS,))
    assert Census((vacuum,)).yields
    assert not Census((vacuum, HOLDER)).yields
    assert not Census((vacuum._replace(row=VACUUM._replace(prevents_wraparound=True)),)).yields
    assert not Census().yields


def test_facts_are_there_when_somebody_was() -> None:
    """An undisturbed attempt has nothing to tell."""
    assert toll().facts() == {}
    facts = toll(Census((HOLDER,)), Reason.ATTEMPT).facts()
    assert facts["given_up_for"] == "damage budget of an attempt"
    assert facts["damage"] == {"attempt_s": 10.25, "run_s": 20.5, "late_s": 0.0}
    assert "waiting" not in facts
    assert facts["blockers"] == [HOLDER.facts()]
