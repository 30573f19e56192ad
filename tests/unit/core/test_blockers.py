"""Who counts as a blocker, and what is said of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.activity import Activity, ActivityRow, LockHolder, PreparedTransaction, Watch
from hook.core.blockers import BlockerPolicy, judge_blockers
from hook.core.locks import CONFLICTS, LockMode, LockRequest, LockTarget
from hook.core.outcome import Finding, Status
from hook.errors import ExitCode

POLICY = BlockerPolicy(timedelta(minutes=30))
ALTER = LockRequest("orders", LockMode.ACCESS_EXCLUSIVE)
SELECTING = ActivityRow(
    pid=7,
    user="app",
    application="web",
    client="10.0.0.3",
    backend_type="client backend",
    state="active",
    transaction="3/12",
    transaction_age=timedelta(seconds=8),
    query_age=timedelta(seconds=8),
    state_age=timedelta(seconds=8),
)
READ_LOCK = LockHolder(
    name="orders",
    target=LockTarget.RELATION,
    relation="public.orders",
    mode=LockMode.ACCESS_SHARE,
    is_granted=True,
    pid=7,
)
HIDDEN = ActivityRow(7, "app", "web", "", None, None, "3/12")
VACUUM = replace(
    SELECTING, user="", application="", backend_type="autovacuum worker", is_autovacuum=True
)


def _activity(
    *rows: ActivityRow,
    holders: tuple[LockHolder, ...] = (),
    prepared: tuple[PreparedTransaction, ...] = (),
) -> Activity:
    return Activity("migrator", frozenset({"orders"}), holders, rows, prepared)


def _judge(
    activity: Activity, seconds_watched: float = 0, requests: tuple[LockRequest, ...] = (ALTER,)
) -> tuple[Finding, ...]:
    """Judge *activity* as if it had looked the same for so long."""
    watch = Watch.begin(activity, 100.0).next(activity, 100.0 + seconds_watched)
    return judge_blockers(activity, requests, POLICY, watch)


def _summary(findings: tuple[Finding, ...]) -> list[tuple[str, Status]]:
    return [(item.rule, item.status) for item in findings]


def test_quiet_server_passes() -> None:
    """Nobody there, nothing to warn of."""
    (finding,) = _judge(_activity())
    assert (finding.rule, finding.status) == ("blockers", Status.PASSED)
    assert "1 existing relation," in finding.message


def test_conflicting_holder_is_named_in_full() -> None:
    """Who, from where, since when, what against what, and the line that ends it."""
    (finding,) = _judge(_activity(SELECTING, holders=(READ_LOCK,)))
    assert (finding.code, finding.status) == (ExitCode.BLOCKED, Status.FAILED)
    assert finding.message == (
        "pid 7 (user app, web, client 10.0.0.3) active for 8s, transaction open for 8s"
        " holds AccessShareLock on public.orders, AccessExclusiveLock is wanted"
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
    queued = replace(READ_LOCK, mode=LockMode.ACCESS_EXCLUSIVE, is_granted=False)
    (finding,) = _judge(_activity(SELECTING, holders=(queued,)))
    assert "waits for AccessExclusiveLock on public.orders" in finding.message


@given(st.sampled_from(LockMode), st.sampled_from(LockMode))
def test_only_conflicting_modes_block(held: LockMode, wanted: LockMode) -> None:
    """The manual's table decides, for every pair of modes."""
    activity = _activity(SELECTING, holders=(replace(READ_LOCK, mode=held),))
    findings = _judge(activity, requests=(LockRequest("orders", wanted),))
    assert (findings[0].rule == "blocker-lock") is (held in CONFLICTS[wanted])


def test_lock_on_the_index_is_not_the_lock_on_its_table() -> None:
    """A request for the table of an index is matched with locks on that table only."""
    on_table = LockRequest("orders", LockMode.ACCESS_EXCLUSIVE, LockTarget.INDEXED_TABLE)
    activity = _activity(SELECTING, holders=(READ_LOCK,))
    assert _summary(_judge(activity, requests=(on_table,))) == [("blockers", Status.PASSED)]
    table_lock = replace(READ_LOCK, target=LockTarget.INDEXED_TABLE)
    activity = _activity(SELECTING, holders=(table_lock,))
    assert _judge(activity, requests=(on_table,))[0].rule == "blocker-lock"


def test_short_transactions_of_a_busy_table_pass_once_watched() -> None:
    """Others come and go: after one second of looking, a fresh one is no blocker."""
    fresh = replace(SELECTING, transaction_age=timedelta(milliseconds=20), query_age=None)
    before = _activity(replace(fresh, transaction="3/11"))
    now = _activity(fresh, holders=(READ_LOCK,))
    watch = Watch.begin(before, 100.0).next(now, 101.0)
    assert judge_blockers(now, (ALTER,), POLICY, watch)[0].status is Status.PASSED
    # After the first look nobody knows how long it will stay.
    assert _judge(now)[0].code is ExitCode.BLOCKED


