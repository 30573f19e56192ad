"""The gates over a repository of which the names were kept, with a body of its info files only.

Each way to damage it, and the verdict, was measured with a real server of S3.
"""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hook.catalogs import BackupCatalog
from hook.catalogs.opening import Access, open_catalogs
from hook.core.backups.archive import Archiver, ServerWal
from hook.core.backups.archive_judgement import judge_archive
from hook.core.backups.freshness import usable_backup
from hook.core.backups.origin import ServerIdentity
from hook.core.backups.usability import FreshnessPolicy
from hook.core.backups.wal import Recovery, parse_lsn, parse_segment
from hook.core.outcome import Status, deciding_finding
from hook.demo.repository import STANZA
from hook.errors import ExitCode
from hook.settings.backup_source import parse_backup_source
from tests.contract.conftest import Place
from tests.contract.pgbackrest_cases import CASES
from tests.testbed.backup_gate import run_gate
from tests.testbed.pgbackrest_repository import SYSTEM_IDENTIFIER, Repository

SIZE = 2**24
OK, REFUSED, UNKNOWN = ExitCode.OK, ExitCode.NO_WAY_BACK, ExitCode.UNKNOWN_BACKUP
# What the backup gate answers, and what is to be said of the WAL where it finds a backup.
ROWS = {
    "good": (OK, "24 segments without a hole"),
    "empty-place": (REFUSED, ""),
    "truncated-info-good-copy": (OK, "24 segments without a hole"),
    "both-truncated": (UNKNOWN, ""),
    "zero-bytes-info": (UNKNOWN, ""),
    "html-error-page": (UNKNOWN, ""),
    "no-backups-listed": (REFUSED, ""),
    "wal-gap-is-another-criterion": (OK, "00000001000000000000002E is not in"),
    "wal-needed-missing-is-another-criterion": (OK, "the backup itself cannot be restored"),
    "manifest-deleted-by-lifecycle": (REFUSED, ""),
    "full-expired-incr-left": (REFUSED, ""),
    "future-times": (REFUSED, ""),
    "only-errored": (REFUSED, ""),
    "in-progress-dir": (OK, "24 segments without a hole"),
    "pg-upgraded-stanza": (REFUSED, ""),
}


def _names_alone(root: Path) -> Repository:
    """Put the repository there, with no content but that of its info files."""
    repository = Repository.copy_to(root)
    for data in [*repository.stanza.glob("*/bundle"), *repository.stanza.glob("*/pg_data")]:
        shutil.rmtree(data)
    for path in repository.stanza.glob("*/backup.manifest*"):
        path.write_bytes(b"")
    assert sum(1 for path in root.rglob("*") if path.is_file() and path.stat().st_size) == 4
    repository.stop_newest_at(datetime.now(UTC) - timedelta(minutes=19))
    return repository


def _judge_wal(place: Place) -> tuple[ExitCode, str]:
    """Return what is made of the WAL from the usable backup to a server behind its end."""
    catalogs = open_catalogs(
        parse_backup_source(f"pgbackrest:{place.url}"), Access(place.settings, STANZA)
    )
    now = datetime.now(UTC)
    recovery = _recovery(catalogs.backups, now)
    assert catalogs.wal is not None
    archiver = Archiver("on", "replica", has_destination=True, last_archived_at=now, queue=0)
    server = ServerWal(SIZE, 1, 0x3D * SIZE + 4096, now, archiver)
    evidence = catalogs.wal.read_archive(recovery)
    judged = judge_archive(evidence, server, timedelta(minutes=15), SYSTEM_IDENTIFIER)
    decisive = deciding_finding(judged.findings)
    return (OK if decisive is None else decisive.code or OK), judged.way.message


def _recovery(backups: BackupCatalog | None, now: datetime) -> Recovery:
    assert backups is not None
    policy = FreshnessPolicy(timedelta(hours=24), ServerIdentity(SYSTEM_IDENTIFIER))
    backup = usable_backup(backups.read_evidence(), policy, now)
    assert backup is not None
    start = parse_segment(backup.wal_start or "", SIZE)
    current = parse_segment("00000001000000000000003D", SIZE)
    assert start is not None
    assert current is not None
    return Recovery(start, parse_lsn(backup.lsn_stop or ""), current, SIZE)


@pytest.mark.parametrize("place", ["directory", "s3"], indirect=True)
@pytest.mark.parametrize("name", ROWS)
def test_damage_has_the_verdict_that_was_measured(place: Place, name: str) -> None:
    """Names alone are enough to refuse, and what they do not show is said."""
    (case,) = (case for case in CASES if case.name == name)
    case.make(_names_alone(place.root))
    findings = run_gate(place.url, place.settings)
    decisive = deciding_finding(findings)
    code, told = ROWS[name]
    assert (OK if decisive is None else decisive.code) is code
    if code is not OK:
        return
    (passed,) = (item for item in findings if item.status is Status.PASSED)
    assert passed.message.endswith("so that nothing behind it could be looked for")
    wal_code, way = _judge_wal(place)
    assert wal_code is (OK if "without a hole" in told else REFUSED)
    assert told in way
