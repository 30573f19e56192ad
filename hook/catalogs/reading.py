"""Waits for what a storage was asked in a thread. That there is no answer is a finding."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from hook.clock import Background, Bounds, Deadline
from hook.core.outcome import Finding, Status, from_error
from hook.errors import BackupSourceMissing, BackupUnknown, ConfigError

T = TypeVar("T")


def await_reading(
    reading: Background[T], within: Deadline, run: Bounds, overdue: Callable[[], Finding]
) -> T | Finding:
    """Return what *reading* returned, or why there is nothing.

    Args:
        reading: Asks the storage.
        within: The time that it has.
        run: What ends the whole run.
        overdue: Judges that the time was not enough.

    Raises:
        DeadlineExceeded: The deadline of the run ended first.
        Interrupted: A stop was requested meanwhile.
    """
    try:
        answer = reading.result(within, run.interrupt)
    except (BackupSourceMissing, ConfigError) as error:
        return from_error(error)
    except BackupUnknown as error:
        return from_error(error, Status.UNKNOWN)
    if answer is not None:
        return answer
    run.raise_if_over()
    return overdue()
