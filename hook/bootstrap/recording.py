"""Builds what puts a run on record in the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.bootstrap.reading import build_connect
from hook.pipeline.record import Record
from hook.settings.words import NO_LEDGER
from hook.stages.ledger import LedgerStage

if TYPE_CHECKING:
    from hook.core.reporting.wording import Wording
    from hook.settings import Settings


def build_record(settings: Settings, wording: Wording) -> Record | None:
    """Return who writes the ledger, none when no ledger is wanted."""
    ledger = settings.migrations.history.ledger
    if ledger == NO_LEDGER:
        return None
    stage = LedgerStage(settings.database.require_target(), build_connect(settings), ledger)
    return Record(stage, wording, settings.output.actor._asdict())
