"""The gate as a whole: what it costs, in which order it works, and two of them at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from hook.clock import Interrupt
from hook.core.outcome import Policy
from hook.errors import ExitCode
from hook.settings.backup_source import parse_backup_source
from tests.fakes import FakeEvents
from tests.testbed.gate import (
    NEXT_TRANSACTION,
    Gate,
    deciding,
    run_settings,
    settings_for,
)
from tests.testbed.proxy import Proxy
from tests.testbed.run_context import eventually

FIRST = {"V1__t.sql": "CREATE TABLE t (id int)", "V2__u.sql": "CREATE TABLE u (id int)"}
STAGES = [
    "wait", "resolve", "history", "scripts", "syntax", "lock", "history", "blockers", "backup",
    "archive", "marker", "ledger", "migrate", "verify",
]  # fmt: skip


@dataclass(slots=True)
class AtRetry(FakeEvents):
    """Does *work* when another attempt is to follow, before the run goes on."""

    work: Callable[[], object] = field(kw_only=True)

    def __call__(self, event: str, message: str, /, **fields: object) -> None:
        """Remember one event."""
        FakeEvents.__call__(self, event, message, **fields)
        if event == "retry.scheduled":
            self.work()


@pytest.fixture
def proxied(gate: Gate, proxy: Proxy) -> Gate:
    """Return the gate with the proxy in front of its database."""
    gate.settings = settings_for(proxy.target(gate.database), gate.folder)
    return gate


def test_no_op_run_looks_twice_and_writes_nothing(proxied: Gate, proxy: Proxy) -> None:
    """Two reads on one connection: no lock, and no transaction gets a number."""
    assert proxied.run(FIRST).exit_code is ExitCode.OK
    proxy.conversations.clear()
    before = proxied.database.query(NEXT_TRANSACTION)
    report = proxied.run()
    assert proxied.database.query(NEXT_TRANSACTION) == before
    assert report.exit_code is ExitCode.OK
    (conversation,) = proxy.conversations
    assert conversation.answers == 1 + 2  # the first one is the end of the login
    assert all(b"advisory" not in item for item in conversation.queries)
    assert [item.name for item in report.results] == ["wait", "resolve", "history", "verify"]


def test_history_that_is_not_there_yet_is_told_as_such(gate: Gate) -> None:
    """The first run on a database says so, and what it will bring."""
    told = [finding.message for item in gate.run(FIRST).results[2:3] for finding in item.findings]
    assert told[0] == (
        "public.flyway_schema_history is not there yet, 2 pending: V1__t.sql, V2__u.sql"
    )


def test_each_transactional_script_costs_one_round_trip(proxied: Gate, proxy: Proxy) -> None:
    """Ten more migrations are ten more messages, rows and commits included."""
    # Whoever watches a slow one has a connection too.
    proxied.limit(run_settings()._replace(damage_budget=None))
    assert proxied.run(FIRST).exit_code is ExitCode.OK
    costs = []
    for numbers in (range(3, 4), range(4, 14)):
        proxy.conversations.clear()
        files = {f"V{number}__x.sql": f"CREATE TABLE x{number} ()" for number in numbers}
        assert proxied.run(files).exit_code is ExitCode.OK
        main, lock, _, _ = proxy.conversations  # the last two write into the ledger
        assert lock.answers == 1 + 3  # taken, looked for work without it, given back
        assert sum(item.startswith(b"BEGIN") for item in main.queries) == len(numbers)
        costs.append(len(main.queries))
    assert costs[1] - costs[0] == 9


def test_run_goes_through_its_stages_in_order(gate: Gate) -> None:
    """Everything that can be said of the files is said before the lock is taken."""
    report = gate.run(FIRST)
    assert [item.name for item in report.results] == STAGES
    assert [item["stage"] for item in gate.events.named("stage.finished")] == STAGES
    assert report.database["name"] == gate.database.name


def test_history_is_created_as_flyway_does(gate: Gate) -> None:
    """Columns, types, names of constraint and index, and the fields of a row."""
    files = {"V1_5__add_two_tables.sql": "SELECT 1", "R__my_view.sql": "SELECT 2"}
    assert gate.run(files).exit_code is ExitCode.OK
    columns = gate.database.query(
        "SELECT column_name, data_type, character_maximum_length, is_nullable, column_default"
        " FROM information_schema.columns WHERE table_name = 'flyway_schema_history'"
        " ORDER BY ordinal_position"
    )
    assert columns == [
        ("installed_rank", "integer", None, "NO", None),
        ("version", "character varying", 50, "YES", None),
        ("description", "character varying", 200, "NO", None),
        ("type", "character varying", 20, "NO", None),
        ("script", "character varying", 1000, "NO", None),
        ("checksum", "integer", None, "YES", None),
        ("installed_by", "character varying", 100, "NO", None),
        ("installed_on", "timestamp without time zone", None, "NO", "now()"),
        ("execution_time", "integer", None, "NO", None),
        ("success", "boolean", None, "NO", None),
    ]
    indexes = gate.database.query(
        "SELECT indexname FROM pg_indexes WHERE tablename = 'flyway_schema_history' ORDER BY 1"
    )
    assert indexes == [("flyway_schema_history_pk",), ("flyway_schema_history_s_idx",)]
    rows = gate.database.query(
        "SELECT installed_rank, version, description, type, script, installed_by, success,"
        " execution_time BETWEEN 0 AND 60000 FROM flyway_schema_history ORDER BY 1"
    )
    assert rows == [
        (1, "1.5", "add two tables", "SQL", "V1_5__add_two_tables.sql", "postgres", True, True),
        (2, None, "my view", "SQL", "R__my_view.sql", "postgres", True, True),
    ]


def test_two_gates_at_once_migrate_once(gate: Gate, calm: Interrupt) -> None:
    """The second one waits for the lock, looks again, and has nothing left to do or allow."""
    gate.release({"V1__t.sql": "CREATE TABLE t (id int); INSERT INTO t VALUES (1)"})
    waiver = "-- presync: allow drop-table because it is empty\nDROP TABLE IF EXISTS old;"
    gate.release(
        {"V2__x.sql": f"{waiver} SELECT pg_advisory_lock(1); SELECT pg_advisory_unlock(1)"}
    )
    gate.limit(run_settings(ladder=[30]))
    other = Gate(gate.database, gate.folder, calm, gate.settings)
    with gate.database.connect() as holder:
        holder.execute("SELECT pg_advisory_lock(1)")
        one, two = gate.start(), other.start()
        eventually(lambda: any(item.events.named("retry.scheduled") for item in (gate, other)))
        holder.execute("SELECT pg_advisory_unlock(1)")
    reports = [one.report(), two.report()]
    assert [item.exit_code for item in reports] == [ExitCode.OK, ExitCode.OK]
    assert sorted((len(item.migrations), len(item.waivers)) for item in reports) == [(0, 0), (2, 1)]
    assert gate.database.query("SELECT count(*) FROM t") == [(1,)]
    assert [row[0] for row in gate.history()] == [1, 2]


def test_second_gate_gives_up_when_the_first_takes_too_long(gate: Gate, calm: Interrupt) -> None:
    """It says who has the lock."""
    gate.limit(run_settings(ladder=[30]))
    other = Gate(gate.database, gate.folder, calm, gate.settings)
    other.limit(run_settings(lock_wait=0.1))
    with gate.database.connect() as holder:
        holder.execute("SELECT pg_advisory_lock(1)")
        running = gate.start({"V1__x.sql": "SELECT pg_advisory_lock(1)"})
        eventually(lambda: bool(gate.events.named("migration.started")))
        report = other.run()
        holder.execute("SELECT pg_advisory_unlock(1)")
    assert running.report().exit_code is ExitCode.OK
    assert report.exit_code is ExitCode.LOCKED
    assert "presync/" in deciding(report).message


def test_history_that_others_fill_without_the_lock_is_respected(gate: Gate) -> None:
    """What somebody applied while we waited is not applied again."""
    gate.limit(run_settings(ladder=[0.1, 30]))
    gate.run({"V1__t.sql": "CREATE TABLE t (id int)"})
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t")
        other.execute(
            "INSERT INTO flyway_schema_history SELECT 2, '2', 'x', 'SQL', 'V2__x.sql', 1, 'me',"
            " now(), 1, true"
        )
        gate.events = AtRetry(work=other.commit)
        report = gate.run({"V2__x.sql": "ALTER TABLE t ADD x int"})
    assert report.verdict == (
        "FAILED 31 LOCKED: row 2 (V2__x.sql) was written by somebody else meanwhile, without the"
        " lock; rolled back, at 1"
    )


def test_history_that_others_fill_during_the_last_statement_is_respected(gate: Gate) -> None:
    """The script is rolled back, and nothing of it is wrong: the next run may try it again."""
    gate.limit(run_settings(ladder=[60]))  # a second attempt would find the row beforehand
    gate.run({"V1__t.sql": "CREATE TABLE t (id int)"})
    with gate.database.connect() as other:
        other.execute("SELECT pg_advisory_lock(1)")
        sql = "ALTER TABLE t ADD x int; SELECT pg_advisory_xact_lock(1)"
        running = gate.start({"V2__x.sql": sql})
        waiting = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        eventually(lambda: bool(gate.database.query(waiting)))
        other.execute(
            "INSERT INTO flyway_schema_history SELECT 2, '3', 'y', 'SQL', 'V3__y.sql', 1, 'me',"
            " now(), 1, true"
        )
        other.execute("SELECT pg_advisory_unlock(1)")
        report = running.report()
    assert report.verdict == (
        "FAILED 31 LOCKED: V2__x.sql: row 2 of the schema history was written by somebody else"
        " meanwhile, without the lock; rolled back, at 1"
    )
    gate.database.execute("DELETE FROM flyway_schema_history WHERE version = '3'")
    again = gate.run()
    assert again.exit_code is ExitCode.OK, again.verdict


THEIRS = "INSERT INTO flyway_schema_history VALUES (1,'1','t','SQL','V1__t.sql',1,'x',now(),1,true)"


@pytest.mark.parametrize("row", ["", THEIRS], ids=["empty", "with a row"])
def test_history_that_others_create_meanwhile(gate: Gate, row: str) -> None:
    """Their table is as good as ours; what they applied without the lock ends the run."""
    gate.run({"V1__t.sql": "SELECT 1"})
    gate.database.execute(
        "CREATE TABLE copy (LIKE flyway_schema_history INCLUDING ALL);"
        "DROP TABLE flyway_schema_history; ALTER SCHEMA public RENAME TO kept; CREATE SCHEMA public"
    )
    with gate.database.connect(autocommit=False) as other:
        other.execute("CREATE TABLE flyway_schema_history (LIKE kept.copy INCLUDING ALL)")
        other.execute(row.encode())
        running = gate.start()
        waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        eventually(lambda: bool(gate.database.query(waiting)))
        other.commit()
    report = running.report()
    if row:
        assert report.verdict == (
            "FAILED 31 LOCKED: V1__t.sql was applied by somebody else meanwhile, without the lock;"
            " database untouched"
        )
    else:
        assert report.exit_code is ExitCode.OK, report.verdict
    assert gate.history() == [(1, "1", "V1__t.sql", True)]


def test_gates_are_all_told_and_the_worst_decides(gate: Gate, tmp_path: Path) -> None:
    """A refusal that a human must resolve outranks blockers that may go away."""
    gate.run({"V1__t.sql": "CREATE TABLE t (id int)"})
    source = parse_backup_source(f"pgbackrest:{tmp_path}")
    backup = gate.settings.backup._replace(source=source, stanza="demo")
    blockers = gate.settings.blockers._replace(policy=Policy.ENFORCE)
    gate.settings = gate.settings._replace(backup=backup, blockers=blockers)
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t")
        report = gate.run({"V2__x.sql": "ALTER TABLE t ADD x int"})
    codes = {result.name: [item.code for item in result.findings] for result in report.results}
    assert ExitCode.NO_WAY_BACK in codes["backup"]
    assert ExitCode.NO_WAY_BACK in codes["archive"]
    assert ExitCode.BLOCKED in codes["blockers"]
    assert report.exit_code is ExitCode.NO_WAY_BACK
    assert report.verdict.endswith("; database untouched")
    assert report.pending == ("V2__x.sql",)


def test_repeatables_alone_leave_the_version(gate: Gate) -> None:
    """The verdict tells the level that the versioned migrations made."""
    gate.run(FIRST)
    report = gate.run({"R__v.sql": "CREATE OR REPLACE VIEW v AS SELECT 1 AS one"})
    assert report.verdict.startswith("PASSED 0 OK: 1 applied (R v), at 2, in ")
    assert report.after == {"version": "2"}


def test_migration_out_of_order_does_not_lower_the_version(gate: Gate) -> None:
    """The level is the highest version, whatever came last."""
    gate.run({"V1__t.sql": "SELECT 1", "V3__u.sql": "SELECT 3"})
    rules = gate.settings.migrations.rules._replace(is_out_of_order=True)
    gate.settings = gate.settings._replace(
        migrations=gate.settings.migrations._replace(rules=rules)
    )
    report = gate.run({"V2__late.sql": "SELECT 2", "V2_1__bad.sql": "DROP TABLE no"})
    assert report.verdict.endswith("; rolled back, 1 applied before, at 3")
    assert [item.version for item in report.migrations] == ["2"]


def test_deadline_ends_the_waits(gate: Gate) -> None:
    """No stage waits longer than the run may take."""
    gate.run({"V1__t.sql": "CREATE TABLE t (id int)"})
    blockers = gate.settings.blockers._replace(policy=Policy.ENFORCE, wait=timedelta(seconds=50))
    gate.settings = gate.settings._replace(blockers=blockers)
    gate.limit(run_settings(deadline=gate.seconds_of_a_run()))
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t")
        report = gate.run({"V2__x.sql": "ALTER TABLE t ADD x int"})
    assert report.exit_code is ExitCode.BLOCKED
    assert report.duration_ms < 45_000