def test_two_second_transactions_pass_once_watched_for_long() -> None:
    """Patience is five seconds: the lock ladder outlasts what is shorter."""
    row = replace(SELECTING, transaction_age=timedelta(seconds=2), query_age=None)
    now = _activity(row, holders=(READ_LOCK,))
    watch = Watch(100.0, 110.0, {row.key: 108.0})
    assert judge_blockers(now, (ALTER,), POLICY, watch)[0].status is Status.PASSED
    still = replace(watch, latest=113.0)
    assert judge_blockers(now, (ALTER,), POLICY, still)[0].code is ExitCode.BLOCKED


def test_hidden_holder_is_known_by_having_been_there() -> None:
    """Without its age, a transaction seen for five seconds is an old one."""
    findings = _judge(_activity(HIDDEN, holders=(READ_LOCK,)), seconds_watched=5)
    assert _summary(findings)[0] == ("blocker-lock", Status.FAILED)
    assert "state and age hidden from this role" in findings[0].message


def test_hidden_session_without_transaction_is_a_warning() -> None:
    """pg_locks proves that it has nothing open; what is not seen is still said."""
    idle = replace(HIDDEN, transaction=None)
    assert _summary(_judge(_activity(idle))) == [
        ("blockers", Status.PASSED),
        ("blockers-hidden", Status.WARNED),
    ]


def test_hidden_transaction_that_lasts_is_never_an_all_clear() -> None:
    """It may be hours old, so the finding is unknown and names the grant."""
    (finding,) = _judge(_activity(HIDDEN), seconds_watched=60)
    assert (finding.status, finding.code) == (Status.UNKNOWN, ExitCode.BLOCKED)
    assert "pid 7 (user app, web)" in finding.message
    assert 'GRANT pg_read_all_stats TO "migrator"' in finding.hint


def test_hidden_transactions_that_come_and_go_are_a_warning() -> None:
    """Another transaction in each look means that none of them is old."""
    before = _activity(replace(HIDDEN, transaction="3/11"))
    now = _activity(HIDDEN)
    watch = Watch.begin(before, 100.0).next(now, 103.0)
    findings = judge_blockers(now, (ALTER,), POLICY, watch)
    assert _summary(findings)[1] == ("blockers-hidden", Status.WARNED)


@pytest.mark.parametrize(
    "row",
    [
        replace(SELECTING, transaction_age=timedelta(minutes=30)),
        replace(SELECTING, query_age=timedelta(minutes=31)),
        replace(SELECTING, state="idle in transaction", transaction_age=timedelta(hours=2)),
    ],
)
def test_old_transaction_blocks_without_any_lock(row: ActivityRow) -> None:
    """Transactions and queries older than the limit are refused, whatever they touch."""
    (finding,) = _judge(_activity(row), seconds_watched=60, requests=())
    assert (finding.rule, finding.code) == ("blocker-age", ExitCode.BLOCKED)
    assert "older than 30m" in finding.message


def test_age_just_below_the_limit_passes() -> None:
    """The limit itself is the first age that blocks."""
    almost = replace(SELECTING, transaction_age=timedelta(minutes=30, milliseconds=-1))
    (finding,) = _judge(_activity(almost))
    assert finding.status is Status.PASSED
    assert "oldest visible transaction 29m 59s" in finding.message


def test_idle_in_transaction_without_conflict_is_a_warning() -> None:
    """After a minute it is worth a line; before, it is the life of an application."""
    idle = replace(SELECTING, state="idle in transaction", state_age=timedelta(minutes=1))
    findings = _judge(_activity(idle), seconds_watched=60)
    assert _summary(findings)[1] == ("idle-in-transaction", Status.WARNED)
    fresh = replace(idle, state_age=timedelta(seconds=59))
    assert _summary(_judge(_activity(fresh))) == [("blockers", Status.PASSED)]


def test_dump_is_told_to_be_waited_for() -> None:
    """A pg_dump with its locks is a blocker whose hint speaks of the backup."""
    dump = replace(SELECTING, application="pg_dump")
    (finding,) = _judge(_activity(dump, holders=(READ_LOCK,)))
    assert finding.code is ExitCode.BLOCKED
    assert finding.hint.startswith("Wait until the dump has ended")


def test_dump_blocks_before_it_has_its_locks() -> None:
    """It will read every table; an exclusive lock is in its way or behind it."""
    dump = replace(SELECTING, application="pg_dump")
    assert _judge(_activity(dump))[0].code is ExitCode.BLOCKED
    insert = LockRequest("orders", LockMode.ROW_EXCLUSIVE)
    findings = _judge(_activity(dump), requests=(insert,))
    assert _summary(findings)[1] == ("blocker-dump", Status.WARNED)


