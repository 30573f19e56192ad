"""Builds the half of a run that looks and changes nothing."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from hook.core.expectations import Expectations
from hook.engines.flyway.engine import FlywayEngine
from hook.pipeline.reading import Reading
from hook.postgres.session import connect
from hook.stages.history import HistoryStage
from hook.stages.resolve import ResolveStage
from hook.stages.verify import VerifyStage
from hook.stages.wait import WaitStage

if TYPE_CHECKING:
    from hook.core.server import ServerFacts
    from hook.settings import Settings
    from hook.stages import Context
    from hook.stages.scripts import ScriptsStage


def build_engine(settings: Settings, ctx: Context) -> FlywayEngine:
    """Return the engine; relative locations start from the current directory."""
    return FlywayEngine(settings.migrations, ctx.clock.now(), os.getcwd())


def build_wait(settings: Settings) -> WaitStage:
    """Return the stage that reaches the database.

    Raises:
        ConfigError: No database is configured.
    """
    database = settings.database
    return WaitStage(
        target=database.require_target(),
        connect=connect,
        wait_timeout=database.wait_timeout,
        expectations=Expectations(database.expect_database, database.expect_system_id),
    )


def build_scripts(
    settings: Settings, engine: FlywayEngine, facts: ServerFacts | None
) -> ScriptsStage:
    """Return the stage that reads the pending scripts."""
    from hook.stages.scripts import ScriptsStage  # noqa: PLC0415 - not for a no-op run

    allows_mixed = settings.migrations.execution.is_mixed_allowed
    return ScriptsStage(lambda item: engine.read_script(item, facts), allows_mixed)


def build_reading(settings: Settings, engine: FlywayEngine) -> Reading:
    """Return the stages that look.

    Raises:
        ConfigError: No database is configured.
    """
    return Reading(
        wait=build_wait(settings),
        resolve=ResolveStage(engine),
        history=HistoryStage(engine),
        scripts=lambda facts: build_scripts(settings, engine, facts),
        verify=VerifyStage(engine),
    )
