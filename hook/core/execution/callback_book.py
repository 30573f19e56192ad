"""The callbacks of a release, read and understood before anything runs."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from hook.core.execution.prepared import PreparedScript, place_script
from hook.core.scripts.callback import Callback
from hook.core.scripts.events import EACH_EVENTS, Event
from hook.core.scripts.waivers import NO_LOSSES, LossBook, Waiver, keep_book
from hook.core.sql.creations import Creations, Name
from hook.core.sql.locks import LockRequest
from hook.core.sql.losses import find_losses
from hook.core.sql.relations import script_lock_requests
from hook.core.sql.statement_list import StatementList
from hook.core.sql.unforeseen import unforeseen_locks


@dataclass(frozen=True, slots=True)
class PreparedCallback:
    """A callback with its statements, which are kept: it may run once per statement.

    Attributes:
        in_transaction: Whether it can run in one, be it its own or that of a migration.
        reason: Why it cannot.
        requests: The locks its statements will ask for.
        unforeseen: Where they may ask for more, which shows only when they run.
        losses: What of the data it destroys, and what allows that.
    """

    callback: Callback
    body: StatementList = field(repr=False)
    in_transaction: bool
    reason: str
    requests: tuple[LockRequest, ...]
    losses: LossBook = NO_LOSSES
    unforeseen: tuple[str, ...] = ()


class EachCallbacks(NamedTuple):
    """What runs around each migration and around each of its statements."""

    before: tuple[PreparedCallback, ...] = ()
    before_statement: tuple[PreparedCallback, ...] = ()
    after_statement: tuple[PreparedCallback, ...] = ()
    after: tuple[PreparedCallback, ...] = ()

    @property
    def all(self) -> tuple[PreparedCallback, ...]:
        """Return every one of them."""
        return (*self.before, *self.before_statement, *self.after_statement, *self.after)

    @property
    def is_per_statement(self) -> bool:
        """Tell whether something runs between the statements."""
        return bool(self.before_statement or self.after_statement)


@dataclass(frozen=True, slots=True)
class CallbackBook:
    """The callbacks that a command may run, in their order."""

    callbacks: tuple[PreparedCallback, ...] = ()

    def of(self, *events: Event) -> tuple[PreparedCallback, ...]:
        """Return the callbacks of *events*, in the order of the events."""
        return tuple(
            item for event in events for item in self.callbacks if item.callback.event == event
        )

    @property
    def each(self) -> EachCallbacks | None:
        """Return what runs with each migration, none when nothing does."""
        each = EachCallbacks(
            before=self.of(Event.BEFORE_EACH_MIGRATE),
            before_statement=self.of(Event.BEFORE_EACH_MIGRATE_STATEMENT),
            after_statement=self.of(Event.AFTER_EACH_MIGRATE_STATEMENT),
            after=self.of(Event.AFTER_EACH_MIGRATE),
        )
        return each if each.all else None

    @property
    def requests(self) -> tuple[LockRequest, ...]:
        """Return the locks that all of them will ask for."""
        return tuple(item for callback in self.callbacks for item in callback.requests)

    def beside(self, scripts: Iterable[PreparedScript]) -> tuple[PreparedScript, ...]:
        """Return *scripts* as they run with these: of steps between others nothing is noted."""
        if self.each is None:
            return tuple(scripts)
        why = "callbacks run around its statements"
        return tuple(item._replace(text="", unnoted=why) if item.text else item for item in scripts)


def is_placed_by_statements(callback: Callback) -> bool:
    """Tell whether its statements decide how *callback* runs.

    One that runs with each migration is in the migration's transaction if there is one,
    whatever its ``.conf`` says, as in Flyway.
    """
    return callback.in_transaction is None or callback.event in EACH_EVENTS


def prepare_callback(
    callback: Callback,
    statements: StatementList,
    *,
    allows_mixed: bool,
    waivers: Iterable[Waiver] = (),
    partitioned: Collection[Name] = (),
) -> PreparedCallback:
    """Return what is known of *callback*.

    Args:
        callback: A file.
        statements: All of it.
        allows_mixed: Whether they may be of both kinds.
        waivers: In it.
        partitioned: The relations known to be that, see `hook.core.sql.partition_refusals`.

    Raises:
        SqlSyntaxError: As `hook.core.execution.prepared.place_script`.
    """
    asked = callback
    if is_placed_by_statements(callback):
        asked = callback._replace(in_transaction=None)
    parsed = place_script(asked, statements, allows_mixed=allows_mixed, partitioned=partitioned)
    return PreparedCallback(
        callback,
        parsed.body,
        parsed.in_transaction,
        parsed.reason,
        script_lock_requests(parsed.body),
        keep_book(callback.script, find_losses(parsed.body, Creations()), waivers),
        unforeseen_locks(callback.script, parsed.body),
    )


def misfits(book: CallbackBook, scripts: Iterable[PreparedScript]) -> Sequence[str]:
    """Return why callbacks of *book* cannot run in the transactions of *scripts*.

    A statement that refuses a transaction would fail after all of the migration's work;
    a COMMIT would end the migration's transaction without its history row.
    """
    first = next((item.migration.script for item in scripts if item.in_transaction), "")
    if not first or book.each is None:
        return ()
    return [
        f"{item.callback.script}:{item.body[0].line}: {item.reason}, and it runs in the"
        f" transaction of {first}"
        for item in book.each.all
        if not item.in_transaction and len(item.body)
    ]
