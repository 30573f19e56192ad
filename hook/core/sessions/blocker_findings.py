"""Blockers in words: who, since when, holding what against what, and how to go on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import NamedTuple

from hook.core.outcome import Finding, failed, passed, unknown, warned
from hook.core.sessions.activity import Activity, ActivityRow, LockHolder, PreparedTransaction
from hook.core.span import describe_span
from hook.core.sql.locks import LockMode
from hook.core.sql.sql_text import printable_literal
from hook.core.text import clip, counted
from hook.errors import ExitCode

_LISTED = 3
_QUERY_TOLD = 80
_DUMP_HINT = "Wait until the dump has ended, or keep dumps and rollouts apart"


class Conflict(NamedTuple):
    """A lock of somebody else that stands against one of ours."""

    holder: LockHolder
    wanted: LockMode

    def describe(self) -> str:
        """Return ``holds ShareLock on app.orders, AccessExclusiveLock is wanted``."""
        verb = "holds" if self.holder.is_granted else "waits for"
        held = f"{verb} {self.holder.mode.value} on {self.holder.relation}"
        return f"{held}, {self.wanted.value} is wanted"

    def facts(self) -> dict[str, object]:
        """Return the conflict, ready for JSON."""
        return {
            "relation": self.holder.relation,
            "held": self.holder.mode.value,
            "granted": self.holder.is_granted,
            "wanted": self.wanted.value,
        }


def holder_finding(row: ActivityRow, conflicts: Sequence[Conflict]) -> Finding:
    """Return the finding for a session with conflicting locks."""
    # What it holds comes first: a verdict is cut at the end.
    message = f"{describe_session(row)} {_list(conflicts)}; {describe_doing(row)}"
    return failed(
        ExitCode.BLOCKED, "blocker-lock", message, _how_to_end(row), **_facts(row, conflicts)
    )


def old_finding(row: ActivityRow, conflicts: Sequence[Conflict], max_age: timedelta) -> Finding:
    """Return the finding for a transaction or query older than *max_age*."""
    message = f"{_who(row)}, older than {describe_span(max_age)}"
    if conflicts:
        message = f"{message}; {_list(conflicts)}"
    return failed(
        ExitCode.BLOCKED, "blocker-age", message, _how_to_end(row), **_facts(row, conflicts)
    )


def dump_finding(row: ActivityRow, is_in_the_way: bool) -> Finding:  # noqa: FBT001 - a fact
    """Return the finding for a pg_dump that may lock any table at any moment."""
    message = f"{_who(row)}: pg_dump reads every table"
    if is_in_the_way:
        message = f"{message}, {LockMode.ACCESS_EXCLUSIVE.value} is wanted"
        return failed(
            ExitCode.BLOCKED, "blocker-dump", message, _how_to_end(row), **_facts(row, ())
        )
    return warned("blocker-dump", message, f"{_DUMP_HINT}.", **_facts(row, ()))


def autovacuum_finding(row: ActivityRow, conflicts: Sequence[Conflict]) -> Finding:
    """Return the finding for an autovacuum worker on one of our tables.

    An ordinary one gives way after ``deadlock_timeout``; one that prevents transaction
    id wraparound never does (manual, "Routine Vacuuming").
    """
    prevents_wraparound = row.prevents_wraparound or any(
        item.holder.is_wraparound_due for item in conflicts
    )
    message = f"autovacuum, pid {row.pid}, {_list(conflicts)}"
    facts = _facts(row, conflicts)
    if prevents_wraparound:
        hint = "Let it finish: it prevents transaction id wraparound, and does not give way."
        return failed(ExitCode.BLOCKED, "blocker-autovacuum", message, hint, **facts)
    hint = "Nothing to do: it gives way when a lock is waited for longer than deadlock_timeout."
    return warned("blocker-autovacuum", message, hint, **facts)


def idle_finding(row: ActivityRow) -> Finding:
    """Return the warning for a session that sits in a transaction without a conflict."""
    return warned("idle-in-transaction", _who(row), _how_to_end(row), **_facts(row, ()))


def endable_finding(finding: Finding) -> Finding:
    """Return *finding*, of a session that the migration ends when it is in the way."""
    hint = (
        "Nothing to do: PRESYNC_CANCEL_BLOCKERS lets a migration that waits for it end it, unless"
        " it is a superuser's."
    )
    return warned(finding.rule, finding.message, hint, **finding.facts)


def prepared_finding(
    item: PreparedTransaction,
    conflicts: Sequence[Conflict],
    is_old: bool,  # noqa: FBT001 - a fact
) -> Finding:
    """Return the finding for a prepared transaction; it lasts until a human ends it."""
    message = (
        f"prepared transaction {item.gid} (owner {item.owner}), prepared"
        f" {describe_span(item.age)} ago"
    )
    gid = printable_literal(item.gid)
    hint = f"Finish it: COMMIT PREPARED {gid}; or ROLLBACK PREPARED {gid};"
    facts: dict[str, object] = {
        "gid": item.gid,
        "owner": item.owner,
        "age_ms": _milliseconds(item.age),
        "locks": [conflict.facts() for conflict in conflicts],
    }
    if conflicts:
        message = f"{message}, {_list(conflicts)}"
    if conflicts or is_old:
        return failed(ExitCode.BLOCKED, "blocker-prepared", message, hint, **facts)
    return warned("blocker-prepared", message, hint, **facts)


def hidden_finding(
    role: str, count: int, lasting: Sequence[ActivityRow], watched: timedelta
) -> Finding:
    """Return the finding for sessions whose age the server hides from *role*.

    Args:
        role: Ours.
        count: How many sessions are hidden.
        lasting: Those that kept one transaction open while we *watched*.
        watched: How long we did.
    """
    hide = (
        "session of other roles hides its" if count == 1 else "sessions of other roles hide their"
    )
    message = f"{count} {hide} age from role {role}"
    quoted = role.replace('"', '""')
    hint = f'Run GRANT pg_read_all_stats TO "{quoted}" to let presync see all sessions.'
    facts: dict[str, object] = {"hidden": count, "watched_ms": _milliseconds(watched)}
    if not lasting:
        message = f"{message}; none of them keeps a transaction open or a conflicting lock"
        return warned("blockers-hidden", message, hint, **facts)
    named = ", ".join(f"pid {row.pid} ({_name(row)})" for row in lasting[:_LISTED])
    rest = f" and {len(lasting) - _LISTED} more" if len(lasting) > _LISTED else ""
    message = f"{message}; {named}{rest} had a transaction open all the time we looked"
    pids = [row.pid for row in lasting]
    return unknown(ExitCode.BLOCKED, "blockers-hidden", message, hint, **facts, pids=pids)


def calm_finding(activity: Activity) -> Finding:
    """Return the finding for a server where nobody blocks.

    What a DO block or a function does inside is not known beforehand, so it claims no more
    than what the scripts name.
    """
    oldest = max((row.oldest_age for row in activity.rows), default=timedelta(0))
    tables = len(activity.relations)
    calm = (
        f"nobody holds a conflicting lock on {counted(tables, 'existing relation')}"
        if tables
        else "the pending scripts name no relation to change that is there already"
    )
    message = f"{calm}, oldest visible transaction {describe_span(oldest)}"
    return passed("blockers", message, relations=sorted(activity.relations))


def _who(row: ActivityRow) -> str:
    """Return who *row* is and what it does."""
    return f"{describe_session(row)} {describe_doing(row)}"


def describe_session(row: ActivityRow) -> str:
    """Return ``pid 7 (user app, web, client 10.0.0.3)``."""
    client = "" if row.is_hidden else f", client {row.client}"
    return f"pid {row.pid} ({_name(row)}{client})"


def describe_doing(row: ActivityRow) -> str:
    """Return what *row* does and since when."""
    if row.is_hidden:
        return "state and age hidden from this role"
    doing = f"{row.state or 'active'} for {describe_span(row.state_age or timedelta(0))}"
    if row.transaction_age is None:
        return doing
    return f"{doing}, transaction open for {describe_span(row.transaction_age)}"


def describe_query(row: ActivityRow) -> str:
    """Return what *row* runs or ran last, to be put behind all else; empty when not known."""
    if not row.query:
        return ""
    verb = "running" if row.state == "active" else "last ran"
    return f", {verb}: {clip(row.query, _QUERY_TOLD)}"


def with_query(finding: Finding, row: ActivityRow) -> Finding:
    """Return *finding*, of *row*, with its query if that is known."""
    if not row.query:
        return finding
    message = finding.message + describe_query(row)
    return replace(finding, message=message, facts={**finding.facts, "query": row.query})


def _name(row: ActivityRow) -> str:
    user = f"user {row.user}" if row.user else (row.backend_type or "background worker")
    return f"{user}, {row.application or 'without application name'}"


def _list(conflicts: Sequence[Conflict]) -> str:
    """Return the first conflicts in words, and how many more there are."""
    text = "; ".join(item.describe() for item in conflicts[:_LISTED])
    rest = len(conflicts) - _LISTED
    return f"{text}; and {rest} more locks" if rest > 0 else text


def _how_to_end(row: ActivityRow) -> str:
    command = f"SELECT pg_terminate_backend({row.pid});"
    if row.is_dump:
        return f"{_DUMP_HINT}; to end it: {command}"
    return f"Wait for it, or end it if its work may be lost: {command}"


def _facts(row: ActivityRow, conflicts: Sequence[Conflict]) -> dict[str, object]:
    return {
        "pid": row.pid,
        "user": row.user,
        "application": row.application,
        "client": row.client,
        "state": row.state,
        "age_ms": None if row.is_hidden else _milliseconds(row.oldest_age),
        "locks": [item.facts() for item in conflicts],
    }


def _milliseconds(span: timedelta) -> int:
    return span // timedelta(milliseconds=1)
