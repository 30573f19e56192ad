"""Blockers of their own kind: hidden, prepared, idle, dumping, vacuuming."""

from __future__ import annotations

from datetime import timedelta

import pytest

from hook.core.outcome import Status
from hook.core.sessions.activity import ActivityRow, LockHolder, PreparedTransaction, Watch
from hook.core.sessions.blockers import judge_blockers
from hook.core.sessions.ending import Endable
from hook.core.sql.locks import LockMode, LockRequest
from hook.errors import ExitCode
from tests.testbed.activity_samples import (
    ALTER,
    HIDDEN,
    POLICY,
    READ_LOCK,
    SELECTING,
    VACUUM,
    activity_of,
    judge,
    summary,
)


def test_hidden_holder_is_known_by_having_been_there() -> None:
    """Without its age, a transaction seen for five seconds is an old one."""
    findings = judge(activity_of(HIDDEN, holders=(READ_LOCK,)), seconds_watched=5)
    assert summary(findings)[0] == ("blocker-lock", Status.FAILED)
    assert "state and age hidden from this role" in findings[0].message


def test_hidden_session_without_transaction_is_a_warning() -> None:
    """pg_locks proves that it has nothing open; what is not seen is still said."""
    idle = HIDDEN._replace(transaction=None)
    assert summary(judge(activity_of(idle))) == [
        ("blockers", Status.PASSED),
        ("blockers-hidden", Status.WARNED),
    ]


def test_hidden_transaction_that_lasts_is_never_an_all_clear() -> None:
    """It may be hours old, so the finding is unknown and names the grant."""
    (finding,) = judge(activity_of(HIDDEN), seconds_watched=60)
    assert (finding.status, finding.code) == (Status.UNKNOWN, ExitCode.BLOCKED)
    assert "pid 7 (user app, web)" in finding.message
    assert 'GRANT pg_read_all_stats TO "migrator"' in finding.hint


def test_hidden_transactions_that_come_and_go_are_a_warning() -> None:
    """Another transaction in each look means that none of them is old."""
    before = activity_of(HIDDEN._replace(transaction="3/11"))
    now = activity_of(HIDDEN)
    watch = Watch.begin(before, 100.0).next(now, 103.0)
    findings = judge_blockers(now, (ALTER,), POLICY, watch)
    assert summary(findings)[1] == ("blockers-hidden", Status.WARNED)


def test_idle_in_transaction_without_conflict_is_a_warning() -> None:
    """After a minute it is worth a line; before, it is the life of an application."""
    idle = SELECTING._replace(state="idle in transaction", state_age=timedelta(minutes=1))
    findings = judge(activity_of(idle), seconds_watched=60)
    assert summary(findings)[1] == ("idle-in-transaction", Status.WARNED)
    fresh = idle._replace(state_age=timedelta(seconds=59))
    assert summary(judge(activity_of(fresh))) == [("blockers", Status.PASSED)]


def test_dump_is_told_to_be_waited_for() -> None:
    """A pg_dump with its locks is a blocker whose hint speaks of the backup."""
    dump = SELECTING._replace(application="pg_dump")
    (finding,) = judge(activity_of(dump, holders=(READ_LOCK,)))
    assert finding.code is ExitCode.BLOCKED
    assert finding.hint.startswith("Wait until the dump has ended")


def test_dump_blocks_before_it_has_its_locks() -> None:
    """It will read every table; an exclusive lock is in its way or behind it."""
    dump = SELECTING._replace(application="pg_dump")
    assert judge(activity_of(dump))[0].code is ExitCode.BLOCKED
    insert = LockRequest("orders", LockMode.ROW_EXCLUSIVE)
    findings = judge(activity_of(dump), requests=(insert,))
    assert summary(findings)[1] == ("blocker-dump", Status.WARNED)


def test_autovacuum_gives_way_and_is_a_warning() -> None:
    """The server ends it for us after deadlock_timeout."""
    lock = READ_LOCK._replace(mode=LockMode.SHARE_UPDATE_EXCLUSIVE)
    findings = judge(activity_of(VACUUM, holders=(lock,)), seconds_watched=60)
    assert summary(findings) == [
        ("blockers", Status.PASSED),
        ("blocker-autovacuum", Status.WARNED),
    ]


