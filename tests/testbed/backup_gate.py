"""The backup stage on a repository, run as the pipeline would run it."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hook.catalogs.opening import Access, Catalogs, open_catalogs
from hook.clock import Deadline, Interrupt, SystemClock
from hook.core.backups.origin import ServerIdentity
from hook.core.outcome import Finding
from hook.demo.repository import STANZA
from hook.settings.backup_source import S3Settings, parse_backup_source
from hook.stages import Context
from hook.stages.backup import BackupStage
from tests.fakes import FakeEvents
from tests.testbed.pgbackrest_repository import SYSTEM_IDENTIFIER, Repository

_TIMEOUT = timedelta(seconds=30)


@contextlib.contextmanager
def running_context(span: timedelta = timedelta(minutes=5)) -> Iterator[Context]:
    """Yield a context on the machine's clock whose run ends after *span*."""
    interrupt = Interrupt()
    clock = SystemClock(interrupt)
    try:
        deadline = Deadline.after(clock, span, "PRESYNC_DEADLINE")
        yield Context(clock, deadline, interrupt, FakeEvents(), "r1")
    finally:
        interrupt.close()


def ignore(_found: object) -> None:
    """Take no notice of what a stage found, besides its findings."""


def run_gate(
    url: str,
    settings: S3Settings,
    stanza: str = STANZA,
    timeout: timedelta = _TIMEOUT,
    meanwhile: Callable[[], object] = tuple,
) -> tuple[Finding, ...]:
    """Return what the gate finds in the pgBackRest repository at *url*, limit 24 h."""
    access = Access(settings, stanza)
    return judge_source(
        f"pgbackrest:{url}", access, SYSTEM_IDENTIFIER, timeout, meanwhile=meanwhile
    )


def judge_source(
    source: str,
    access: Access,
    system_identifier: str,
    timeout: timedelta = _TIMEOUT,
    database: str = "",
    meanwhile: Callable[[], object] = tuple,
) -> tuple[Finding, ...]:
    """Return what the gate finds in *source* for a database of that cluster, limit 24 h.

    *meanwhile* runs between the beginning of the reading and the wait for its end.
    """
    catalogs = open_catalogs(parse_backup_source(source), access)
    identity = ServerIdentity(system_identifier, database=database)
    return judge_catalogs(catalogs, identity, timeout, meanwhile)


def judge_catalogs(
    catalogs: Catalogs,
    identity: ServerIdentity,
    timeout: timedelta = _TIMEOUT,
    meanwhile: Callable[[], object] = tuple,
) -> tuple[Finding, ...]:
    """Return what the gate finds in *catalogs* for the database *identity*, limit 24 h."""
    stage = BackupStage(catalogs.backups, timedelta(hours=24), timeout, catalogs.progress)
    with running_context() as ctx:
        finish = stage.start(ctx, identity, ignore)
        meanwhile()
        return finish()


def fresh_repository(root: Path) -> Repository:
    """Put the recorded repository there, its newest backup nineteen minutes old.

    The content of its segments was not recorded; they are given some.
    """
    repository = Repository.copy_to(root)
    repository.fill_wal()
    repository.stop_newest_at(datetime.now(UTC) - timedelta(minutes=19))
    return repository
