"""Sessions and locks as the server would tell them, and what is judged of them."""

from __future__ import annotations

from datetime import timedelta

from hook.core.outcome import Finding, Status
from hook.core.sessions.activity import (
    Activity,
    ActivityRow,
    LockHolder,
    PreparedTransaction,
    Watch,
)
from hook.core.sessions.blockers import BlockerPolicy, judge_blockers
from hook.core.sql.locks import LockMode, LockRequest, LockTarget

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
VACUUM = SELECTING._replace(
    user="", application="", backend_type="autovacuum worker", is_autovacuum=True
)


def activity_of(
    *rows: ActivityRow,
    holders: tuple[LockHolder, ...] = (),
    prepared: tuple[PreparedTransaction, ...] = (),
) -> Activity:
    """Return one look at a server with a table ``orders``, by the role ``migrator``."""
    return Activity("migrator", frozenset({"orders"}), holders, rows, prepared)


def judge(
    activity: Activity, seconds_watched: float = 0, requests: tuple[LockRequest, ...] = (ALTER,)
) -> tuple[Finding, ...]:
    """Judge *activity* as if it had looked the same for so long."""
    watch = Watch.begin(activity, 100.0).next(activity, 100.0 + seconds_watched)
    return judge_blockers(activity, requests, POLICY, watch)


def summary(findings: tuple[Finding, ...]) -> list[tuple[str, Status]]:
    """Return rule and status of each finding."""
    return [(item.rule, item.status) for item in findings]
