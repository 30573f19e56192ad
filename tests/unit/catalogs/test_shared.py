"""A catalog that several gates ask at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest

from hook.catalogs.shared import SharedCatalog, SharedWalCatalog
from hook.core.backups.archive import ArchiveEvidence
from hook.core.backups.backup import Evidence
from hook.core.backups.origin import Origin
from hook.core.backups.wal import Recovery, Segment
from hook.errors import BackupUnknown

EVIDENCE = Evidence("the fake catalog", (), "mark", "command", "full", Origin("42"))
RECOVERY = Recovery(Segment(1, 1), 0, Segment(1, 1), 2**24)


@dataclass(slots=True)
class CountingCatalog:
    """A `WalCatalog` that counts, and answers when it may."""

    error: BackupUnknown | None = None
    may_answer: threading.Event = field(default_factory=threading.Event)
    readings: int = 0

    def describe(self) -> str:
        """Name the fake."""
        return "the fake catalog"

    def read_evidence(self) -> Evidence:
        """Count, wait, and answer or fail."""
        self.readings += 1
        self.may_answer.wait(30)
        if self.error:
            raise self.error
        return EVIDENCE

    def read_archive(self, recovery: Recovery) -> ArchiveEvidence:
        """Return an empty archive."""
        return ArchiveEvidence("the fake catalog", recovery, "42")

    def has_segment(self, name: str) -> bool:
        """Tell that only one segment is there."""
        return name == "there"


def test_evidence_is_read_once_for_all() -> None:
    """Who comes while it is being read waits for the same answer."""
    catalog = CountingCatalog()
    shared = SharedCatalog(catalog)
    with ThreadPoolExecutor(2) as pool:
        first, second = (pool.submit(shared.read_evidence) for _ in range(2))
        catalog.may_answer.set()
        assert first.result(30) is second.result(30) is EVIDENCE
    assert catalog.readings == 1


def test_failure_is_every_gates_failure() -> None:
    """It is not tried again within one run: the time is short."""
    error = BackupUnknown("no answer")
    catalog = CountingCatalog(error)
    catalog.may_answer.set()
    shared = SharedCatalog(catalog)
    for _ in range(2):
        with pytest.raises(BackupUnknown) as caught:
            shared.read_evidence()
        assert caught.value is error
    assert catalog.readings == 1


def test_rest_is_the_catalogs_own() -> None:
    """Description, archive and single segments are handed through."""
    shared = SharedWalCatalog(CountingCatalog())
    assert shared.describe() == "the fake catalog"
    assert shared.read_archive(RECOVERY).recovery is RECOVERY
    assert shared.has_segment("there")
    assert not shared.has_segment("not there")
