"""What the log is told of attempts, of a migration and of a callback alike."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from hook.core.execution.query_result import describe_result, result_fields

if TYPE_CHECKING:
    from hook.core.execution.attempt import Attempt
    from hook.core.execution.sqlstate import ServerMessage
    from hook.core.outcome import Finding

_WARNING = "WARNING"
_NAMED = 2


class Told(NamedTuple):
    """One event of the log: its name, message and JSON-ready fields."""

    event: str
    message: str
    fields: Mapping[str, object]


class AnswerEvents(NamedTuple):
    """The names of the events by which the server's answers are told."""

    notice: str
    result: str


OF_MIGRATION = AnswerEvents("migration.notice", "migration.result")
OF_CALLBACK = AnswerEvents("callback.notice", "callback.result")


def tell_answers(attempt: Attempt, names: AnswerEvents, script: str) -> Iterator[Told]:
    """Yield what the server had to say in *attempt* besides errors.

    Args:
        attempt: How it ended.
        names: Of what was run.
        script: Its name.
    """
    notice, result = names
    for item in attempt.notices:
        yield Told(notice, f"{script}: {item.severity} {item.message}", _notice(item, script))
    if attempt.notices_dropped:
        yield _tell_dropped(notice, script, attempt.notices_dropped)
    for found in attempt.results:
        message = f"{script}: {describe_result(found)}"
        yield Told(result, message, result_fields(script, found))
    if attempt.results_dropped:
        yield _tell_dropped(result, script, attempt.results_dropped)


def tell_retry(last: Attempt | None, what: str, script: str, made: int, at_most: int) -> Told:
    """Return that another attempt follows *last*, and why.

    Args:
        last: The attempt that ended.
        what: Was run, for the message.
        script: Its name.
        made: How many attempts there were.
        at_most: How many there may be.
    """
    why, facts = ("connection lost", dict[str, object]()) if last is None else last.why_again()
    message = f"{what}: attempt {made} of {at_most}: {why}"
    return Told("retry.scheduled", message, {"script": script, "attempts": made, **facts})


def tell_in_the_way(what: str, script: str, found: Sequence[Finding], *, is_made: bool) -> Told:
    """Return who is in the way of the next attempt, and whether it is made.

    Args:
        what: Names the attempt, for the message.
        script: Its name.
        found: What the gate of the blockers says of each.
        is_made: The attempt is made all the same.
    """
    ending = "made all the same" if is_made else "withheld"
    who = "; ".join(item.message for item in found[:_NAMED])
    blockers = [dict(item.facts) for item in found]
    return Told(
        "retry.blocked",
        f"{what} is {ending}: {who}",
        {"level": "warning", "script": script, "is_made": is_made, "blockers": blockers},
    )


def _notice(message: ServerMessage, script: str) -> dict[str, object]:
    fields: dict[str, object] = {
        "level": "warning" if message.severity == _WARNING else "info",
        "script": script,
        "sqlstate": message.sqlstate,
    }
    more = {"detail": message.detail, "server_hint": message.hint}
    return fields | {name: value for name, value in more.items() if value}


def _tell_dropped(event: str, script: str, dropped: int) -> Told:
    noun = f"{event.rpartition('.')[2]}s"
    message = f"{script}: {dropped} more {noun} are not shown"
    return Told(event, message, {"script": script, "dropped": dropped})
