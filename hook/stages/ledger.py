"""Keep a record of the run in the database itself, where a rollback does not erase it.

The ledger is there to tell later what happened; that it cannot be written is told, and
stops nobody but who goes on with a script of which it says how far that is, or is to begin
one that must not run twice, and only has to wait.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from hook.clock import Bounds, Interrupt
from hook.core.outcome import Finding, failed, passed, warned
from hook.core.reporting.noted_part import judge_unwritten
from hook.errors import (
    ConfigError,
    ConnectionLost,
    DatabaseRejected,
    DeadlineExceeded,
    HookError,
    Interrupted,
    QueryFailed,
)
from hook.postgres.ledger import Ledger
from hook.postgres.lost_backend import await_end_of, is_backend_known
from hook.stages import Outcome

if TYPE_CHECKING:
    from hook.core.reporting.ledger import Beginning, Ending
    from hook.core.reporting.past_run import BegunScript
    from hook.postgres.connecting import Connect
    from hook.postgres.session import Session
    from hook.settings.target import ConnectionTarget
    from hook.stages import Context

# A stop request leaves twenty seconds for everything that is still to be done.
_FINISH_SECONDS = 3.0
T = TypeVar("T")
Write = Callable[["Session"], T]


class Entry(NamedTuple):
    """The row of this run, and what the run was called when it began.

    Attributes:
        noted: See `PastRun.noted`; nothing where the row cannot be changed.
    """

    ledger: Ledger
    key: int
    run_id: str
    noted: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class LedgerStage:
    """Writes the row of a run, each time on a connection of its own.

    Attributes:
        table: Its name; it lies next to the schema history.
    """

    target: ConnectionTarget
    connect: Connect
    table: str
    connect_timeout: timedelta = timedelta(seconds=5)
    name: str = "ledger"

    def begin(self, ctx: Context, schema: str, beginning: Beginning) -> Outcome[Entry | None]:
        """Record that the run is about to change the schema.

        Args:
            ctx: The run.
            schema: Of the schema history.
            beginning: The row.

        Returns:
            What `finish` needs, none when nothing could be written.

        Raises:
            Interrupted: A stop was requested.
            DeadlineExceeded: The time of the run is over.
        """
        ledger, run_id = Ledger(schema, self.table, beginning.history), beginning.run_id

        def write(session: Session, found: int | None = None) -> tuple[int, Mapping[str, str]]:
            key = ledger.begin(session, beginning) if found is None else found
            return key, _promise(ledger, session, key, beginning)

        def write_again(session: Session) -> tuple[int, Mapping[str, str]]:
            return write(session, ledger.find(session, beginning))

        try:
            key, noted = self._decided(ctx, run_id, write, write_again)
        except (Interrupted, DeadlineExceeded):
            raise
        except HookError as error:
            return Outcome((_not_begun(ledger, error, beginning),), None)
        message = f"run {run_id} is recorded in {ledger.shown}"
        return Outcome((passed("ledger", message),), Entry(ledger, key, run_id, noted))

    def note(self, ctx: Context, entry: Entry, begun: BegunScript) -> tuple[Finding, ...]:
        """Record which script is begun, in case that nobody can tell the end of the run.

        Raises:
            Interrupted: A stop was requested.
            DeadlineExceeded: The time of the run is over.
        """

        def write(session: Session) -> None:
            entry.ledger.note(session, entry.key, begun, entry.noted)

        try:
            self._decided(ctx, entry.run_id, write, write)
        except (Interrupted, DeadlineExceeded):
            raise
        except HookError as error:
            return (_not_written(entry.ledger, error),)
        return ()

    def finish(self, entry: Entry, ending: Ending) -> tuple[Finding, ...]:
        """Record how the run ended, whatever stop request there is."""
        try:
            with closing(Interrupt()) as deaf:
                found = self._finish(entry, ending, Bounds(deaf))
        except HookError as error:
            return (_not_written(entry.ledger, error),)
        if found:
            return ()
        message = f"the row of run {entry.run_id} is not in {entry.ledger.shown} any more"
        return (warned("ledger", message, "Find out who deletes from the ledger."),)

    def _finish(self, entry: Entry, ending: Ending, bounds: Bounds) -> bool:
        """Complete the row; where the connection is lost, once more on another one."""

        def write() -> bool:
            with self._open(entry.run_id, bounds) as session:
                return entry.ledger.finish(session.shielded(_FINISH_SECONDS), entry.key, ending)

        try:
            return write()
        except ConnectionLost:
            return write()

    def _decided(self, ctx: Context, run_id: str, write: Write[T], again: Write[T]) -> T:
        """Return what *write* returns; where its connection is lost, what *again* does.

        What was done on the first one is decided by then. Behind a pooler nobody knows which
        backend did it, and it may go on: a second row, or an older note, would come of that.

        Raises:
            ConnectionLost: It is lost behind a pooler.
        """
        with self._open(run_id, ctx.bounds) as session:
            pid = session.pid
            try:
                return write(session)
            except ConnectionLost as error:
                lost = error
        with self._open(run_id, ctx.bounds) as session:
            if not is_backend_known(session):
                raise lost
            ctx.events("connection.lost", lost.message, level="warning")
            await_end_of(session, pid, None, ctx.clock)
            return again(session)

    def _open(self, run_id: str, bounds: Bounds) -> Session:
        return self.connect(self.target, "ledger", run_id, bounds, self.connect_timeout)


def _promise(ledger: Ledger, session: Session, key: int, beginning: Beginning) -> Mapping[str, str]:
    """Write into the row which scripts it will name before they are begun; return them.

    That nothing is written where the row cannot be changed is told once something is to be.
    """
    if not beginning.noted:
        return {}
    try:
        ledger.note(session, key, beginning.cut_off, beginning.noted)
    except QueryFailed:
        return {}
    return beginning.noted


def _not_begun(ledger: Ledger, error: HookError, beginning: Beginning) -> Finding:
    part = beginning.cut_off
    if part is not None and part.done is not None:
        return judge_unwritten(error, ledger.shown, part)
    will_pass = not isinstance(error, DatabaseRejected | QueryFailed)
    once = ", ".join(beginning.noted)
    if beginning.noted and will_pass:
        # The row may be there, and promise to tell which script is begun.
        message = f"{ledger.shown} could not be written: {error.message}; {once} must not run twice"
        return failed(error.exit_code, "ledger", message, error.hint)
    finding = _not_written(ledger, error)
    if not beginning.noted:
        return finding
    message = f"{finding.message}; nobody learns where a run is killed in {once}"
    return replace(finding, message=message)


def _not_written(ledger: Ledger, error: HookError) -> Finding:
    hint = "See why; PRESYNC_LEDGER=off says that no record is wanted."
    if isinstance(error, ConfigError):
        hint = error.hint
    elif isinstance(error, DatabaseRejected):
        schema = ledger.schema
        hint = (
            f"Grant CREATE on schema {schema} to the role that migrates, or INSERT, UPDATE and"
            f" SELECT on {ledger.shown}; PRESYNC_LEDGER=off says that no record is wanted."
        )
    return warned("ledger", f"{ledger.shown} could not be written: {error.message}", hint)
