"""The backup systems, and which of their cases each line of the contract is."""

from __future__ import annotations

from hook.demo.repository import STANZA
from hook.settings.backup_source import RdsKind
from tests.contract.contract import ArchiveLine, Line, Meaningless
from tests.contract.system_judges import (
    ArchiveCells,
    Cells,
    System,
    follow,
    judge_barman,
    judge_command,
    judge_dumps,
    judge_pgbackrest,
    judge_rds,
    judge_walg,
    judge_window,
    no_archive,
    part,
    tell,
    wal,
)
from tests.testbed import barman_server, pgbackrest_repository, walg_repository
from tests.testbed.backup_gate import fresh_repository
from tests.testbed.barman_server import fresh_server
from tests.testbed.walg_repository import fresh_prefix

_NO_PAGES = Meaningless("pg_dump reads rows: a page that is damaged ends it")
_FULL_ONLY = Meaningless("a dump rests on no other")
_NO_WAL = Meaningless("no WAL belongs to dumps: the archive gate is skipped, with that reason")
_AT_ITS_WORD = Meaningless("a command is taken at its word: what it lists is not looked for")
_MANAGED = "RDS keeps its files to itself: "

_RDS_LINES: Cells = {
    Line.GOOD: "good",
    Line.NOTHING_THERE: "no-such-server",
    Line.NO_BACKUP: "no-snapshots",
    Line.STALE: "stale",
    Line.FUTURE: "future-times",
    Line.NEWEST_UNUSABLE: "newest-failed",
    Line.DAMAGED: Meaningless(f"{_MANAGED}it tells of no page that is damaged"),
    Line.UNFINISHED: "only-creating",
    Line.BASE_GONE: Meaningless(f"{_MANAGED}to its users each snapshot is a full one"),
    Line.DATA_GONE: Meaningless(f"{_MANAGED}the status of a snapshot stands for its data"),
    Line.OTHER_SERVER: "another-server",
    Line.WHOSE: "no-endpoint",
    Line.UNREADABLE: "empty-answer",
}
_RDS_ARCHIVE: ArchiveCells = {
    ArchiveLine.WHOLE: "window-good",
    ArchiveLine.HOLE: Meaningless(f"{_MANAGED}the end of its window is before what it lacks"),
    ArchiveLine.EMPTY: Meaningless(f"{_MANAGED}it shows no segments"),
    ArchiveLine.NO_ARCHIVE: "window-without-retention",
    ArchiveLine.BEHIND: "window-behind",
}

