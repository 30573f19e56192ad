"""What the stages need from a migration engine, whichever it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from hook.core.outcome import Finding
from hook.core.schema_history.history import History
from hook.core.schema_history.plan import Plan
from hook.core.scripts.migration_set import MigrationSet
from hook.core.scripts.script import ScriptFile
from hook.core.sessions.server import ServerFacts

if TYPE_CHECKING:
    from hook.core.execution.attempt import ApplyTask, Attempt, CallbackTask
    from hook.core.execution.heartbeat import Pulse
    from hook.core.scripts.version import Version
    from hook.postgres.session import Session


class Reader(Protocol):
    """A session that answers queries."""

    def fetch(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of *query*."""


class Writer(Reader, Protocol):
    """A session that runs statements of presync's own, too."""

    def execute(self, statements: str) -> None:
        """Run *statements*, one message, for their effect."""


class Engine(Protocol):
    """Reads a release and a schema history, and says what is to be done."""

    def resolve(self, server: ServerFacts | None) -> MigrationSet:
        """Return the migrations of the release.

        Args:
            server: None when there is no database at hand. Checksums of scripts that
                name the user or the schema are then of no use.

        Returns:
            Also of files that are no migration set: every problem is named in it.

        Raises:
            Unsupported: A location is of a kind that is not there.
            ConfigError: The settings do not say how to read the files.
        """

    def read_history(self, session: Reader, server: ServerFacts) -> History:
        """Return the schema history, read without any lock."""

    def plan(
        self, migration_set: MigrationSet, history: History
    ) -> tuple[Plan, tuple[Finding, ...]]:
        """Return what is to be done, and what speaks against doing it."""

    def create_history(self, session: Writer, history: History, server: ServerFacts) -> History:
        """Create what *history* says is missing, and return it as it is then."""

    def history_schema(self, server: ServerFacts) -> str:
        """Return the schema of the schema history.

        Raises:
            ConfigError: Neither the settings nor the session name one.
        """

    def resolve_callbacks(self, server: ServerFacts) -> MigrationSet:
        """Return the callbacks of the release alone; that there are no files is no mistake.

        Raises:
            HookError: As `resolve`.
        """

    def will_baseline(self, history: History) -> bool:
        """Tell whether `create_history` adopts objects of which *history* knows nothing."""

    def read_script(self, script: ScriptFile, server: ServerFacts | None) -> bytes:
        """Return the text of *script* in UTF-8, ready to be sent.

        Raises:
            BadMigrationSet: The file cannot be read any more as it was resolved.
        """

    def enter_session(self, session: Session, history: History, server: ServerFacts) -> None:
        """Bring *session* into the state that every script starts from.

        Raises:
            HookError: The server refused, or the connection is lost.
        """

    def apply(self, session: Session, tasks: Sequence[ApplyTask], pulse: Pulse) -> Attempt:
        """Run the migrations of *tasks* once, together with their history rows.

        Args:
            session: As `enter_session` leaves it, or as an attempt at the same migration
                did. It may be lost afterwards; otherwise no transaction is open.
            tasks: What to run, and within which limits: one migration, or several that
                can share a transaction, in running order.
            pulse: Told what it is at.

        Raises:
            BadMigrationSet: A file cannot be read any more as it was resolved; what was
                begun is rolled back.
            HookError: The server could not be asked what it must be asked before; no
                statement of the script was sent.
        """

    def enter_callback(
        self, session: Session, schema: str, server: ServerFacts, *, carries: bool
    ) -> None:
        """Bring *session* into the state that a callback apart starts from, see `CallbackTask`.

        Raises:
            HookError: As `enter_session`.
        """

    def run_callback(self, session: Session, task: CallbackTask, pulse: Pulse) -> Attempt:
        """Run the callback of *task* once, apart from all migrations.

        Args:
            session: It may be lost afterwards; otherwise no transaction is open.
            task: What to run, and within which limits.
            pulse: Told what it is at.
        """

    def record(self, session: Session, task: ApplyTask, attempt: Attempt) -> bool:
        """Write the history row that *attempt*, of the migration of *task*, could not write.

        It says success if the attempt was applied, else failure, so that no later run
        takes the script for one that never began. A stop request does not prevent it.
        A row of failure voids the script's note in the ledger, if that can be written.

        Returns:
            Whether the row is there.
        """


class Change(NamedTuple):
    """A change of the schema history that nobody has made yet.

    Attributes:
        summary: In a few words, empty when there is nothing to change.
        statements: SQL, all of one transaction.
    """

    summary: str = ""
    statements: tuple[str, ...] = ()


class HistoryEditor(Protocol):
    """Plans and makes the changes of a schema history that somebody asked for by name."""

    def plan_repair(
        self, migration_set: MigrationSet, history: History, only: Version | None, user: str
    ) -> tuple[Change, tuple[Finding, ...]]:
        """Return what a repair changes, and what is to be said of it.

        Args:
            migration_set: The release.
            history: As it was read.
            only: The one version to repair, all if none.
            user: Of the database, named in new rows unless the settings name another.
        """

    def plan_baseline(self, history: History, user: str) -> tuple[Change, tuple[Finding, ...]]:
        """Return what a baseline creates, and what is to be said of it."""

    def make(self, session: Reader, change: Change) -> None:
        """Make *change*; what it was planned on was read under the migration lock.

        That somebody else has written the same meanwhile is no failure: look again.

        Raises:
            HookError: The database refused, and nothing is changed; or the connection is
                lost, and nobody knows.
        """
