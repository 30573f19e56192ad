"""Reports as runs would make them, for the tests of every rendering."""

from __future__ import annotations

from datetime import timedelta

from hook.core.backups.marker import Marker
from hook.core.backups.restore_commands import RestorePoint, RestoreSource, restore_commands
from hook.core.execution.progress import Progress
from hook.core.outcome import Finding, Result, Status, failed, passed, warned
from hook.core.reporting.override import Override
from hook.core.reporting.past_run import BegunScript, FailedScript, PastMarker, PastRun
from hook.core.reporting.report import AppliedMigration, Report, SetSummary
from hook.core.schema_history.history import HistoryRow, MigrationInfo, MigrationState
from hook.core.scripts.script import Kind, Migration
from hook.core.scripts.version import Version
from hook.core.sql.locks import LockMode, LockRequest
from hook.errors import ExitCode
from tests.fakes import NOON

DATABASE = {
    "host": "db.infra",
    "port": 5432,
    "name": "shop",
    "user": "shop",
    "server_version": "15.8",
    "system_identifier": "7301",
}

PASSED_RUN = Report(
    command="run",
    run_id="0123456789ab",
    verdict="PASSED 0 OK: 3 applied (V4, V5, R views), at 5, in 2.1s",
    exit_code=ExitCode.OK,
    started_at=NOON,
    finished_at=NOON + timedelta(seconds=2.149),
    duration_ms=2149,
    results=(
        Result("wait", (passed("reachable", "shop@db.infra:5432/shop is a writable primary"),), 12),
        Result("resolve", (passed("migration-set", "6 migrations, newest 5"),), 3),
        Result("backup", (warned("backup", "no backup is required", "Name a backup source."),), 0),
        Result("blockers", (Finding(Status.SKIPPED, "blockers-off", "gate blockers is off"),), 0),
        Result("migrate", (passed("applied", "V4__add_email.sql"), passed("applied", "V5")), 1804),
        Result("verify", (), 2),
    ),
    database=DATABASE,
    migration_set=SetSummary("sha256:1a2b3c4d", 6, "5"),
    before={"version": "3"},
    after={"version": "5"},
    migrations=(
        AppliedMigration("4", "add email", "V4__add_email.sql", 12, 1, transactional=True),
        AppliedMigration(
            "5",
            "索引 orders",
            "V5__x.sql",
            1789,
            2,
            transactional=False,
            line=3,
            locks=(LockRequest("orders", LockMode.SHARE_UPDATE_EXCLUSIVE),),
        ),
        AppliedMigration(None, "views", "R__views.sql", 3, 1, transactional=True),
    ),
    pending=("V4__add_email.sql", "V5__x.sql", "R__views.sql"),
    overrides=(Override("blockers", "rehearsed\ntoday"),),
)

_POINT = RestorePoint(
    "presync-shop-20260301T120000Z-1ec8a77e", "0/38025F60", NOON, 1, "20260301-110000F"
)
MARKER = Marker(
    *(_POINT.name, _POINT.lsn, NOON, 1, "000000010000000000000038", "7301"),
    is_archived=True,
    backup=_POINT.backup,
    restore=restore_commands(RestoreSource("pgbackrest", "app"), _POINT),
)
MARKED_RUN = PASSED_RUN._replace(marker=MARKER, progress=Progress.COMMITTED)

REFUSED_RUN = PASSED_RUN._replace(
    verdict=(
        "REFUSED 18 NO_WAY_BACK: newest full backup stopped 31h ago (limit 24h); database untouched"
    ),
    exit_code=ExitCode.NO_WAY_BACK,
    results=(
        *PASSED_RUN.results[:2],
        Result(
            "backup",
            (
                failed(
                    ExitCode.NO_WAY_BACK,
                    "backup-age",
                    "newest full backup stopped 31h ago (limit 24h)",
                    "Run a backup, then sync again.",
                    label="20260101-000000F",
                    stopped_at=NOON,
                    status="never shown",
                ),
                warned("backup-copy", "backup.info is damaged, the copy was read"),
            ),
            120,
        ),
        Result(
            "blockers",
            (
                Finding(
                    Status.UNKNOWN,
                    "blockers",
                    "cannot see\x1b[31m others",
                    ExitCode.BLOCKED,
                    "Grant.",
                ),
            ),
            1234,
        ),
    ),
    after={},
    migrations=(),
    overrides=(),
    next_steps=("presync check",),
)

LONG_RUN = REFUSED_RUN._replace(
    verdict=(
        "FAILED 32 CONTENTION: V5__x.sql:17 55P03 canceling statement due to lock timeout"
        " (8 attempts); in the way: pid 4711 (user app, web, idle in t…); rolled back, at 4"
    ),
    exit_code=ExitCode.CONTENTION,
    results=(
        *PASSED_RUN.results[:2],
        Result(
            "blockers",
            (
                failed(
                    ExitCode.CONTENTION,
                    "contention",
                    "V5__x.sql:17 55P03 canceling statement due to lock timeout (8 attempts); in"
                    " the way: pid 4711 (user app, web, idle in transaction for 31m 20s, table"
                    " shop.索引索引索引索引索引索引)",
                    "End it, if its work may be lost: SELECT pg_terminate_backend(4711); and if it"
                    " comes back, find out with `presync check --blocker-queries yes` what it is.",
                ),
                warned(
                    "rights",
                    "the role cannot make restore points, so none is made in front of this run",
                    'GRANT EXECUTE ON FUNCTION pg_create_restore_point(text) TO "shop owner";',
                ),
            ),
            1234,
        ),
    ),
)