SYSTEMS = {
    "pgbackrest": System(
        judge_pgbackrest,
        {
            Line.GOOD: "good",
            Line.NOTHING_THERE: "empty-place",
            Line.NO_BACKUP: "no-backups-listed",
            Line.STALE: "stale",
            Line.FUTURE: "future-times",
            Line.NEWEST_UNUSABLE: "newest-manifest-deleted",
            Line.DAMAGED: "only-errored",
            Line.UNFINISHED: "in-progress-dir",
            Line.BASE_GONE: "full-expired-incr-left",
            Line.DATA_GONE: "manifest-deleted-by-lifecycle",
            Line.OTHER_SERVER: "another-cluster",
            Line.WHOSE: Meaningless("backup.info without an identifier fails its checksum"),
            Line.UNREADABLE: "html-error-page",
        },
        follow("pgbackrest:{}", STANZA, pgbackrest_repository.SYSTEM_IDENTIFIER, 0x25, 0x3C),
        wal(fresh_repository, "00000001000000000000002E-", "archive"),
    ),
    "walg": System(
        judge_walg,
        {
            Line.GOOD: "good",
            Line.NOTHING_THERE: "empty-place",
            Line.NO_BACKUP: "no-backups-listed",
            Line.STALE: "stale",
            Line.FUTURE: "future-times",
            Line.NEWEST_UNUSABLE: "newest-errored",
            Line.DAMAGED: "only-errored",
            Line.UNFINISHED: "only-unfinished",
            Line.BASE_GONE: "full-expired-deltas-left",
            Line.DATA_GONE: "archives-of-the-full-deleted",
            Line.OTHER_SERVER: "another-cluster",
            Line.WHOSE: "no-cluster-told",
            Line.UNREADABLE: "html-error-page",
        },
        follow("walg:{}", None, walg_repository.SYSTEM_IDENTIFIER, 8, 0xB),
        wal(fresh_prefix, "00000001000000000000000A", "wal_005"),
    ),
    "barman": System(
        judge_barman,
        {
            Line.GOOD: "good",
            Line.NOTHING_THERE: "empty-place",
            Line.NO_BACKUP: "no-backups",
            Line.STALE: "stale",
            Line.FUTURE: "future",
            Line.NEWEST_UNUSABLE: "failed-after-good",
            Line.DAMAGED: Meaningless("Barman records no page that is damaged"),
            Line.UNFINISHED: "only-running",
            Line.BASE_GONE: "incremental-on-nothing",
            Line.DATA_GONE: "data-deleted-by-lifecycle",
            Line.OTHER_SERVER: "another-cluster",
            Line.WHOSE: "cluster-not-told",
            Line.UNREADABLE: "zero-bytes",
        },
        follow(
            "barman:{}",
            barman_server.SERVER,
            barman_server.SYSTEM_IDENTIFIER,
            barman_server.FIRST,
            barman_server.LAST - 1,
        ),
        wal(fresh_server, "000000010000000000000030", "shop/wals"),
    ),
    "dump": System(
        judge_dumps,
        {
            Line.GOOD: "custom",
            Line.NOTHING_THERE: "empty-place",
            Line.NO_BACKUP: Meaningless("a place of dumps has no name besides: it is empty or not"),
            Line.STALE: "stale",
            Line.FUTURE: "last-modified-in-the-future",
            Line.NEWEST_UNUSABLE: "suddenly-small",
            Line.DAMAGED: _NO_PAGES,
            Line.UNFINISHED: "killed-between-tables",
            Line.BASE_GONE: _FULL_ONLY,
            Line.DATA_GONE: "directory-lacks-table",
            Line.OTHER_SERVER: "another-database",
            Line.WHOSE: "plain",
            Line.UNREADABLE: "html-error-page",
        },
        no_archive,
        dict.fromkeys(ArchiveLine, _NO_WAL),
    ),
    "command": System(
        judge_command,
        {
            Line.GOOD: "own",
            Line.NOTHING_THERE: "missing-stanza",
            Line.NO_BACKUP: "own-empty",
            Line.STALE: "stale",
            Line.FUTURE: "own-future",
            Line.NEWEST_UNUSABLE: "own-errored",
            Line.DAMAGED: "with-error",
            Line.UNFINISHED: "backup-running",
            Line.BASE_GONE: "own-expired-base",
            Line.DATA_GONE: _AT_ITS_WORD,
            Line.OTHER_SERVER: "own-another-cluster",
            Line.WHOSE: "own-no-cluster",
            Line.UNREADABLE: "html",
        },
        follow("command:cat {}/printed", None, "7710702599933426604", 0x25, 0x3C),
        {
            ArchiveLine.WHOLE: tell(lambda _: None),
            ArchiveLine.HOLE: tell(part),
            ArchiveLine.EMPTY: _AT_ITS_WORD,
            ArchiveLine.NO_ARCHIVE: tell(lambda document: document.pop("wal")),
            ArchiveLine.BEHIND: tell(lambda _: None),
        },
    ),
    "rds": System(
        judge_rds(RdsKind.INSTANCE), _RDS_LINES, judge_window(RdsKind.INSTANCE), _RDS_ARCHIVE
    ),
    "rds-cluster": System(
        judge_rds(RdsKind.CLUSTER), _RDS_LINES, judge_window(RdsKind.CLUSTER), _RDS_ARCHIVE
    ),
}
