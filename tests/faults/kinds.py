"""What a run is in the middle of when a fault strikes, and what keeps it there."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from enum import Enum

from hook.core.lock_key import migration_lock_key
from tests.testbed.database import Database
from tests.testbed.deployment import OURS
from tests.testbed.run_context import eventually

# What each kind finds applied. The side table is what a script that runs twice is seen by.
BASE: Mapping[str, str | bytes] = {
    "V1__base.sql": """\
CREATE TABLE t (id int PRIMARY KEY);
INSERT INTO t VALUES (1);
CREATE TABLE tally (script text);
CREATE TABLE filling (n int);
CREATE FUNCTION hold() RETURNS bool LANGUAGE plpgsql AS
    'BEGIN PERFORM pg_advisory_xact_lock_shared(1); PERFORM pg_advisory_xact_lock_shared(2);
    RETURN true; END';
CREATE FUNCTION hold_t() RETURNS void LANGUAGE plpgsql AS
    'BEGIN LOCK TABLE t; PERFORM hold(); END';
CREATE FUNCTION hold_row() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN PERFORM hold(); RETURN NEW; END';
CREATE TRIGGER hold BEFORE INSERT ON filling FOR EACH ROW EXECUTE FUNCTION hold_row();
"""
}
# The table that grows, whose file can be made to be full.
GROWS = "filling"
# A message of its own each.
_LONG = f"SELECT '{'é' * 600_000}';\n"
_TALLY = "INSERT INTO tally VALUES ('V2');\n"
_ALTER = "ALTER TABLE t ADD c int;\n"
_REST = "INSERT INTO filling VALUES (1);\nCREATE TABLE made (id int);\n"
_BY_LOCK = "wait_event_type = 'Lock'"


class Kind(Enum):
    """A stage, or the kind of statement that is migrated, as the page tells it."""

    HISTORY = "stage history: the schema history is read"
    LOCK = "stage lock: another migrator has the lock"
    BLOCKERS = "stage blockers: a session is in the way"
    DDL = "migrate: one DDL statement in a transaction"
    MULTI = "migrate: several statements in a transaction"
    LONG = "migrate: a long script, sent in several messages"
    COPY = "migrate: COPY … FROM stdin"
    CONCURRENTLY = "migrate: CREATE INDEX CONCURRENTLY"
    ALONE = "migrate: several statements without transaction"
    GROUP = "migrate: a group of three scripts"
    REPEATABLE = "migrate: a repeatable migration"
    VERIFY = "stage verify: what was applied is looked at"


Hold = Callable[[Database], AbstractContextManager[Callable[[], None]]]


@dataclass(frozen=True, slots=True)
class Setting:
    """How a run is brought into the middle of a kind.

    Attributes:
        files: The release, besides what is applied.
        hold: Keeps the run there until it is left; yields what brings the run there.
        event: What the run tells when it is there; where empty, it waits for a lock.
        commit: Tag of the statement with which the work is done for good.
        undo: Brings the schema back to the state before, as the exit code demands.
        env: Further settings.
    """

    files: Mapping[str, str | bytes]
    hold: Hold
    event: str = ""
    commit: str = "COMMIT"
    undo: str = ""
    env: Mapping[str, str] = field(default_factory=dict)

    def pids_there(self, database: Database) -> list[int]:
        """Return the backends that may be struck, the one that was at work last first."""
        waits = "" if self.event else f" AND {_BY_LOCK}"
        query = f"SELECT pid {OURS} '{database.name}'{waits} ORDER BY state_change DESC"
        return [pid for (pid,) in database.query(query)]


@contextlib.contextmanager
def _advisory(database: Database) -> Iterator[Callable[[], None]]:
    with database.connect() as other:
        other.execute("SELECT pg_advisory_lock(1)")
        yield lambda: None


def _holding(statement: str) -> Hold:
    @contextlib.contextmanager
    def hold(database: Database) -> Iterator[Callable[[], None]]:
        with contextlib.closing(database.connect(autocommit=False)) as other:
            other.execute(statement.encode())
            yield lambda: None

    return hold


@contextlib.contextmanager
def _looking_back(database: Database) -> Iterator[Callable[[], None]]:
    """Queue behind the script for the history, in front of the look that follows it."""
    with (
        contextlib.closing(database.connect()) as first,
        contextlib.closing(database.connect(autocommit=False)) as second,
    ):
        first.execute("SELECT pg_advisory_lock(1)")
        second.execute("SELECT")

        def proceed() -> None:
            waiting = f"SELECT {OURS} '{database.name}' AND {_BY_LOCK}"
            eventually(lambda: bool(database.query(waiting)))
            second.pgconn.send_query(b"LOCK TABLE flyway_schema_history")
            queued = f"SELECT FROM pg_stat_activity WHERE pid = {second.info.backend_pid}"
            eventually(lambda: bool(database.query(f"{queued} AND {_BY_LOCK}")))
            first.close()
            eventually(lambda: not database.query(f"{queued} AND {_BY_LOCK}"))

        yield proceed


_KEY = migration_lock_key("public", "flyway_schema_history")
_SCRIPT = {"V2__x.sql": f"{_TALLY}{_ALTER}{_REST}"}
_MIDDLE = f"{_TALLY}{_ALTER}SELECT hold();\n{_REST}"

SETTINGS: Mapping[Kind, Setting] = {
    Kind.HISTORY: Setting(_SCRIPT, _holding("LOCK TABLE flyway_schema_history")),
    Kind.LOCK: Setting(_SCRIPT, _holding(f"SELECT pg_advisory_lock({_KEY})"), event="lock"),
    Kind.BLOCKERS: Setting(
        _SCRIPT,
        _holding("LOCK TABLE t"),
        event="blockers",
        env={"PRESYNC_BLOCKERS_POLICY": "enforce"},
    ),
    Kind.DDL: Setting({"V2__x.sql": "ALTER TABLE t ADD c int CHECK (hold())"}, _advisory),
    Kind.MULTI: Setting({"V2__x.sql": _MIDDLE}, _advisory),
    Kind.LONG: Setting(
        {"V2__x.sql": f"{_TALLY}{_ALTER}{_LONG}SELECT hold();\n{_REST}{_LONG}"},
        _advisory,
    ),
    Kind.COPY: Setting(
        {"V2__x.sql": f"{_TALLY}{_ALTER}COPY filling FROM stdin;\n1\n2\n\\.\n{_REST}"}, _advisory
    ),
    Kind.CONCURRENTLY: Setting(
        {"V2__x.sql": "CREATE INDEX CONCURRENTLY i ON t (id)"},
        _holding("INSERT INTO t VALUES (2)"),
        commit="CREATE INDEX",
        undo="DROP INDEX IF EXISTS i",
    ),
    Kind.ALONE: Setting(
        {
            "V2__x.sql": f"{_TALLY}SELECT hold_t();\n{_REST}",
            "V2__x.sql.conf": "executeInTransaction=false",
        },
        _advisory,
        commit="INSERT 0 1",
        undo="DELETE FROM tally; DELETE FROM filling; DROP TABLE IF EXISTS made",
    ),
    Kind.GROUP: Setting(
        {
            "V2__x.sql": f"{_TALLY}{_ALTER}",
            "V3__x.sql": "SELECT hold();\nINSERT INTO filling VALUES (1)",
            "V4__x.sql": "CREATE TABLE made (id int)",
        },
        _advisory,
        env={"FLYWAY_GROUP": "true"},
    ),
    Kind.REPEATABLE: Setting({"R__x.sql": f"{_MIDDLE}CREATE VIEW v AS SELECT 1"}, _advisory),
    Kind.VERIFY: Setting(
        {"V2__x.sql": f"SELECT FROM flyway_schema_history;\n{_MIDDLE}"}, _looking_back
    ),
}
