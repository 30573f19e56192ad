"""What a run is in the middle of when a fault strikes, and what keeps it there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from hook.core.sessions.lock_key import migration_lock_key
from hook.demo.repository import STANZA
from tests.faults.backup_job import job_at_work
from tests.faults.holds import (
    Hold,
    advisory,
    archive_information,
    asking,
    callback_file,
    closed_archive,
    file_in_front_of_history,
    first_login,
    holding,
    looking_back,
    parsing,
    pending_file,
    silent_storage,
    slow_command,
    telling,
    unread_report,
)
from tests.testbed import in_pod

# What each kind finds applied. The side table is what a script that runs twice is seen by.
BASE: Mapping[str, str | bytes] = {
    "V1__base.sql": """\
CREATE TABLE t (id int PRIMARY KEY);
INSERT INTO t VALUES (1);
CREATE TABLE tally (script text);
CREATE TABLE filling (n int);
CREATE INDEX spare ON t (id);
CREATE TABLE whole (id int) PARTITION BY LIST (id);
CREATE TABLE part PARTITION OF whole FOR VALUES IN (1);
CREATE INDEX of_whole ON whole (id);
CREATE TYPE mood AS ENUM ('fine');
CREATE TABLE wordy (words text);
CREATE FUNCTION hold() RETURNS bool LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_advisory_xact_lock_shared(1); PERFORM pg_advisory_xact_lock_shared(2);
    RETURN true; END';
CREATE FUNCTION hold_t() RETURNS void LANGUAGE plpgsql AS
    'BEGIN LOCK TABLE t; PERFORM hold(); END';
CREATE FUNCTION hold_row() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM hold(); RETURN NEW; END';
CREATE TRIGGER hold BEFORE INSERT ON filling FOR EACH ROW EXECUTE FUNCTION hold_row();
CREATE PROCEDURE in_parts() LANGUAGE plpgsql AS
    'BEGIN INSERT INTO tally VALUES (''part''); COMMIT; PERFORM hold_t();
    INSERT INTO filling VALUES (1); END';
"""
}
# The table that grows, whose file can be made to be full.
GROWS = "filling"
# Two of them are more than one message, three are more than two.
_LONG = f"SELECT '{'é' * 1_900_000}';\n"
_TALLY = "INSERT INTO tally VALUES ('V2');\n"
_ALTER = "ALTER TABLE t ADD c int;\n"
# A build waits for who writes to the table, and to drop its copy for who reads a long row.
_IN_TOAST = """\
DO $$BEGIN
    LOCK TABLE wordy IN ROW EXCLUSIVE MODE;
    EXECUTE (SELECT 'SELECT FROM ' || reltoastrelid::regclass FROM pg_class
              WHERE oid = 'wordy'::regclass);
