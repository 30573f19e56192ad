"""What every attempt at a migration is held to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from hook.postgres.retry_gate import NO_GATE, RetryGate
from hook.stages import Unwatched, Watch

if TYPE_CHECKING:
    from hook.core.execution.callback_book import EachCallbacks


@dataclass(frozen=True, slots=True)
class Rules:
    """How often to try, and how long each attempt waits.

    Attributes:
        ladder: ``lock_timeout`` of each attempt.
        statement_timeout: For each statement.
        each: Callbacks that run with each migration, none when there are none.
        watch: Sees whom the attempts harm.
        gate: Asked before each further attempt.
    """

    ladder: Sequence[timedelta]
    statement_timeout: timedelta
    each: EachCallbacks | None = None
    watch: Watch = field(default_factory=Unwatched)
    gate: RetryGate = NO_GATE
