"""The archive gate of a managed service: what it makes of an answer, a failure, a silence."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from hook.core.backups.backup import Evidence, RestoreWindow
from hook.core.backups.origin import Origin, ServerIdentity
from hook.core.outcome import Finding, Status
from hook.errors import BackupSourceMissing, BackupUnknown, BudgetExceeded, ExitCode, HookError
from hook.stages.restore_window import RestoreWindowStage
from tests.testbed.backup_gate import ignore, running_context

SERVER = ServerIdentity(None, "shop.example.com", "shop")
LIMIT = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class FakeCatalog:
    """A `BackupCatalog` that does what a test says."""

    read: Callable[[], Evidence]

    def describe(self) -> str:
        """Name the fake."""
        return "the fake service"

    def read_evidence(self) -> Evidence:
        """Do what the test says."""
        return self.read()


def _evidence() -> Evidence:
    window = RestoreWindow(7, datetime.now(UTC) - timedelta(minutes=2))
    origin = Origin(hosts=("shop.example.com",))
    return Evidence("the fake service", (), "mark", "command", "command", origin, window=window)


def _raising(error: HookError) -> Callable[[], Evidence]:
    def read() -> Evidence:
        raise error

    return read


def _ask(
    read: Callable[[], Evidence],
    timeout: timedelta = timedelta(seconds=30),
    run: timedelta = timedelta(minutes=5),
) -> Finding:
    stage = RestoreWindowStage(FakeCatalog(read), LIMIT, timeout)
    with running_context(run) as ctx:
        (finding,) = stage.start(ctx, None, SERVER, ignore)()
    return finding


def test_stage_judges_what_the_service_tells() -> None:
    """The limit comes from the settings, the window from the service."""
    finding = _ask(_evidence)
    assert (finding.status, finding.rule) == (Status.PASSED, "restore-window")
    assert finding.facts["max_lag_ms"] == 900_000


def test_stage_tells_missing_from_unreadable() -> None:
    """What is not there is refused; what could not be read is unknown."""
    missing = _ask(_raising(BackupSourceMissing("there is none", "Correct it.")))
    assert (missing.status, missing.code) == (Status.FAILED, ExitCode.NO_WAY_BACK)
    unread = _ask(_raising(BackupUnknown("denied", "Allow it.")))
    assert (unread.status, unread.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)


@pytest.fixture
def hang() -> Callable[[], Evidence]:
    """Return a reading that ends a minute later, if at all."""
    never = threading.Event()

    def read() -> Evidence:
        never.wait(60)
        return _evidence()

    return read


def test_stage_leaves_a_service_that_hangs(hang: Callable[[], Evidence]) -> None:
    """The stage's own timeout ends the reading and names what hung."""
    finding = _ask(hang, timeout=timedelta(milliseconds=50))
    assert (finding.status, finding.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)
    assert finding.message == "the fake service did not tell its restore window within 0.05s"


def test_stage_gives_way_to_the_deadline_of_the_run(hang: Callable[[], Evidence]) -> None:
    """When the run's time ends first, that is what is told."""
    with pytest.raises(BudgetExceeded, match="PRESYNC_DEADLINE"):
        _ask(hang, run=timedelta(milliseconds=50))
