"""Who counts as a blocker, and what is said of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.outcome import Status
from hook.core.sessions.activity import ActivityRow, Watch
from hook.core.sessions.blockers import judge_blockers
from hook.core.sql.locks import CONFLICTS, LockMode, LockRequest, LockTarget
from hook.errors import ExitCode
from tests.testbed.activity_samples import (
    ALTER,
    HIDDEN,
    POLICY,
    READ_LOCK,
    SELECTING,
    activity_of,
    judge,
    summary,
)


def test_quiet_server_passes() -> None:
    """Nobody there, nothing to warn of."""
    (finding,) = judge(activity_of())
    assert (finding.rule, finding.status) == ("blockers", Status.PASSED)
    assert "1 existing relation," in finding.message


def test_quiet_server_is_told_of_what_the_scripts_name_and_no_more() -> None:
    """What a DO block or a function locks is not known beforehand: no all-clear for that."""
    (finding,) = judge(activity_of()._replace(relations=frozenset()))
    assert finding.message == (
        "the pending scripts name no relation to change that is there already,"
        " oldest visible transaction 0s"
    )


def test_conflicting_holder_is_named_in_full() -> None:
    """Who, from where, since when, what against what, and the line that ends it."""
    (finding,) = judge(activity_of(SELECTING, holders=(READ_LOCK,)))
    assert (finding.code, finding.status) == (ExitCode.BLOCKED, Status.FAILED)
    assert finding.message == (
        "pid 7 (user app, web, client 10.0.0.3) holds AccessShareLock on public.orders,"
        " AccessExclusiveLock is wanted; active for 8s, transaction open for 8s"
    )
    assert "SELECT pg_terminate_backend(7);" in finding.hint
    assert finding.facts["locks"] == [
        {
            "relation": "public.orders",
            "held": "AccessShareLock",
            "granted": True,
            "wanted": "AccessExclusiveLock",
        }
    ]


def test_waiting_lock_counts_as_well() -> None:
    """Whoever queues for a conflicting lock is in front of us."""
    queued = READ_LOCK._replace(mode=LockMode.ACCESS_EXCLUSIVE, is_granted=False)
    (finding,) = judge(activity_of(SELECTING, holders=(queued,)))
    assert "waits for AccessExclusiveLock on public.orders" in finding.message


@given(st.sampled_from(LockMode), st.sampled_from(LockMode))
def test_only_conflicting_modes_block(held: LockMode, wanted: LockMode) -> None:
    """The manual's table decides, for every pair of modes."""
    activity = activity_of(SELECTING, holders=(READ_LOCK._replace(mode=held),))
    findings = judge(activity, requests=(LockRequest("orders", wanted),))
    assert (findings[0].rule == "blocker-lock") is (held in CONFLICTS[wanted])


def test_lock_on_the_index_is_not_the_lock_on_its_table() -> None:
    """A request for the table of an index is matched with locks on that table only."""
    on_table = LockRequest("orders", LockMode.ACCESS_EXCLUSIVE, LockTarget.INDEXED_TABLE)
    activity = activity_of(SELECTING, holders=(READ_LOCK,))
    assert summary(judge(activity, requests=(on_table,))) == [("blockers", Status.PASSED)]
    table_lock = READ_LOCK._replace(target=LockTarget.INDEXED_TABLE)
    activity = activity_of(SELECTING, holders=(table_lock,))
    assert judge(activity, requests=(on_table,))[0].rule == "blocker-lock"


def test_short_transactions_of_a_busy_table_pass_once_watched() -> None:
    """Others come and go: after one second of looking, a fresh one is no blocker."""
    fresh = SELECTING._replace(transaction_age=timedelta(milliseconds=20), query_age=None)
    before = activity_of(fresh._replace(transaction="3/11"))
    now = activity_of(fresh, holders=(READ_LOCK,))
    watch = Watch.begin(before, 100.0).next(now, 101.0)
    assert judge_blockers(now, (ALTER,), POLICY, watch)[0].status is Status.PASSED
    # After the first look nobody knows how long it will stay.
    assert judge(now)[0].code is ExitCode.BLOCKED