@pytest.mark.parametrize("is_seen", [True, False])
def test_autovacuum_against_wraparound_blocks(is_seen: bool) -> None:  # noqa: FBT001 - parametrized
    """It never gives way; the age of the table tells when its query is hidden."""
    lock = READ_LOCK._replace(mode=LockMode.SHARE_UPDATE_EXCLUSIVE, is_wraparound_due=not is_seen)
    row = VACUUM._replace(prevents_wraparound=is_seen)
    (finding,) = judge(activity_of(row, holders=(lock,)))
    assert (finding.rule, finding.code) == ("blocker-autovacuum", ExitCode.BLOCKED)


def test_autovacuum_elsewhere_is_not_mentioned() -> None:
    """However old, a vacuum of another table is nobody's business."""
    old = VACUUM._replace(transaction_age=timedelta(hours=9))
    assert summary(judge(activity_of(old))) == [("blockers", Status.PASSED)]


def test_prepared_transaction_with_a_lock_blocks() -> None:
    """It is named by its gid, with the commands that end it, quotes doubled."""
    prepared = PreparedTransaction("o'brien", "app", "771", timedelta(seconds=2))
    lock = READ_LOCK._replace(pid=None, prepared_xid="771")
    (finding,) = judge(activity_of(holders=(lock,), prepared=(prepared,)))
    assert (finding.rule, finding.code) == ("blocker-prepared", ExitCode.BLOCKED)
    assert "prepared transaction o'brien (owner app), prepared 2s ago" in finding.message
    assert "holds AccessShareLock on public.orders" in finding.message
    assert "ROLLBACK PREPARED 'o''brien';" in finding.hint


def test_prepared_transaction_without_conflict_blocks_only_when_old() -> None:
    """A young one is a warning: nothing ends it by itself."""
    young = PreparedTransaction("g", "app", "771", timedelta(minutes=2))
    assert summary(judge(activity_of(prepared=(young,))))[1] == (
        "blocker-prepared",
        Status.WARNED,
    )
    old = young._replace(age=timedelta(minutes=30))
    assert judge(activity_of(prepared=(old,)))[0].code is ExitCode.BLOCKED


def test_old_transaction_names_its_locks_too() -> None:
    """It blocks by its age, and what it holds is said in the same line."""
    old = SELECTING._replace(transaction_age=POLICY.max_age + timedelta(seconds=1))
    findings = judge(activity_of(old, holders=(READ_LOCK,)))
    assert summary(findings)[0] == ("blocker-age", Status.FAILED)
    assert "older than" in findings[0].message
    assert "; " in findings[0].message


def test_holder_that_has_just_left_its_transaction_is_told_without_one() -> None:
    """Locks and sessions are not looked at in the same instant."""
    row = SELECTING._replace(transaction_age=None)
    (finding,) = judge(activity_of(row, holders=(READ_LOCK,)))
    assert finding.message.endswith("; active for 8s")


def test_who_may_be_ended_is_left_to_the_migration() -> None:
    """As far as it holds a lock that stands against ours; age alone is no licence."""
    policy = POLICY._replace(cancels=frozenset({Endable.QUERY}))
    old = SELECTING._replace(transaction_age=POLICY.max_age)

    def judged(*rows: ActivityRow, holders: tuple[LockHolder, ...]) -> list[tuple[str, Status]]:
        activity = activity_of(*rows, holders=holders)
        return summary(judge_blockers(activity, (ALTER,), policy, Watch.begin(activity, 0.0)))

    assert ("blocker-lock", Status.WARNED) in judged(SELECTING, holders=(READ_LOCK,))
    assert ("blocker-age", Status.WARNED) in judged(old, holders=(READ_LOCK,))
    assert ("blocker-age", Status.FAILED) in judged(old, holders=())
    idle = SELECTING._replace(state="idle in transaction")
    assert ("blocker-lock", Status.FAILED) in judged(idle, holders=(READ_LOCK,))
