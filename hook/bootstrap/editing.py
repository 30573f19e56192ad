"""Builds what the commands need that edit the schema history."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.bootstrap.locking import build_lock
from hook.bootstrap.reading import build_reading
from hook.bootstrap.recording import build_record
from hook.core.scripts.events import AROUND_BASELINE, AROUND_BASELINE_AND_SCHEMAS
from hook.engines.flyway.editing import FlywayEditor
from hook.pipeline.maintenance import Editing

if TYPE_CHECKING:
    from hook.core.reporting.wording import Wording
    from hook.core.schema_history.orders import Orders
    from hook.engines.flyway.engine import FlywayEngine
    from hook.settings import Settings


def build_editor(settings: Settings) -> FlywayEditor:
    """Return what plans and makes the changes."""
    return FlywayEditor(settings.migrations)


def build_editing(
    settings: Settings,
    engine: FlywayEngine,
    editor: FlywayEditor,
    orders: Orders,
    wording: Wording,
) -> Editing:
    """Return the stages around an edit.

    Raises:
        ConfigError: No database is configured.
    """
    creates_schemas = settings.migrations.history.creates_schemas
    return Editing(
        reading=build_reading(settings, engine),
        lock=build_lock(settings),
        editor=editor,
        orders=orders,
        record=build_record(settings, wording),
        around_baseline=AROUND_BASELINE_AND_SCHEMAS if creates_schemas else AROUND_BASELINE,
    )