END$$
"""
_CAUSE = "presync_test.cause"
_FAILING = f"""\
DO $$BEGIN ASSERT coalesce(current_setting('{_CAUSE}', true), '') <> 'there', 'no'; END$$;
"""
_REST = "INSERT INTO filling VALUES (1);\nCREATE TABLE made (id int);\n"


class Kind(Enum):
    """A stage, or the kind of statement that is migrated, as the page tells it."""

    WAIT = "stage wait: the server does not answer yet"
    RESOLVE = "stage resolve: a file cannot be opened yet"
    HISTORY = "stage history: the schema history is read"
    SCRIPTS = "stage scripts: a pending file cannot be opened yet"
    CALLBACKS = "stage callbacks: a callback cannot be opened yet"
    SYNTAX = "stage syntax: the server is asked to parse"
    LOCK = "stage lock: another migrator has the lock"
    MEMORY = "stage memory: the ledger is asked, in which the same run has failed"
    RIGHTS = "stage rights: the role's own rights are read"
    BLOCKERS = "stage blockers: a session is in the way"
    BACKUP = "stage backup: the backups are listed"
    ARCHIVE = "stage archive: what the archive tells of itself is read"
    TRIGGER = "stage trigger: a Job makes a backup"
    MARKER = "stage marker: the restore point is made"
    KEPT = "stage marker: its WAL is waited for in the repository"
    LEDGER = "stage ledger: the row of the run is written"
    BEFORE = "stage callbacks: beforeMigrate is run"
    DDL = "migrate: one DDL statement in a transaction"
    MULTI = "migrate: several statements in a transaction"
    DML = "migrate: one statement that writes rows, in a transaction"
    ENUM = "migrate: ALTER TYPE … ADD VALUE"
    LONG = "migrate: a long script, sent in a stream and a message"
    COPY = "migrate: COPY … FROM stdin"
    CONCURRENTLY = "migrate: CREATE INDEX CONCURRENTLY"
    DROP = "migrate: DROP INDEX CONCURRENTLY"
    DETACH = "migrate: ALTER TABLE … DETACH PARTITION … CONCURRENTLY, from PostgreSQL 14 on"
    REINDEX = "migrate: REINDEX INDEX CONCURRENTLY of partitions, from PostgreSQL 14 on"
    REBUILD = "migrate: REINDEX TABLE CONCURRENTLY"
    TOAST = "migrate: REINDEX TABLE CONCURRENTLY, at the index of a TOAST table"
    VACUUM = "migrate: VACUUM"
    ALONE = "migrate: several statements without transaction, SELECT, DO and a temporary table"
    TEMPORARY = "migrate: the same, while the temporary table is there"
    COMMITS = "migrate: CALL of a procedure that commits, among several statements"
    NOTED = "migrate: several statements without transaction, each noted with its effect"
    MIXED = "migrate: a script with and without transaction, by FLYWAY_MIXED"
    GROUP = "migrate: a group of three scripts"
    REPEATABLE = "migrate: a repeatable migration"
    EACH = "migrate: beforeEachMigrate is run in the transaction of a script"
    AFTER = "stage callbacks: afterMigrate is run"
    VERIFY = "stage verify: what was applied is looked at"
    REPORT = "stage report: nobody reads the pipe that it goes to"
    UPLOAD = "stage report: the storage that it goes to does not answer"


# From here on a run has its row in the ledger, which is finished in front of the report.
RECORDED = frozenset(tuple(Kind)[tuple(Kind).index(Kind.BEFORE) : tuple(Kind).index(Kind.REPORT)])


# With a repository, in which a backup is and WAL arrives.
ARCHIVED = frozenset({Kind.ARCHIVE, Kind.MARKER, Kind.KEPT})
# Before that version the server has no such statement.
SINCE: Mapping[Kind, int] = {Kind.DETACH: 14, Kind.REINDEX: 14}
# What has nothing to do with a server, whose version is of no account, is played on one.
ON_ONE: Mapping[Kind, int] = {Kind.UPLOAD: 15}


@dataclass(frozen=True, slots=True)
class Setting:
    """How a run is brought into the middle of a kind.

    Attributes:
        files: The release, besides what is applied.
        hold: Keeps the run there until it is left; yields what waits until the run is there.
        is_committed: It is a COMMIT behind what is held that does the work for good.
        undo: Brings the schema back to the state before, as the exit code demands.
        module: Is run instead of presync's own.
        cause: While it is set to ``there`` for the database, a run fails.
        env: Further settings, ``{folder}`` being that of the deployment.
    """

    files: Mapping[str, str | bytes]
    hold: Hold
    is_committed: bool = True
    undo: str = ""
    module: str = "hook"
    cause: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


def _without_transaction(script: str, *, is_committed: bool = True) -> Setting:
    files = {"V2__x.sql": script, "V2__x.sql.conf": "executeInTransaction=false"}
    return Setting(files, advisory, is_committed=is_committed, undo=_UNDO)


_KEY = migration_lock_key("public", "flyway_schema_history")
_ONCE = "INSERT INTO tally SELECT 'callback' WHERE NOT EXISTS (SELECT FROM tally)"
_BRIEF = {"V2__x.sql": f"{_TALLY}{_ALTER}"}
_SCRIPT = {"V2__x.sql": f"{_TALLY}{_ALTER}{_REST}"}
_REPOSITORY = {
    "PRESYNC_BACKUP_SOURCE": "pgbackrest:{folder}/repo",
    "PRESYNC_BACKUP_STANZA": STANZA,
}
_LISTED = {
    "PRESYNC_BACKUP_SOURCE": "command:{folder}/backups",
    "PRESYNC_ARCHIVE_POLICY": "off",
    "PRESYNC_MARKER_POLICY": "off",
}
_UNDO = "DELETE FROM tally; DELETE FROM filling; DROP TABLE IF EXISTS made"
_MIDDLE = f"{_TALLY}{_ALTER}SELECT hold();\n{_REST}"

SETTINGS: Mapping[Kind, Setting] = {
    Kind.WAIT: Setting(_SCRIPT, first_login),
    Kind.RESOLVE: Setting(_SCRIPT, pending_file),
    Kind.HISTORY: Setting(_SCRIPT, holding("LOCK TABLE flyway_schema_history")),
    Kind.SCRIPTS: Setting(_SCRIPT, file_in_front_of_history),
    Kind.SYNTAX: Setting(_SCRIPT, parsing(_ALTER)),
    Kind.LOCK: Setting(_SCRIPT, telling(f"SELECT pg_advisory_lock({_KEY})", "lock")),
    Kind.CALLBACKS: Setting({**_SCRIPT, "beforeMigrate.sql": "SELECT 1"}, callback_file),
    Kind.MEMORY: Setting(
        {"V2__x.sql": f"{_TALLY}{_ALTER}{_FAILING}{_REST}"},
        holding("LOCK TABLE presync_run"),
        cause=_CAUSE,
    ),
    Kind.RIGHTS: Setting({"V2__x.sql": "VACUUM t"}, asking("own_rights")),
    Kind.BLOCKERS: Setting(
        _SCRIPT,
        telling("LOCK TABLE t", "blockers"),
        env={"PRESYNC_BLOCKERS_POLICY": "enforce"},
    ),
    Kind.BACKUP: Setting(_SCRIPT, slow_command, env=_LISTED),
    Kind.ARCHIVE: Setting(_SCRIPT, archive_information, env=_REPOSITORY),
    Kind.TRIGGER: Setting(_SCRIPT, job_at_work, module=in_pod.__name__, env=_LISTED),
    Kind.MARKER: Setting(_SCRIPT, asking("marker_create"), is_committed=False, env=_REPOSITORY),
    Kind.KEPT: Setting(_SCRIPT, closed_archive, env=_REPOSITORY),
    Kind.LEDGER: Setting(
        _SCRIPT, holding("LOCK TABLE presync_run IN SHARE MODE"), is_committed=False
    ),
    Kind.BEFORE: Setting({**_SCRIPT, "beforeMigrate.sql": f"SELECT hold_t();\n{_ONCE}"}, advisory),
    Kind.DDL: Setting({"V2__x.sql": "ALTER TABLE t ADD c int CHECK (hold())"}, advisory),
    Kind.MULTI: Setting({"V2__x.sql": _MIDDLE}, advisory),
    Kind.DML: Setting({"V2__x.sql": "INSERT INTO filling SELECT id FROM t WHERE hold()"}, advisory),
    Kind.ENUM: Setting(
        {"V2__x.sql": "ALTER TYPE mood ADD VALUE 'better'"},
        holding("ALTER TYPE mood ADD VALUE 'worse'"),
    ),
    Kind.LONG: Setting(
        {"V2__x.sql": f"{_TALLY}{_ALTER}{_LONG}SELECT hold();\n{_REST}{_LONG}{_LONG}"},
        advisory,
    ),
    Kind.COPY: Setting(
        {"V2__x.sql": f"{_TALLY}{_ALTER}COPY filling FROM stdin;\n1\n2\n\\.\n{_REST}"}, advisory
    ),
    Kind.CONCURRENTLY: Setting(
        {"V2__x.sql": "CREATE INDEX CONCURRENTLY i ON t (id)"},
        holding("INSERT INTO t VALUES (2)"),
        is_committed=False,
        undo="DROP INDEX IF EXISTS i",
    ),
    Kind.DROP: Setting(
        {"V2__x.sql": "DROP INDEX CONCURRENTLY spare"},
        holding("INSERT INTO t VALUES (2)"),
        is_committed=False,
    ),
    Kind.DETACH: Setting(
        {"V2__x.sql": "ALTER TABLE whole DETACH PARTITION part CONCURRENTLY"},
        holding("SELECT FROM whole"),
        is_committed=False,
    ),
    Kind.REINDEX: Setting(
        {"V2__x.sql": "REINDEX INDEX CONCURRENTLY of_whole"},
        holding("INSERT INTO whole VALUES (1)"),
        is_committed=False,
    ),
    Kind.REBUILD: Setting(
        {"V2__x.sql": "REINDEX TABLE CONCURRENTLY t"},
        holding("INSERT INTO t VALUES (2)"),
        is_committed=False,
    ),
    Kind.TOAST: Setting(
        {"V2__x.sql": "REINDEX TABLE CONCURRENTLY wordy"}, holding(_IN_TOAST), is_committed=False
    ),
    Kind.VACUUM: Setting(
        {"V2__x.sql": "VACUUM t"},
        holding("LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE"),
        is_committed=False,
    ),
    Kind.ALONE: _without_transaction(
        f"CREATE TEMP TABLE work AS SELECT 1 AS n;\nDROP TABLE work;\n{_TALLY}"
        f"SELECT hold_t();\nDO $$BEGIN PERFORM hold(); END$$;\n{_REST}"
    ),
    Kind.TEMPORARY: _without_transaction(
        f"CREATE TEMP TABLE work AS SELECT 1 AS n;\n{_TALLY}SELECT hold_t();\n{_REST}"
        "INSERT INTO filling SELECT n FROM work;\nDROP TABLE work;\n"
    ),
    Kind.COMMITS: _without_transaction(f"{_TALLY}CALL in_parts();\n{_REST}", is_committed=False),
    Kind.NOTED: _without_transaction(
        f"{_TALLY}INSERT INTO filling SELECT id FROM t WHERE hold();\n{_ALTER}"
        "CREATE INDEX CONCURRENTLY i ON t (id);\nCREATE TABLE made (id int);\n"
    ),
    Kind.MIXED: Setting(
        {"V2__x.sql": f"{_TALLY}SELECT hold_t();\n{_REST}VACUUM t"},
        advisory,
        undo=_UNDO,
        env={"FLYWAY_MIXED": "true"},
    ),
    Kind.GROUP: Setting(
        {
            "V2__x.sql": f"{_TALLY}{_ALTER}",
            "V3__x.sql": "SELECT hold();\nINSERT INTO filling VALUES (1)",
            "V4__x.sql": "CREATE TABLE made (id int)",
        },
        advisory,
        env={"FLYWAY_GROUP": "true"},
    ),
    Kind.REPEATABLE: Setting({"R__x.sql": f"{_MIDDLE}CREATE VIEW v AS SELECT 1"}, advisory),
    Kind.EACH: Setting(
        {**_SCRIPT, "beforeEachMigrate.sql": "SELECT hold_t();\nINSERT INTO tally VALUES ('each')"},
        advisory,
    ),
    Kind.AFTER: Setting({**_BRIEF, "afterMigrate.sql": "SELECT hold_t()"}, advisory),
    Kind.VERIFY: Setting(
        {"V2__x.sql": f"SELECT FROM flyway_schema_history;\n{_MIDDLE}"}, looking_back
    ),
    Kind.REPORT: Setting(_BRIEF, unread_report),
    Kind.UPLOAD: Setting(_BRIEF, silent_storage),
}
