"""How the gates come to see a backup system in a state that the contract speaks of."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hook.catalogs.opening import Access, open_catalogs
from hook.core.backups.archive import Archiver, ServerWal
from hook.core.backups.archive_judgement import judge_archive
from hook.core.backups.wal import Recovery, Segment
from hook.core.outcome import Finding, Status, from_error
from hook.demo.repository import STANZA
from hook.errors import BackupSourceMissing, BackupUnknown
from hook.settings.backup_source import RdsKind, S3Settings, parse_backup_source
from tests.contract import barman_cases, dump_cases, pgbackrest_cases, rds_cases, walg_cases
from tests.contract.contract import ArchiveLine, Line, Meaningless
from tests.contract.test_commands import CASES as COMMAND_CASES
from tests.contract.test_rds import gate as judge_account
from tests.contract.test_rds import window_gate
from tests.contract.verdict import Case
from tests.testbed import barman_server, pgbackrest_repository, walg_repository
from tests.testbed.backup_gate import fresh_repository, judge_source
from tests.testbed.barman_server import fresh_server
from tests.testbed.dump_place import DumpPlace
from tests.testbed.rds_account import RdsAccount
from tests.testbed.told_backups import Document, edited, printing
from tests.testbed.walg_repository import fresh_prefix

_SIZE = 2**24
_LIMIT = timedelta(minutes=15)

Findings = tuple[Finding, ...]
Damage = Callable[[Path], object]
Cells = Mapping[Line, str | Meaningless]
ArchiveCells = Mapping[ArchiveLine, Damage | str | Meaningless]


@dataclass(frozen=True, slots=True)
class System:
    """One backup system.

    Attributes:
        judge: Makes a good place in a folder, has the case of a name change it, and asks the
            backup gate.
        lines: The name of the case that each line is.
        judge_archive: The same for the archive gate, the name or what does the damage given.
        archive: What each line of the archive is.
    """

    judge: Callable[[Path, str], Findings]
    lines: Cells
    judge_archive: Callable[[Path, ArchiveLine, Any], Findings]
    archive: ArchiveCells


def _made(cases: Iterable[Case[Any]], name: str, place: Any) -> Any:
    (case,) = (case for case in cases if case.name == name)
    return case.make(place)


def _position(recovery: Recovery, line: ArchiveLine) -> ServerWal:
    """Return a server that writes on where *recovery* ends, or has left the archive behind."""
    now = datetime.now(UTC)
    archiver = Archiver("on", "replica", has_destination=True, last_archived_at=now, queue=0)
    if line is ArchiveLine.BEHIND:
        archiver = archiver._replace(queue=3, waiting_since=now - timedelta(hours=1))
    return ServerWal(_SIZE, 1, recovery.end.number * _SIZE + _SIZE // 2, now, archiver)


def follow(source: str, stanza: str | None, identifier: str, first: int, last: int) -> Any:
    """Return what follows the WAL of *source*, which leads from segment *first* to *last*."""

    def judge(folder: Path, line: ArchiveLine, fill: Damage) -> Findings:
        fill(folder)
        end = last + (3 if line is ArchiveLine.BEHIND else 1)
        recovery = Recovery(Segment(1, first), first * _SIZE + 256, Segment(1, end), _SIZE)
        named = parse_backup_source(source.format(folder))
        catalog = open_catalogs(named, Access(S3Settings(), stanza)).wal
        assert catalog is not None
        try:
            evidence = catalog.read_archive(recovery)
        except BackupSourceMissing as error:
            return (from_error(error),)
        except BackupUnknown as error:
            return (from_error(error, Status.UNKNOWN),)
        server = _position(recovery, line)
        return judge_archive(evidence, server, _LIMIT, identifier).findings

    return judge


def _after(fill: Callable[[Path], object], *damages: Damage) -> Damage:
    """Return what fills a folder and then does the *damages*."""

    def make(folder: Path) -> None:
        for act in (fill, *damages):
            act(folder)

    return make


def _segment(name: str, content: bytes | None = None) -> Damage:
    """Return what deletes the segment *name*, or leaves *content* of it."""

    def damage(folder: Path) -> None:
        (path,) = (path for path in folder.rglob(f"{name}*") if ".backup" not in path.name)
        path.unlink() if content is None else path.write_bytes(content)

    return damage


def wal(fill: Callable[[Path], object], name: str, archive: str) -> ArchiveCells:
    """Return the lines of an archive in the folder *archive*, the segment *name* on the way."""
    return {
        ArchiveLine.WHOLE: fill,
        ArchiveLine.HOLE: _after(fill, _segment(name)),
        ArchiveLine.EMPTY: _after(fill, _segment(name, b"")),
        ArchiveLine.NO_ARCHIVE: _after(fill, lambda folder: shutil.rmtree(folder / archive)),
        ArchiveLine.BEHIND: fill,
    }


def judge_pgbackrest(folder: Path, name: str) -> Findings:
    """Return what the backup gate says of a repository in *folder* in the case *name*."""
    _made(pgbackrest_cases.CASES, name, fresh_repository(folder))
    identifier = pgbackrest_repository.SYSTEM_IDENTIFIER
    return judge_source(f"pgbackrest:{folder}", Access(S3Settings(), STANZA), identifier)


def judge_walg(folder: Path, name: str) -> Findings:
    """Return what it says of a prefix of WAL-G."""
    _made(walg_cases.CASES, name, fresh_prefix(folder))
    identifier = walg_repository.SYSTEM_IDENTIFIER
    return judge_source(f"walg:{folder}", Access(S3Settings()), identifier)


def judge_barman(folder: Path, name: str) -> Findings:
    """Return what it says of a server of Barman."""
    _made(barman_cases.CASES, name, fresh_server(folder))
    access = Access(S3Settings(), barman_server.SERVER)
    return judge_source(f"barman:{folder}", access, barman_server.SYSTEM_IDENTIFIER)


def judge_dumps(folder: Path, name: str) -> Findings:
    """Return what it says of dumps."""
    _made(dump_cases.CASES, name, DumpPlace(folder))
    return judge_source(f"dump:{folder}", Access(S3Settings()), "7", database="shop")


def judge_command(folder: Path, name: str) -> Findings:
    """Return what it says of a command that prints."""
    source = printing(folder, _made(COMMAND_CASES, name, None))
    identifier = pgbackrest_repository.SYSTEM_IDENTIFIER
    return judge_source(source, Access(S3Settings()), identifier)


def judge_rds(kind: RdsKind) -> Callable[[Path, str], Findings]:
    """Return what asks it about an account with a server of *kind*."""

    def judge(_: Path, name: str) -> Findings:
        account = RdsAccount(kind)
        _made(rds_cases.CASES, name, account)
        return judge_account(account)

    return judge


def judge_window(kind: RdsKind) -> Callable[[Path, ArchiveLine, str], Findings]:
    """Return what asks the archive gate about an account with a server of *kind*."""

    def judge(_: Path, __: ArchiveLine, name: str) -> Findings:
        account = RdsAccount(kind)
        _made(rds_cases.WINDOW_CASES, name, account)
        return window_gate(account)

    return judge


def tell(change: Callable[[Document], object]) -> Damage:
    """Return what has a command print the document that *change* leaves."""
    return lambda folder: printing(folder, edited(change))


def part(document: Document) -> None:
    """Take a segment out of the WAL that *document* tells of."""
    whole = document["wal"][0]
    before = {**whole, "last": "00000001000000000000002D"}
    document["wal"] = [before, {**whole, "first": "00000001000000000000002F"}]


def no_archive(_: Path, __: ArchiveLine, ___: object) -> Findings:
    """Fail: no line of the archive is one of this system."""
    raise AssertionError("nothing is kept that could be looked at")
