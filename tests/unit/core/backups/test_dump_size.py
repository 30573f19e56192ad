"""Whether a dump is large enough for the database that it is of."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hook.core.backups.backup import Backup, BackupType
from hook.core.backups.dump_size import doubt_dump_size
from hook.core.outcome import Status

MIB = 2**20
NOW = datetime(2026, 11, 29, tzinfo=UTC)


def _dump(size: int | None) -> Backup:
    return Backup("shop.dump", BackupType.DUMP, NOW, NOW, error=False, size=size)


@pytest.mark.parametrize(
    ("size", "database"),
    [(MIB, 1000 * MIB), (1, 100 * MIB - 1), (None, 1000 * MIB), (2_000, 8 * MIB)],
)
def test_dump_that_may_be_whole_is_not_doubted(size: int | None, database: int) -> None:
    """A thousandth is little, and of a small database nothing can be said."""
    assert doubt_dump_size(_dump(size), database) is None


def test_dump_of_nearly_nothing_is_told_with_both_sizes() -> None:
    """It may be the first, with nothing to compare it with but the database."""
    doubt = doubt_dump_size(_dump(MIB - 1), 1000 * MIB)
    assert doubt is not None
    assert doubt.reason == "has 1048575 bytes, less than a thousandth of the database (1000 MiB)"
    finding = doubt.finding
    assert (finding.status, finding.rule) == (Status.WARNED, "backup-size")
    assert finding.message == f"shop.dump {doubt.reason}"
    assert finding.hint
    assert finding.facts == {
        "label": "shop.dump",
        "size": MIB - 1,
        "database_size": 1000 * MIB,
    }
