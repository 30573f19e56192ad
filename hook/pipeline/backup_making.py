"""Has a backup made while the migration lock is held, and looks around afterwards.

The lock is kept: two releases at a time would make two backups, and a history that was
read under the lock stays what it was. Another migrator that waits meanwhile gives up after
its own patience (31) and may try again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from hook.errors import MigrationLocked
from hook.postgres.database_size import fetch_database_size
from hook.stages import Outcome

if TYPE_CHECKING:
    from hook.pipeline.ground import Ground
    from hook.stages.trigger import TriggerStage


def make_backup(ground: Ground, stage: TriggerStage) -> None:
    """Have a backup made; whether it is one, the gates judge afterwards.

    Raises:
        Stopped: None could be begun, or the run lost what it stands on meanwhile.
    """
    ctx, pending = ground.journal.ctx, ground.read.plan.pending

    def ask_both() -> Outcome[None]:
        if ground.lock is not None:
            ground.lock.confirm()
        ground.read.session.fetch("SELECT 1")
        return Outcome((), None)

    def keep_alive() -> None:
        ground.firmly(ask_both)

    size = ground.quietly("trigger", lambda read: fetch_database_size(read.session))
    ground.journal.stage("trigger", lambda: stage.run(ctx, size, keep_alive))
    ground.journal.quietly("trigger", keep_alive)
    if ground.look_again().plan.pending != pending:
        ground.journal.quietly("trigger", _refuse_changes)


def _refuse_changes() -> NoReturn:
    """Stop a run whose plan is no longer what the gates judged."""
    raise MigrationLocked(
        "the schema history was changed while the backup was made, past the migration lock",
        "Find out who migrates without the lock, then run again.",
    )
