"""The backup stage: what it makes of a catalog that answers, fails, hangs or is not there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from hook.core.backups.backup import Backup, BackupType, Evidence, Presence
from hook.core.backups.freshness import Freshness
from hook.core.backups.origin import Origin, ServerIdentity
from hook.core.outcome import Finding, Status
from hook.errors import (
    BackupSourceMissing,
    BackupUnknown,
    BudgetExceeded,
    ExitCode,
    HookError,
    Interrupted,
)
from hook.stages import Context
from hook.stages.backup import BackupStage, NoBackupSource
from tests.testbed.backup_gate import ignore, running_context

DAY = timedelta(hours=24)
CLUSTER = "42"
SERVER = ServerIdentity(CLUSTER)


@dataclass(frozen=True, slots=True)
class FakeCatalog:
    """A `BackupCatalog` that does what a test says."""

    read: Callable[[], Evidence]

    def describe(self) -> str:
        """Name the fake."""
        return "the fake catalog"

    def read_evidence(self) -> Evidence:
        """Do what the test says."""
        return self.read()


def _evidence() -> Evidence:
    stopped_at = datetime.now(UTC) - timedelta(hours=2)
    backup = Backup(
        "a", BackupType.FULL, stopped_at, stopped_at, error=False, presence=Presence.COMPLETE
    )
    return Evidence(
        "the fake catalog", (backup,), "mark", "command", "full command", Origin(CLUSTER)
    )


def _raising(error: HookError) -> FakeCatalog:
    def read() -> Evidence:
        raise error

    return FakeCatalog(read)


def _judge(
    stage: BackupStage, ctx: Context, server: ServerIdentity = SERVER
) -> tuple[Finding, ...]:
    return stage.start(ctx, server, ignore)()


def test_stage_judges_what_the_catalog_read() -> None:
    """A fresh backup of the right cluster passes, with its age on the clock of the run."""
    with running_context() as ctx:
        (finding,) = _judge(BackupStage(FakeCatalog(_evidence), DAY), ctx)
    assert (finding.status, finding.rule) == (Status.PASSED, "backup-age")
    assert "stopped 2h ago" in finding.message.replace(" 1s", "")


def test_stage_hands_on_its_limits_and_the_servers_identifier() -> None:
    """Maximum age and cluster come from the stage and the caller, not from the evidence."""
    with running_context() as ctx:
        (stale,) = BackupStage(FakeCatalog(_evidence), timedelta(hours=1)).start(
            ctx, SERVER, ignore
        )()
        (foreign,) = BackupStage(FakeCatalog(_evidence), DAY).start(
            ctx, ServerIdentity("43"), ignore
        )()
    assert (stale.code, stale.rule) == (ExitCode.NO_WAY_BACK, "backup-age")
    assert (foreign.code, foreign.rule) == (ExitCode.NO_WAY_BACK, "backup-cluster")


def test_stage_says_that_nobody_wants_a_backup() -> None:
    """The deliberate absence of backups is a warning on every run."""
    with running_context() as ctx:
        (finding,) = _judge(BackupStage(None, DAY), ctx)
    assert (finding.status, finding.code) == (Status.WARNED, ExitCode.OK)
    assert finding.message == "no backup is required by PRESYNC_BACKUP_SOURCE=none"


def test_unnamed_source_is_refused_whether_or_not_something_is_pending() -> None:
    """`check` judges it as well, so that the sentence is true in both cases."""
    with running_context() as ctx:
        (finding,) = NoBackupSource().start(ctx, SERVER, ignore)()
    assert finding.code is ExitCode.CONFIG
    assert finding.message == "nothing can prove a way back: PRESYNC_BACKUP_SOURCE is not set"


def test_stage_refuses_when_the_source_is_not_there() -> None:
    """A missing bucket or stanza is a refusal with code 18."""
    catalog = _raising(BackupSourceMissing("there is no bucket shop", "Correct it."))
    with running_context() as ctx:
        (finding,) = _judge(BackupStage(catalog, DAY), ctx)
    assert (finding.status, finding.code) == (Status.FAILED, ExitCode.NO_WAY_BACK)
    assert (finding.message, finding.hint) == ("there is no bucket shop", "Correct it.")


def test_stage_notes_what_it_made_of_the_backups() -> None:
    """The very judgement that its findings are of; where nothing was read, nothing."""
    noted: list[Freshness] = []
    with running_context() as ctx:
        stage = BackupStage(FakeCatalog(_evidence), DAY)
        findings = stage.start(ctx, SERVER, noted.append)()
        unread = BackupStage(_raising(BackupUnknown("no", "Look.")), DAY)
        unread.start(ctx, SERVER, noted.append)()
    (freshness,) = noted
    assert freshness.findings == findings
    assert [item.backup.label for item in freshness.judged] == ["a"]


def test_stage_does_not_take_unreadable_for_missing() -> None:
    """What could not be read is unknown, with code 34."""
    with running_context() as ctx:
        (finding,) = BackupStage(_raising(BackupUnknown("no", "Look.")), DAY).start(
            ctx, SERVER, ignore
        )()
    assert (finding.status, finding.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)
    assert (finding.rule, finding.hint) == ("backup-unknown", "Look.")


@pytest.fixture
def hanging() -> FakeCatalog:
    """Return a catalog that answers a minute later, if at all."""
    never = threading.Event()

    def read() -> Evidence:
        never.wait(60)
        return _evidence()

    return FakeCatalog(read)


def test_stage_leaves_a_catalog_that_hangs(hanging: FakeCatalog) -> None:
    """The stage's own timeout ends the reading and names what hung."""
    stage = BackupStage(hanging, DAY, timeout=timedelta(milliseconds=50))
    with running_context() as ctx:
        (finding,) = _judge(stage, ctx)
    assert (finding.status, finding.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)
    assert finding.message == "the fake catalog did not answer within 0.05s"


def test_stage_gives_way_to_the_deadline_of_the_run(hanging: FakeCatalog) -> None:
    """When the run's time ends first, that is what is told."""
    with (
        running_context(timedelta(milliseconds=50)) as ctx,
        pytest.raises(BudgetExceeded, match="PRESYNC_DEADLINE"),
    ):
        _judge(BackupStage(hanging, DAY), ctx)


# The interruption leaves a socket of the abandoned thread's to the garbage collector.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_stage_ends_with_a_stop_request(hanging: FakeCatalog) -> None:
    """SIGTERM does not wait for a storage that hangs."""
    with running_context() as ctx:
        ctx.interrupt.set("SIGTERM")
        with pytest.raises(Interrupted):
            _judge(BackupStage(hanging, DAY), ctx)
