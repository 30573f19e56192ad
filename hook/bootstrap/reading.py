"""Builds the half of a run that looks and changes nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hook.core.execution.expectations import Expectations, judge_primary, judge_usable
from hook.engines.flyway.engine import FlywayEngine
from hook.errors import ConfigError
from hook.pipeline.reading import Reading
from hook.postgres.connecting import connect
from hook.stages.history import HistoryStage
from hook.stages.resolve import ResolveStage
from hook.stages.verify import VerifyStage
from hook.stages.wait import WaitStage

if TYPE_CHECKING:
    from collections.abc import Callable

    from hook.core.execution.expectations import Unusable
    from hook.core.execution.group import Grouping
    from hook.core.sessions.server import ServerFacts
    from hook.engines import Engine
    from hook.postgres.connecting import Connect
    from hook.postgres.partitions import Catalog
    from hook.postgres.session import Session
    from hook.settings import Settings
    from hook.stages import Context
    from hook.stages.callbacks import CallbacksStage
    from hook.stages.callbacks.running import CallbackRules
    from hook.stages.scripts import ScriptsStage
    from hook.stages.syntax import SyntaxStage

    JudgeServer = Callable[[ServerFacts], Unusable | None]


def build_engine(settings: Settings, ctx: Context) -> FlywayEngine:
    """Return the engine; relative locations start from the current directory unless told.

    Raises:
        ConfigError: There is no such directory any more.
    """
    directory = settings.migrations.sources.working_directory or _current_directory()
    return FlywayEngine(settings.migrations, ctx.clock.now(), directory)


def _current_directory() -> str:
    try:
        return os.getcwd()  # noqa: PTH109 - text is what the engine takes
    except FileNotFoundError as error:
        gone = "the current directory is not there any more"
        hint = "Change into one that is there, or set FLYWAY_WORKING_DIRECTORY."
        raise ConfigError((gone,), hint) from error


def build_connect(settings: Settings) -> Connect:
    """Return how every session of the run is opened."""
    init_sql = settings.migrations.execution.init_sql
    if not init_sql:
        return connect
    from hook.postgres.init_sql import connect_with  # noqa: PLC0415 - rarely set

    return connect_with(init_sql)


def build_wait(settings: Settings, judge: JudgeServer = judge_usable) -> WaitStage:
    """Return the stage that reaches a database of which *judge* thinks well.

    Raises:
        ConfigError: No database is configured.
    """
    database = settings.database
    return WaitStage(
        target=database.require_target(),
        connect=build_connect(settings),
        wait_timeout=database.wait_timeout,
        expectations=Expectations(database.expect_database, database.expect_system_id),
        judge=judge,
    )


def build_scripts(
    settings: Settings, engine: FlywayEngine, facts: ServerFacts | None
) -> ScriptsStage:
    """Return the stage that reads the pending scripts."""
    from hook.stages.scripts import ScriptsStage  # noqa: PLC0415 - not for a no-op run

    execution, pending = settings.migrations.execution, engine.pending_scripts(facts)
    return ScriptsStage(
        pending.read,
        pending.cut,
        pending.place,
        execution.is_mixed_allowed,
        grouping_of(settings),
        execution.records_only,
        build_catalog(engine, facts),
    )


def build_catalog(engine: FlywayEngine, facts: ServerFacts | None) -> Catalog:
    """Return where the relations of scripts are looked for."""
    from hook.postgres.partitions import Catalog  # noqa: PLC0415 - not for a no-op run

    if facts is None:
        return Catalog()
    return Catalog(facts.version_num, engine.history_schema(facts))


def grouping_of(settings: Settings) -> Grouping:
    """Return which pending scripts share a transaction."""
    from hook.core.execution.group import Grouping  # noqa: PLC0415 - not for a no-op run

    return Grouping.ALL if settings.migrations.execution.is_grouped else Grouping.EACH


def build_callbacks(
    settings: Settings, engine: FlywayEngine, facts: ServerFacts | None, command: str
) -> CallbacksStage:
    """Return the stage that reads the callbacks of *command*."""
    from hook.stages.callbacks import CallbacksStage  # noqa: PLC0415 - many releases have none

    allows_mixed = settings.migrations.execution.is_mixed_allowed
    catalog = build_catalog(engine, facts)
    return CallbacksStage(
        command, lambda item: engine.read_script(item, facts), allows_mixed, catalog
    )


def build_callback_rules(settings: Settings, engine: Engine) -> CallbackRules:
    """Return how callbacks are run.

    Raises:
        ConfigError: No database is configured.
    """
    from hook.bootstrap.watching import build_retry_gate, build_watch  # noqa: PLC0415 - many releases have none
    from hook.pipeline.recovery import reach_same_cluster  # noqa: PLC0415 - likewise
    from hook.stages.callbacks.running import CallbackRules  # noqa: PLC0415 - likewise

    wait, run = build_wait(settings), settings.run

    def connect(ctx: Context, facts: ServerFacts) -> tuple[Session, ServerFacts]:
        return reach_same_cluster(wait, ctx, facts)

    watch = build_watch(settings, build_connect(settings))
    gate = build_retry_gate(settings)
    return CallbackRules(engine, connect, run.lock_ladder, run.statement_timeout, watch, gate)


def build_syntax(engine: FlywayEngine, facts: ServerFacts) -> SyntaxStage:
    """Return the stage that has the server parse the pending scripts."""
    from hook.stages.syntax import SyntaxStage  # noqa: PLC0415 - not for a no-op run

    return SyntaxStage(engine.pending_scripts(facts).body)


def build_looking(settings: Settings, engine: FlywayEngine) -> Reading:
    """Return the stages of a command that writes nothing: its role may be kept from writing.

    Raises:
        ConfigError: No database is configured.
    """
    return build_reading(settings, engine, judge_primary)


def build_reading(
    settings: Settings, engine: FlywayEngine, judge: JudgeServer = judge_usable
) -> Reading:
    """Return the stages that look, in a database of which *judge* thinks well.

    Raises:
        ConfigError: No database is configured.
    """
    return Reading(
        wait=build_wait(settings, judge),
        resolve=ResolveStage(engine),
        history=HistoryStage(engine),
        scripts=lambda facts: build_scripts(settings, engine, facts),
        callbacks=lambda facts, command: build_callbacks(settings, engine, facts, command),
        callback_rules=lambda: build_callback_rules(settings, engine),
        syntax=lambda facts: build_syntax(engine, facts),
        verify=VerifyStage(engine),
    )
