"""What may end an attempt from outside, as it is told."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple, Self

from hook.core.execution.failure_advice import TRIED_AGAIN
from hook.core.sessions.census import Toll, how_to_end
from hook.core.span import describe_span

_STATEMENT_TIMEOUT = "PRESYNC_STATEMENT_TIMEOUT"
_RAISE = "Raise"
# Two clocks measure, the server's and ours.
_CLEARLY = 0.9


class Outside(NamedTuple):
    """A stop request, and the limits of a run by their names, with their values.

    Attributes:
        deadline: Of the whole run.
        statement_timeout: Of each statement.
        signal_name: Of the stop request, empty as long as there is none.
        statement_ms: The limit of each statement as a number, 0 where that is not known.
    """

    deadline: str = "PRESYNC_DEADLINE"
    statement_timeout: str = _STATEMENT_TIMEOUT
    signal_name: str = ""
    statement_ms: float = 0

    @classmethod
    def of(cls, deadline: str, statement_timeout: timedelta, signal_name: str) -> Self:
        """Return the same, *deadline* being told with its value already."""
        limit = f"{_STATEMENT_TIMEOUT} ({describe_span(statement_timeout)})"
        return cls(deadline, limit, signal_name, statement_timeout.total_seconds() * 1000)

    def after_deadline(self, advice: str, toll: Toll | None = None) -> str:
        """Return what to do, *advice* being how to need less time; *toll* tells who took it."""
        return f"{_in_front(toll)} {self.deadline}, or {advice}. {TRIED_AGAIN}"

    def after_cancel(self, advice: str, toll: Toll | None, duration_ms: int) -> str:
        """Return what to do after a cancel, for which the server has one code.

        Who had it cancelled the code does not say; how long it took (*duration_ms*, with all
        in front of it) says who had not.
        """
        begin = _in_front(toll)
        if begin == _RAISE and duration_ms < self.statement_ms * _CLEARLY:
            return (
                "Ask who has cancelled it; if the script sets a statement_timeout, raise that:"
                f" {self.statement_timeout} was not used up. Until then each sync tries again."
            )
        return (
            f"{begin} {self.statement_timeout}, or {advice}; if the script sets a"
            " statement_timeout, raise that; if it was cancelled by somebody, ask why."
            f" {TRIED_AGAIN}"
        )


def _in_front(toll: Toll | None) -> str:
    """Return how the advice begins: who only waited for others needs no more time than they."""
    if toll is None or not (toll.is_waiting and toll.describe_blockers()):
        return _RAISE
    return f"{how_to_end(toll.census)} Otherwise raise"