def test_two_second_transactions_pass_once_watched_for_long() -> None:
    """Patience is five seconds: the lock ladder outlasts what is shorter."""
    row = SELECTING._replace(transaction_age=timedelta(seconds=2), query_age=None)
    now = activity_of(row, holders=(READ_LOCK,))
    watch = Watch(100.0, 110.0, {row.key: 108.0})
    assert judge_blockers(now, (ALTER,), POLICY, watch)[0].status is Status.PASSED
    still = replace(watch, latest=113.0)
    assert judge_blockers(now, (ALTER,), POLICY, still)[0].code is ExitCode.BLOCKED


@pytest.mark.parametrize(
    "row",
    [
        SELECTING._replace(transaction_age=timedelta(minutes=30)),
        SELECTING._replace(query_age=timedelta(minutes=31)),
        SELECTING._replace(state="idle in transaction", transaction_age=timedelta(hours=2)),
    ],
)
def test_old_transaction_blocks_without_any_lock(row: ActivityRow) -> None:
    """Transactions and queries older than the limit are refused, whatever they touch."""
    (finding,) = judge(activity_of(row), seconds_watched=60, requests=())
    assert (finding.rule, finding.code) == ("blocker-age", ExitCode.BLOCKED)
    assert "older than 30m" in finding.message


def test_age_just_below_the_limit_passes() -> None:
    """The limit itself is the first age that blocks."""
    almost = SELECTING._replace(transaction_age=timedelta(minutes=30, milliseconds=-1))
    (finding,) = judge(activity_of(almost))
    assert finding.status is Status.PASSED
    assert "oldest visible transaction 29m 59s" in finding.message


def test_lock_of_a_session_that_has_ended_is_dropped() -> None:
    """Locks are read before sessions; one without a session is history."""
    assert summary(judge(activity_of(holders=(READ_LOCK,)))) == [("blockers", Status.PASSED)]


def test_lock_is_kept_across_the_transactions_of_one_command() -> None:
    """VACUUM and its like hold a lock through several transactions, and are old all the same."""
    row = SELECTING._replace(transaction="3/99", transaction_age=timedelta(milliseconds=1))
    lock = READ_LOCK._replace(mode=LockMode.SHARE_UPDATE_EXCLUSIVE)
    assert judge(activity_of(row, holders=(lock,)), seconds_watched=5)[0].rule == "blocker-lock"
    between = row._replace(transaction=None)
    assert judge(activity_of(between, holders=(lock,)))[0].status is Status.PASSED


def test_flood_of_blockers_is_bounded() -> None:
    """Twenty are told one by one, the rest counted."""
    rows = [SELECTING._replace(pid=pid, transaction_age=timedelta(hours=1)) for pid in range(30)]
    findings = judge(activity_of(*rows))
    assert len(findings) == 21
    assert findings[-1].message == "10 more blockers, not listed"
    assert findings[-1].facts == {"not_listed": 10}
    assert findings[-1].code is ExitCode.BLOCKED


def test_watch_forgets_what_is_gone() -> None:
    """A session that comes back with the same key was not there meanwhile."""
    there, gone = activity_of(HIDDEN), activity_of()
    watch = Watch.begin(there, 0.0).next(gone, 1.0).next(there, 2.0).next(there, 5.0)
    assert watch.seen_for(HIDDEN.key) == timedelta(seconds=3)
    assert watch.watched == timedelta(seconds=5)


@pytest.mark.parametrize("names", [("orders", "o"), ("o", "orders")])
def test_lock_met_under_two_names_is_told_once(names: tuple[str, str]) -> None:
    """With the strongest lock that we want, whichever name it is wanted by."""
    holders = tuple(READ_LOCK._replace(name=name) for name in names)
    requests = (
        LockRequest("orders", LockMode.ACCESS_EXCLUSIVE),
        LockRequest("o", LockMode.EXCLUSIVE),
    )
    held = tuple(item._replace(mode=LockMode.ROW_EXCLUSIVE) for item in holders)
    (finding,) = judge(activity_of(SELECTING, holders=held), requests=requests)
    assert finding.facts["locks"] == [
        {
            "relation": "public.orders",
            "held": "RowExclusiveLock",
            "granted": True,
            "wanted": "AccessExclusiveLock",
        }
    ]