def test_autovacuum_gives_way_and_is_a_warning() -> None:
    """The server ends it for us after deadlock_timeout."""
    lock = replace(READ_LOCK, mode=LockMode.SHARE_UPDATE_EXCLUSIVE)
    findings = _judge(_activity(VACUUM, holders=(lock,)), seconds_watched=60)
    assert _summary(findings) == [
        ("blockers", Status.PASSED),
        ("blocker-autovacuum", Status.WARNED),
    ]


@pytest.mark.parametrize("is_seen", [True, False])
def test_autovacuum_against_wraparound_blocks(is_seen: bool) -> None:  # noqa: FBT001 - parametrized
    """It never gives way; the age of the table tells when its query is hidden."""
    lock = replace(READ_LOCK, mode=LockMode.SHARE_UPDATE_EXCLUSIVE, is_wraparound_due=not is_seen)
    row = replace(VACUUM, prevents_wraparound=is_seen)
    (finding,) = _judge(_activity(row, holders=(lock,)))
    assert (finding.rule, finding.code) == ("blocker-autovacuum", ExitCode.BLOCKED)


def test_autovacuum_elsewhere_is_not_mentioned() -> None:
    """However old, a vacuum of another table is nobody's business."""
    old = replace(VACUUM, transaction_age=timedelta(hours=9))
    assert _summary(_judge(_activity(old))) == [("blockers", Status.PASSED)]


def test_prepared_transaction_with_a_lock_blocks() -> None:
    """It is named by its gid, with the commands that end it, quotes doubled."""
    prepared = PreparedTransaction("o'brien", "app", "771", timedelta(seconds=2))
    lock = replace(READ_LOCK, pid=None, prepared_xid="771")
    (finding,) = _judge(_activity(holders=(lock,), prepared=(prepared,)))
    assert (finding.rule, finding.code) == ("blocker-prepared", ExitCode.BLOCKED)
    assert "prepared transaction o'brien (owner app), prepared 2s ago" in finding.message
    assert "holds AccessShareLock on public.orders" in finding.message
    assert "ROLLBACK PREPARED 'o''brien';" in finding.hint


def test_prepared_transaction_without_conflict_blocks_only_when_old() -> None:
    """A young one is a warning: nothing ends it by itself."""
    young = PreparedTransaction("g", "app", "771", timedelta(minutes=2))
    assert _summary(_judge(_activity(prepared=(young,))))[1] == (
        "blocker-prepared",
        Status.WARNED,
    )
    old = replace(young, age=timedelta(minutes=30))
    assert _judge(_activity(prepared=(old,)))[0].code is ExitCode.BLOCKED


def test_lock_of_a_session_that_has_ended_is_dropped() -> None:
    """Locks are read before sessions; one without a session is history."""
    assert _summary(_judge(_activity(holders=(READ_LOCK,)))) == [("blockers", Status.PASSED)]


def test_lock_is_kept_across_the_transactions_of_one_command() -> None:
    """VACUUM and its like hold a lock through several transactions, and are old all the same."""
    row = replace(SELECTING, transaction="3/99", transaction_age=timedelta(milliseconds=1))
    lock = replace(READ_LOCK, mode=LockMode.SHARE_UPDATE_EXCLUSIVE)
    assert _judge(_activity(row, holders=(lock,)), seconds_watched=5)[0].rule == "blocker-lock"
    between = replace(row, transaction=None)
    assert _judge(_activity(between, holders=(lock,)))[0].status is Status.PASSED


def test_lock_met_under_two_names_is_told_once() -> None:
    """``orders`` and ``public.orders`` are one table; the stronger wish is named."""
    requests = (LockRequest("public.orders", LockMode.SHARE), ALTER)
    write = replace(READ_LOCK, mode=LockMode.ROW_EXCLUSIVE)
    holders = (replace(write, name="public.orders"), write)
    (finding,) = _judge(_activity(SELECTING, holders=holders), requests=requests)
    assert finding.message.endswith(
        "holds RowExclusiveLock on public.orders, AccessExclusiveLock is wanted"
    )


def test_flood_of_blockers_is_bounded() -> None:
    """Twenty are told one by one, the rest counted."""
    rows = [replace(SELECTING, pid=pid, transaction_age=timedelta(hours=1)) for pid in range(30)]
    findings = _judge(_activity(*rows))
    assert len(findings) == 21
    assert findings[-1].message == "10 more blockers, not listed"
    assert findings[-1].code is ExitCode.BLOCKED


def test_watch_forgets_what_is_gone() -> None:
    """A session that comes back with the same key was not there meanwhile."""
    there, gone = _activity(HIDDEN), _activity()
    watch = Watch.begin(there, 0.0).next(gone, 1.0).next(there, 2.0).next(there, 5.0)
    assert watch.seen_for(HIDDEN.key) == timedelta(seconds=3)
    assert watch.watched == timedelta(seconds=5)
