"""What every stage is given, and the shape of its answer.

A stage gathers facts (I/O), judges them (pure, in `hook.core`), and returns an
`Outcome`: the findings for the report and the value that later stages work on.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, NamedTuple, Protocol, TypeVar

from hook.clock import Bounds, Clock, Deadline, Interrupt
from hook.core.outcome import Finding

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import timedelta

    from hook.core.execution.callback_book import EachCallbacks
    from hook.core.execution.progress import Progress
    from hook.core.execution.work import WorkProgress
    from hook.core.scripts.events import Event
    from hook.core.sessions.census import Toll
    from hook.postgres.session import Session

T_co = TypeVar("T_co", covariant=True)


class Events(Protocol):
    """Where a stage tells what happens while it happens."""

    def __call__(self, event: str, message: str, /, **fields: object) -> None:
        """Log *event* (dotted name) with *message* and JSON-ready *fields*."""

    @property
    def pace(self) -> timedelta:
        """Return how often what takes long is told of: more often where somebody watches."""


class Callbacks(Protocol):
    """Runs the callbacks of a release at the moments that a stage comes to."""

    @property
    def each(self) -> EachCallbacks | None:
        """Return those that run together with each migration, none when none do."""

    @property
    def progress(self) -> Progress:
        """Return how far callbacks have changed the database."""

    @property
    def watch(self) -> Watch | None:
        """Return who watches them, and so the migrations; none when nobody does as yet."""

    def stand_on(self, hold: Callable[[], None]) -> None:
        """Have the migration lock by *hold* from now on, if it is lost.

        That raises `HookError` when nothing may be run any more.
        """

    def has(self, *events: Event) -> bool:
        """Tell whether there are callbacks of *events*."""

    def run(self, *events: Event) -> None:
        """Run the callbacks of *events*, one after the other.

        Raises:
            HookError: One of them failed; those behind it were not run.
        """

    def run_after(self, error: Exception, *events: Event) -> None:
        """Run the callbacks of *events* after *error*, which nothing takes the place of."""

    def take_findings(self) -> tuple[Finding, ...]:
        """Return what is to be told of those run since the last call."""


class Subject(NamedTuple):
    """An attempt to be watched.

    Attributes:
        pid: Of the backend.
        first_look: Seconds until then.
        is_undone: It is in one transaction, so that nothing is left of it when it is cancelled.
    """

    pid: int
    first_look: float
    is_undone: bool = True


class Watch(Protocol):
    """What attempts at SQL of the release know of who watches them."""

    def begin(self, subject: Subject) -> None:
        """Watch *subject* from now on."""

    def over(self, session: Session) -> Session:
        """Return *session* such that its scripts are watched."""

    def end(self) -> Toll | None:
        """Return what the attempt has cost, none when nobody has watched."""

    def find_progress(self) -> WorkProgress | None:
        """Return how far the statement under way has come, none when nobody knows."""

    def find_blockers(self) -> str:
        """Return whom it waits for, empty when for nobody that is known."""

    @property
    def is_spent(self) -> bool:
        """Tell whether the run has done all the damage that it may."""

    def take_findings(self) -> tuple[Finding, ...]:
        """Return what is to be told of what was done to others since the last call."""

    def close(self) -> None:
        """Close what was opened."""


class Unwatched:
    """Nobody watches."""

    is_spent = False

    def begin(self, subject: Subject) -> None:
        """Watch nothing."""

    def over(self, session: Session) -> Session:
        """Return *session*."""
        return session

    def end(self) -> None:
        """Return nothing."""

    def find_progress(self) -> None:
        """Know nothing."""

    def find_blockers(self) -> str:
        """Know nothing."""
        return ""

    def take_findings(self) -> tuple[Finding, ...]:
        """Return nothing."""
        return ()

    def close(self) -> None:
        """Close nothing."""


class Context(NamedTuple):
    """What the process lends to a stage."""

    clock: Clock
    deadline: Deadline
    interrupt: Interrupt
    events: Events
    run_id: str

    @property
    def bounds(self) -> Bounds:
        """Return what ends every wait of the run."""
        return Bounds(self.interrupt, self.deadline)


class Outcome(NamedTuple, Generic[T_co]):
    """What a stage found and made.

    A stage whose findings stop the run may still return a value; the pipeline
    does not pass it on.
    """

    findings: tuple[Finding, ...]
    value: T_co

    def behind(self, told: tuple[Finding, ...]) -> Outcome[T_co]:
        """Return the same with *told* in front of its findings."""
        return self._replace(findings=(*told, *self.findings))


def unwatched(_ctx: Context) -> Watch:
    """Begin to watch nothing."""
    return Unwatched()
