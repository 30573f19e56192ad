"""Has a backup made while the migration lock is held, and looks around afterwards.

The lock is kept: two releases at a time would make two backups, and a history that was
read under the lock stays what it was. Another migrator that waits meanwhile gives up after
its own patience (31) and may try again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.errors import MigrationLocked
from hook.postgres.database_size import fetch_database_size

if TYPE_CHECKING:
    from hook.pipeline.journal import Journal
    from hook.pipeline.reading import Read, Reading
    from hook.postgres.lock import MigrationLock
    from hook.stages.trigger import TriggerStage


def make_backup(
    journal: Journal, reading: Reading, stage: TriggerStage, read: Read, lock: MigrationLock
) -> None:
    """Have a backup made; whether it is one, the gates judge afterwards.

    Raises:
        Stopped: None could be begun, or the run lost what it stands on meanwhile.
    """

    def keep_alive() -> None:
        lock.confirm()
        read.session.fetch("SELECT 1")

    size = journal.quietly("trigger", lambda: fetch_database_size(read.session))
    journal.stage("trigger", lambda: stage.run(journal.ctx, size, keep_alive))
    journal.quietly("trigger", keep_alive)
    _refuse_changes(journal, reading, read)


def _refuse_changes(journal: Journal, reading: Reading, read: Read) -> None:
    """Stop a run whose plan is no longer what the gates judged."""
    if reading.look_again(journal, read).plan.pending == read.plan.pending:
        return

    def refuse() -> None:
        raise MigrationLocked(
            "the schema history was changed while the backup was made, past the migration lock",
            "Find out who migrates without the lock, then run again.",
        )

    journal.quietly("trigger", refuse)