_LOCKS = [
    {"relation": "shop.customer", "mode": "AccessExclusiveLock", "target": "relation"},
    {"relation": "i", "mode": "ShareUpdateExclusiveLock", "target": "the table of the index"},
]

PLAN = PASSED_RUN._replace(
    command="plan",
    verdict="PASSED 0 OK: 2 pending, at 3 (set sha256:1a2b3c4d), in 0.1s",
    results=(
        *PASSED_RUN.results[:2],
        Result(
            "plan",
            (
                passed(
                    "pending",
                    "V4__add_email.sql: 2 statements in one transaction",
                    transactional=True,
                    locks=_LOCKS,
                ),
                passed(
                    "pending",
                    "V5__x.sql: 1 statement without transaction: CREATE INDEX CONCURRENTLY",
                    transactional=False,
                    locks=[],
                    unforeseen=[],
                ),
                passed(
                    "callback",
                    "callback afterMigrate.sql: 1 statement at afterMigrate",
                    transactional=True,
                    locks=[],
                    unforeseen=["afterMigrate.sql:1"],
                ),
            ),
        ),
    ),
    migrations=(),
    overrides=(),
)


def _row(rank: int, version: str | None, description: str, kind: str = "SQL") -> HistoryRow:
    script = f"V{version}.sql"
    return HistoryRow(
        *(rank, version, description, kind, script, 1, "shop", "2026-03-01 12:00:00", 7),
        success=True,
    )


def _info(state: MigrationState, row: HistoryRow | None, version: str | None) -> MigrationInfo:
    parsed = None if version is None else Version.parse(version)
    migration = Migration(
        Kind.REPEATABLE if parsed is None else Kind.VERSIONED,
        *(parsed, "later", f"V{version}__later.sql", f"/migrations/V{version}__later.sql", 1, 1),
    )
    return MigrationInfo(
        state, row, None if row else migration, parsed, row.type if row else migration.type
    )


_UNDO = tuple(
    Migration(
        Kind.UNDO, Version.parse(text), "x", f"U{text}__x.sql", f"/migrations/U{text}__x.sql", 1, 1
    )
    for text in ("1.1.0", "1.2", "2.0")
)

INFO = PASSED_RUN._replace(
    command="info",
    before={"version": "1.1"},
    migration_set=SetSummary("sha256:1a2b3c4d", 6, "2.0", _UNDO),
    infos=(
        _info(MigrationState.SUCCESS, _row(1, None, '"shop"', "SCHEMA"), None),
        _info(MigrationState.BASELINE, _row(2, "0", "<< Flyway Baseline >>", "BASELINE"), "0"),
        _info(MigrationState.SUCCESS, _row(3, "1", "create a"), "1"),
        _info(MigrationState.OUT_OF_ORDER, _row(4, "1.1", "创建 b"), "1.1"),
        _info(MigrationState.UNDONE, _row(5, "1.2", "undone"), "1.2"),
        _info(MigrationState.SUCCESS, _row(6, "1.2", "undo", "UNDO_SQL"), "1.2"),
        _info(MigrationState.SUCCESS, _row(7, None, "view a"), None),
        _info(MigrationState.PENDING, None, "2_0"),
    ),
)

_PAST = PastRun(
    command="run",
    run_id="0123456789ab",
    started_at=NOON,
    finished_at=NOON + timedelta(seconds=75),
    verdict="PASSED 0 OK: 1 applied (V5), at 5, in 75.0s",
    exit_code=0,
    set_digest="sha256:1a2b3c4d",
    version_before="4",
    version_after="5",
    pod="migrate-x7k2p",
    failed=None,
    age=timedelta(hours=1),
    marker=PastMarker(MARKER.name, MARKER.lsn, NOON, 1),
)
RUNS = PASSED_RUN._replace(
    command="info",
    runs=(
        _PAST._replace(
            run_id="killed",
            finished_at=None,
            verdict=None,
            exit_code=None,
            cut_off=BegunScript("V5__x.sql", 1, "sha256:5e", 2),
        ),
        _PAST._replace(run_id="of another release", exit_code=99, verdict="FAILED 99 STRANGE"),
        _PAST._replace(
            run_id="f41led",
            exit_code=20,
            verdict="FAILED 20 SQL_FAILED: V5__x.sql:1 22P02 no number; rolled back, at 4",
            version_after="4",
            failed=FailedScript("V5__x.sql", 1, 5, "V5__x.sql:1 22P02 no number"),
            marker=PastMarker(None, "0/38025F60", NOON, 1),
        ),
        _PAST,
        _PAST._replace(run_id="b", command="baseline", version_before=None, pod=None, marker=None),
    ),
)
