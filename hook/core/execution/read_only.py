"""Whether a transaction was read-only for the server or for its own script."""

from __future__ import annotations

from dataclasses import replace

from hook.core.execution.attempt import Attempt
from hook.core.sessions.server import WriteState


def with_culprit(attempt: Attempt, state: WriteState, age_ms: float) -> Attempt:
    """Return *attempt*, which met a read-only transaction, as failed by its script if it was.

    Args:
        attempt: Rolled back; it began *age_ms* ago.
        state: Of its session, now. Where that was told of settings since the attempt began,
            the server may have taken no writes at that time.
        age_ms: Milliseconds.
    """
    failure = attempt.failure
    if failure is None or not state.takes_writes or state.settled_ms <= age_ms:
        return attempt
    return replace(attempt, failure=failure._replace(by_script=True))
