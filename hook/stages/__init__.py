"""What every stage is given, and the shape of its answer.

A stage gathers facts (I/O), judges them (pure, in `hook.core`), and returns an
`Outcome`: the findings for the report and the value that later stages work on.
"""

from __future__ import annotations

from typing import Generic, NamedTuple, Protocol, TypeVar

from hook.clock import Clock, Deadline, Interrupt
from hook.core.outcome import Finding

T_co = TypeVar("T_co", covariant=True)


class Events(Protocol):
    """Where a stage tells what happens while it happens."""

    def __call__(self, event: str, message: str, /, **fields: object) -> None:
        """Log *event* (dotted name) with *message* and JSON-ready *fields*."""


class Context(NamedTuple):
    """What the process lends to a stage."""

    clock: Clock
    deadline: Deadline
    interrupt: Interrupt
    events: Events
    run_id: str


class Outcome(NamedTuple, Generic[T_co]):
    """What a stage found and made.

    A stage whose findings stop the run may still return a value; the pipeline
    does not pass it on.
    """

    findings: tuple[Finding, ...]
    value: T_co
