"""The engine that works on Flyway's files and Flyway's history table."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from hook.core.schema_history.applied import judge_rows, read_rows
from hook.core.schema_history.baseline import judge_baseline, with_baseline
from hook.core.schema_history.drift import judge_history
from hook.core.schema_history.history import History
from hook.core.schema_history.missing_schema import judge_missing_schema
from hook.core.schema_history.plan import Plan, plan_pending
from hook.core.schema_history.reconcile import reconcile
from hook.core.scripts.encoding import UnknownEncoding, canonical_encoding
from hook.core.scripts.migration_set import MigrationSet
from hook.core.scripts.placeholders import RunFacts, builtin_placeholders
from hook.core.scripts.script import Migration, ScriptFile
from hook.core.scripts.script_config import ScriptConfig
from hook.core.sessions.server import ServerFacts
from hook.core.sql.sql_text import qualified_name
from hook.engines import Reader, Writer
from hook.engines.flyway.history_row import NewRow, render_insert, row_of_migration
from hook.engines.flyway.history_table import (
    HistoryPlace,
    create_history,
    name_taken,
    place_of,
    rank_after_creation,
    read_history,
)
from hook.engines.flyway.release import (
    callback_sources,
    resolve_callbacks,
    resolve_release,
    search_release,
)
from hook.engines.flyway.script_files import Reading
from hook.errors import ConfigError
from hook.settings.migrations import MigrationSettings

if TYPE_CHECKING:
    from hook.core.execution.attempt import ApplyTask, Attempt, CallbackTask
    from hook.core.execution.heartbeat import Pulse
    from hook.core.execution.prepared import ParsedScript
    from hook.core.outcome import Finding
    from hook.engines.flyway.apply import Writing
    from hook.engines.flyway.pending_scripts import PendingScripts
    from hook.postgres.session import Session


class FlywayEngine:
    """Flyway's part of a run.

    Attributes:
        started_at: Start of the run, aware; what ``${flyway:timestamp}`` says.
        working_directory: What relative locations are relative to.
    """

    def __init__(
        self, settings: MigrationSettings, started_at: datetime, working_directory: str
    ) -> None:
        self.settings = settings
        self.started_at = started_at
        self.working_directory = working_directory
        # Asked for with each script, and the same as long as the session is.
        self._reading = lru_cache(maxsize=2)(self._reading_for)
        self.pending_scripts = lru_cache(maxsize=1)(self._pending_scripts)

    def resolve(self, server: ServerFacts | None) -> MigrationSet:
        """Return the migrations of the release, see `hook.engines.Engine`."""
        sources, folder = self.settings.sources, self.working_directory
        searches = search_release(sources, folder)
        return resolve_release(searches, self._reading(server), callback_sources(sources, folder))

    def resolve_callbacks(self, server: ServerFacts) -> MigrationSet:
        """Return the callbacks alone, see `hook.engines.Engine`."""
        sources, folder = self.settings.sources, self.working_directory
        searches = search_release(sources, folder)
        if not sources.locations:  # nobody has said that there is a folder
            searches = tuple(search for search in searches if not search.problems)
        return resolve_callbacks(searches, self._reading(server), callback_sources(sources, folder))

    def history_schema(self, server: ServerFacts) -> str:
        """Return the schema of the schema history, see `hook.engines.Engine`."""
        return self.history_place(server).schema

    def history_place(self, server: ServerFacts) -> HistoryPlace:
        """Return where the schema history is, which is also what the migration lock is on.

        Raises:
            ConfigError: Neither the settings nor the session name one schema.
        """
        return place_of(self.settings.history, server)

    def read_history(self, session: Reader, server: ServerFacts) -> History:
        """Return the schema history, see `hook.engines.Engine`."""
        return read_history(session, self.history_place(server), self.settings.history)

    def plan(
        self, migration_set: MigrationSet, history: History
    ) -> tuple[Plan, tuple[Finding, ...]]:
        """Return what is to be done, see `hook.engines.Engine`."""
        rules, table = self.settings.rules, self.settings.history
        expected = with_baseline(history, self.settings.baseline)
        entries, problems = read_rows(expected.rows)
        infos = reconcile(migration_set.migrations, entries, rules)
        rank = rank_after_creation(expected, table)
        plan = plan_pending(infos, expected, rules)._replace(next_rank=rank)
        findings = (
            *judge_rows(history, problems),
            *judge_missing_schema(history, creates_schemas=table.creates_schemas),
            *judge_baseline(history, self.settings.baseline),
            *judge_history(infos, rules),
        )
        if rules.cherry_pick.picks:
            from hook.core.schema_history.cherry_pick_findings import judge_picks  # noqa: PLC0415 - rarely set

            findings = (*findings, *judge_picks(plan, rules))
        return plan, findings

    def create_history(self, session: Writer, history: History, server: ServerFacts) -> History:
        """Create what *history* says is missing, and return it as it is then.

        Call it with the migration lock held whenever something is pending; ranks are to
        be taken from a plan on the history returned.

        Raises:
            HookError: The database refused.
        """
        settings = self.settings
        if history.exists and not (history.missing_schemas and settings.history.creates_schemas):
            return history
        installed_by = self._installed_by(server)
        refused = create_history(
            session, history, settings.history, settings.baseline, installed_by
        )
        created = self.read_history(session, server)
        if refused and not created.exists:
            raise name_taken(f"{history.schema}.{history.table}", refused)
        return created

    def will_baseline(self, history: History) -> bool:
        """Tell whether creating *history* adopts objects that are there."""
        starting = with_baseline(history, self.settings.baseline)
        return bool(starting.rows) and not history.rows

    def new_row(self, migration: Migration, rank: int, server: ServerFacts) -> NewRow:
        """Return the row that records *migration*; replace its fields for a failure."""
        return row_of_migration(migration, rank, self._installed_by(server))

    def history_row_sql(self, history: History, row: NewRow) -> str:
        """Return the INSERT of *row* as SQL text, without terminator."""
        return render_insert(qualified_name(history.schema, history.table), row)

    def read_script(self, script: ScriptFile, server: ServerFacts | None) -> bytes:
        """Return the text of *script* in UTF-8, ready to be sent.

        Raises:
            BadMigrationSet: The file changed since it was resolved, or placeholders in
                it have no value.
        """
        from hook.engines.flyway.script_text import read_script  # noqa: PLC0415 - not for a no-op run

        return read_script(script, self._reading(server))

    def enter_session(self, session: Session, history: History, server: ServerFacts) -> None:
        """Bring *session* into the state of a script's start, see `hook.engines.Engine`."""
        session.execute(";\n".join(self._state(history, server)))

    def apply(self, session: Session, tasks: Sequence[ApplyTask], pulse: Pulse) -> Attempt:
        """Run migrations once, see `hook.engines.Engine`."""
        from hook.engines.flyway.apply import Part, apply_in_transaction  # noqa: PLC0415 - not for a no-op run
        from hook.engines.flyway.sending import Sender  # noqa: PLC0415 - likewise

        first, *others = tasks
        parsed = self._parse(first)
        shows_results = self.settings.execution.shows_results
        sender = Sender(session, first.limits, pulse, shows_results)
        write = partial(self._writing, session)
        if not parsed.in_transaction:
            from hook.engines.flyway.step_by_step import apply_step_by_step  # noqa: PLC0415 - rarely needed

            attempt = apply_step_by_step(sender, parsed.body, write(first), first)
            return sender.told_apart(attempt)
        rest = (Part(self._parse(task).body, write(task), task.each) for task in others)
        parts = itertools.chain((Part(parsed.body, write(first), first.each),), rest)
        return sender.told_apart(apply_in_transaction(sender, parts, len(tasks)))

    def _pending_scripts(self, server: ServerFacts | None) -> PendingScripts:
        """Return what reads and cuts the scripts of a run on *server*."""
        from hook.engines.flyway.pending_scripts import PendingScripts  # noqa: PLC0415 - not for a no-op run

        read = partial(self.read_script, server=server)
        return PendingScripts(read, allows_mixed=self.settings.execution.is_mixed_allowed)

    def _parse(self, task: ApplyTask) -> ParsedScript:
        parsed = self.pending_scripts(task.server).take(task.migration)
        if not self.settings.execution.records_only:
            return parsed
        return parsed._replace(body=parsed.body[:0], in_transaction=True, reason="")

    def enter_callback(
        self, session: Session, schema: str, server: ServerFacts, *, carries: bool
    ) -> None:
        """Bring *session* into the state of a callback's start, see `hook.engines.Engine`."""
        session.execute(";\n".join(self._callback_state(schema, server, carries=carries)))

    def run_callback(self, session: Session, task: CallbackTask, pulse: Pulse) -> Attempt:
        """Run one callback once, see `hook.engines.Engine`."""
        from hook.engines.flyway.callbacks import run_callback  # noqa: PLC0415 - likewise
        from hook.engines.flyway.sending import Sender  # noqa: PLC0415 - likewise

        sender = Sender(session, task.limits, pulse, self.settings.execution.shows_results)
        state = self._callback_state(task.schema, task.server, carries=task.carries)
        return sender.told_apart(run_callback(sender, task.prepared, state))

    def _callback_state(
        self, schema: str, server: ServerFacts, *, carries: bool
    ) -> tuple[str, ...]:
        from hook.engines.flyway.session_state import begin_anew, callback_state  # noqa: PLC0415 - not for a no-op run

        begin = () if carries else begin_anew(self._replayed())
        return callback_state(schema, server.search_path, begin)

    def record(self, session: Session, task: ApplyTask, attempt: Attempt) -> bool:
        """Write the row of an attempt that could not, see `hook.engines.Engine`."""
        from hook.engines.flyway.apply import record_alone  # noqa: PLC0415 - not for a no-op run

        return record_alone(session, self._writing(session, task), attempt, task.note)

    def _writing(self, session: Session, task: ApplyTask) -> Writing:
        from hook.engines.flyway.apply import Writing  # noqa: PLC0415 - likewise
        from hook.engines.flyway.session_state import marking  # noqa: PLC0415 - likewise

        history, row = task.history, self.new_row(task.migration, task.rank, task.server)
        return Writing(
            session_state=self._state(history, task.server, marking(session, history)),
            history=qualified_name(history.schema, history.table),
            row=row._replace(first_rank=task.first_rank, preceding_ms=task.preceding_ms),
        )

    def _state(
        self, history: History, server: ServerFacts, marked: tuple[str, ...] = ()
    ) -> tuple[str, ...]:
        from hook.engines.flyway.session_state import session_state  # noqa: PLC0415 - not for a no-op run

        return session_state(history.schema, server.search_path, self._replayed(), marked)

    def _replayed(self) -> tuple[str, ...]:
        from hook.core.execution.init_sql import replayed_statements  # noqa: PLC0415 - not for a no-op run
        from hook.core.sql.lexer import SqlSyntaxError  # noqa: PLC0415 - likewise

        try:
            return replayed_statements(self.settings.execution.init_sql)
        except SqlSyntaxError as error:
            raise ConfigError((f"FLYWAY_INIT_SQL: {error}",), "Correct FLYWAY_INIT_SQL.") from error

    def _installed_by(self, server: ServerFacts) -> str:
        return self.settings.history.installed_by or server.user

    def _reading_for(self, server: ServerFacts | None) -> Reading:
        sources, placeholders = self.settings.sources, self.settings.placeholders
        default = ScriptConfig(
            encoding=_encoding(sources.encoding),
            replaces_placeholders=placeholders.is_replacing,
            in_transaction=None if self.settings.execution.in_transaction else False,
        )
        values = dict(placeholders.values)
        values.update(builtin_placeholders(self._run_facts(server), placeholders.syntax))
        return Reading(sources.naming, default, placeholders.syntax, values)

    def _run_facts(self, server: ServerFacts | None) -> RunFacts:
        return RunFacts(
            default_schema=self.history_place(server).schema if server else "",
            user=server.user if server else "",
            database=server.database if server else "",
            timestamp=self.started_at.astimezone().strftime("%Y-%m-%d %H:%M:%S"),
            working_directory=self.working_directory,
            table=self.settings.history.table,
            environment=self.settings.placeholders.environment,
        )


def _encoding(name: str) -> str:
    try:
        return canonical_encoding(name)
    except UnknownEncoding as error:
        raise ConfigError(
            (f"FLYWAY_ENCODING: {error}",), "Name a character set, for example UTF-8."
        ) from error
