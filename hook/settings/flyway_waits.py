"""How long to wait when only Flyway's settings say so.

Source: Flyway's ``JdbcUtils.openConnection``, ``BackoffStrategy`` and ``RetryStrategy``.
"""

from __future__ import annotations

from datetime import timedelta

from hook.settings import flyway_specification as flyway
from hook.settings import specification as spec
from hook.settings.setting import Given, Origin, Setting
from hook.settings.sources import Values


def connect_wait(retries: int, longest_seconds: int) -> timedelta:
    """Return how long Flyway sleeps in all between *retries* + 1 attempts to connect."""
    total = 0
    pause = 1
    for number in range(retries):
        if pause == min(pause * 2, longest_seconds):
            return timedelta(seconds=total + (retries - number) * pause)
        total += pause
        pause = min(pause * 2, longest_seconds)
    return timedelta(seconds=total)


def with_flyway_waits(values: Values) -> Values:
    """Return *values* with the waits that Flyway's settings ask for.

    Presync's own settings go before them. Who sets FLYWAY_CONNECT_RETRIES asks for a longer
    wait than Flyway's, which is none, and so does not get a shorter one than presync's
    default; FLYWAY_LOCK_RETRY_COUNT also shortens one that Flyway has anyway.
    """
    retries, count = values.of(flyway.CONNECT_RETRIES), values.of(flyway.LOCK_RETRY_COUNT)
    if retries is not None:
        wait = connect_wait(retries, values.of(flyway.CONNECT_RETRIES_INTERVAL))
        if wait > values.of(spec.WAIT_TIMEOUT) or not _is_default(spec.WAIT_TIMEOUT, values):
            values = _with_wait(values, spec.WAIT_TIMEOUT, wait, flyway.CONNECT_RETRIES)
        else:
            used = values.given[spec.WAIT_TIMEOUT.name]
            reason = f"it asks for less than the default of PRESYNC_WAIT_TIMEOUT, {used.text}"
            values = _with_note(values, flyway.CONNECT_RETRIES, reason)
    if count is not None:
        wait = timedelta(seconds=count) if count >= 0 else values.of(spec.DEADLINE)
        values = _with_wait(values, spec.LOCK_WAIT, wait, flyway.LOCK_RETRY_COUNT)
    return values


def _with_wait(
    values: Values, ours: Setting[timedelta], wait: timedelta, theirs: Setting[int | None]
) -> Values:
    if not _is_default(ours, values):
        return _with_note(values, theirs, f"{values.given[ours.name].label} sets the wait")
    written = values.given[theirs.name]
    text = f"{wait // timedelta(seconds=1)}s"
    return values.replaced(ours, wait, Given(text, written.origin, written.label))


def _with_note(values: Values, theirs: Setting[int | None], reason: str) -> Values:
    return values.noted(f"{values.given[theirs.name].label} is ignored: {reason}")


def _is_default(setting: Setting[timedelta], values: Values) -> bool:
    return values.given[setting.name].origin is Origin.DEFAULT
