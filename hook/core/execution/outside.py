"""What may end an attempt from outside, as it is told."""

from __future__ import annotations

from datetime import timedelta
from typing import NamedTuple, Self

from hook.core.execution.failure_advice import TRIED_AGAIN
from hook.core.span import describe_span

_STATEMENT_TIMEOUT = "PRESYNC_STATEMENT_TIMEOUT"


class Outside(NamedTuple):
    """A stop request, and the limits of a run by their names, with their values.

    Attributes:
        deadline: Of the whole run.
        statement_timeout: Of each statement.
        signal_name: Of the stop request, empty as long as there is none.
    """

    deadline: str = "PRESYNC_DEADLINE"
    statement_timeout: str = _STATEMENT_TIMEOUT
    signal_name: str = ""

    @classmethod
    def of(cls, deadline: str, statement_timeout: timedelta, signal_name: str) -> Self:
        """Return the same, *deadline* being told with its value already."""
        limit = f"{_STATEMENT_TIMEOUT} ({describe_span(statement_timeout)})"
        return cls(deadline, limit, signal_name)

    def after_deadline(self, advice: str) -> str:
        """Return what to do, *advice* being how to need less time."""
        return f"Raise {self.deadline}, or {advice}. {TRIED_AGAIN}"

    def after_cancel(self, advice: str) -> str:
        """Return what to do after a cancel, for which the server has one code."""
        return (
            f"Raise {self.statement_timeout}, or {advice}; if the script sets a statement_timeout,"
            f" raise that; if it was cancelled by somebody, ask why. {TRIED_AGAIN}"
        )
