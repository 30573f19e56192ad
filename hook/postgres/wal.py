"""Read where the server stands in its write-ahead log, and how its archiving goes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from hook.core.backups.archive import Archiver, Checkpoint, ServerWal
from hook.core.backups.wal import parse_lsn
from hook.postgres.queries import load_query

if TYPE_CHECKING:
    from hook.postgres.session import Session


def fetch_server_wal(session: Session) -> ServerWal:
    """Return the position and the archiver of *session*'s server, in one to three round trips.

    What the role may not see is none, never a guess.

    Raises:
        HookError: As `Session.fetch` says.
    """
    (
        segment_size, timeline, position, epoch, mode, wal_level, has_destination,
        last_archived, archived_epoch, last_failed, failed_epoch, failures, reset_epoch,
        next_xid, sees_checkpoint, sees_queue,
    ) = session.fetch(load_query("server_wal"))[0]  # fmt: skip
    queue, waiting_epoch = (
        session.fetch(load_query("archive_queue"))[0] if sees_queue else (None,) * 2
    )
    return ServerWal(
        segment_size=segment_size,
        timeline=int(timeline, 16),
        position=parse_lsn(position),
        time=datetime.fromtimestamp(epoch, UTC),
        archiver=Archiver(
            mode=mode,
            wal_level=wal_level,
            has_destination=has_destination,
            last_archived=last_archived,
            last_archived_at=_instant(archived_epoch),
            last_failed=last_failed,
            last_failed_at=_instant(failed_epoch),
            failures=failures,
            statistics_since=_instant(reset_epoch),
            queue=queue,
            waiting_since=_instant(waiting_epoch),
        ),
        checkpoint=_fetch_checkpoint(session, next_xid) if sees_checkpoint else None,
    )


def _fetch_checkpoint(session: Session, next_xid: int) -> Checkpoint:
    """Return the last checkpoint; *next_xid* is the next transaction's number by now.

    A transaction gets a number with its first change, so an unmoved counter, with nobody
    at work when the checkpoint began, means that nothing was changed.
    """
    redo, checkpoint_xid, oldest_active, seconds = session.fetch(load_query("checkpoint"))[0]
    epoch, _, number = checkpoint_xid.partition(":")
    is_unmoved = int(epoch) * 2**32 + int(number) == next_xid and oldest_active == number
    return Checkpoint(parse_lsn(redo), is_unmoved, timedelta(seconds=seconds))


def _instant(epoch: float | None) -> datetime | None:
    return None if epoch is None else datetime.fromtimestamp(epoch, UTC)
