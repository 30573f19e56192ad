"""The commands that look: what they find, and that they change nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hook import bootstrap
from hook.core.outcome import Policy
from hook.core.reporting.report import Report
from hook.errors import ExitCode
from hook.settings import Settings
from hook.settings.backup_source import parse_backup_source
from hook.stages import Context
from tests.testbed.dump_place import SAMPLES, DumpPlace
from tests.testbed.gate import NEXT_TRANSACTION, Gate, deciding
from tests.testbed.told_backups import edited, own_document, printing

Command = Callable[[Settings, Context], Report]
COMMANDS: dict[str, Command] = {
    "check": bootstrap.check,
    "plan": bootstrap.plan,
    "info": bootstrap.info,
    "validate": bootstrap.validate,
    "verify": bootstrap.verify,
}
PENDING = {"V2__x.sql": "ALTER TABLE t ADD x int", "R__v.sql": "CREATE VIEW v AS SELECT 1 AS one"}


def ask(gate: Gate, command: Command) -> Report:
    """Return the report of *command*."""
    return command(gate.settings, gate.context())


@pytest.fixture(autouse=True)
def _released(gate: Gate) -> None:
    """Begin with one migration applied and two pending."""
    assert gate.run({"V1__t.sql": "CREATE TABLE t (id int)"}).exit_code is ExitCode.OK
    gate.release(PENDING)


@pytest.mark.parametrize("name", COMMANDS)
def test_looking_changes_nothing(name: str, gate: Gate) -> None:
    """No transaction gets a number, as the first write would give it one."""
    before = gate.database.query(NEXT_TRANSACTION)
    report = ask(gate, COMMANDS[name])
    assert report.command == name
    assert gate.database.query(NEXT_TRANSACTION) == before
    assert report.pending == ("V2__x.sql", "R__v.sql")
    assert report.database["name"] == gate.database.name
    assert not report.migrations


@pytest.mark.parametrize(
    ("name", "verdict"),
    [
        ("check", "PASSED 0 OK: 2 pending at 1 (set sha256:"),
        ("plan", "PASSED 0 OK: 2 pending at 1 (set sha256:"),
        ("info", "PASSED 0 OK: 2 pending at 1 (set sha256:"),
        ("validate", "PASSED 0 OK: 2 pending at 1 (set sha256:"),
        ("verify", "FAILED 24 NOT_YET: 2 pending: V2__x.sql, R__v.sql, at 1"),
    ],
)
def test_pending_migrations_are_told(name: str, verdict: str, gate: Gate) -> None:
    """Only `verify` takes them for a failure."""
    assert ask(gate, COMMANDS[name]).verdict.startswith(verdict)


@pytest.fixture
def reader(gate: Gate) -> Gate:
    """Return the gate where sessions begin read-only, and no wait for that to end."""
    gate.database.execute(
        f"ALTER DATABASE {gate.database.name} SET default_transaction_read_only = on"
    )
    limits = gate.settings.database._replace(wait_timeout=timedelta(milliseconds=100))
    gate.settings = gate.settings._replace(database=limits)
    return gate


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"check"}))
def test_who_only_looks_needs_no_session_that_can_write(name: str, reader: Gate) -> None:
    """An auditor's role, or an application's in front of its own start, may be kept from it."""
    report = ask(reader, COMMANDS[name])
    assert report.exit_code is (ExitCode.NOT_YET if name == "verify" else ExitCode.OK)
    told = report.results[0].findings[0].message
    assert " is a primary whose transactions are read-only, PostgreSQL " in told


def test_check_tells_that_nothing_can_be_written_beside_the_rest(reader: Gate) -> None:
    """A run would be refused, and for what else it would be is told as well."""
    report = ask(reader, bootstrap.check)
    assert report.exit_code is ExitCode.UNREACHABLE
    assert deciding(report).rule == "read-only"
    assert deciding(report).message == (
        "postgres cannot write here: its transactions are read-only (default_transaction_read_only)"
    )
    assert [item.name for item in report.results][-3:] == ["backup", "archive", "marker"]


def test_check_asks_the_gates_also_when_nothing_is_pending(gate: Gate) -> None:
    """The state of the backups is known before there is something to migrate."""
    gate.run()
    backup = gate.settings.backup._replace(source=parse_backup_source("pgbackrest:/"), stanza="x")
    gate.settings = gate.settings._replace(backup=backup)
    report = ask(gate, bootstrap.check)
    assert report.pending == ()
    assert report.exit_code is ExitCode.NO_WAY_BACK
    gates = ["blockers", "backup", "archive", "marker"]
    assert [item.name for item in report.results][-4:] == gates
    told = {item.name: item.findings[0].message for item in report.results}
    assert told["scripts"] == "no script is pending"
    assert told["syntax"] == "no script is to be run"


def test_check_tells_of_each_backup(gate: Gate, tmp_path: Path) -> None:
    """Of a service that a command asks: its snapshots, and up to when it restores."""
    document = own_document()
    del document["wal"]
    host = ask(gate, bootstrap.info).database["host"]
    until = datetime.now(UTC) - timedelta(minutes=4)
    document |= {
        "system_identifier": None,
        "hosts": [host],
        "restorable_until": until.isoformat(),
    }
    document["backups"][1]["error"] = True
    source = parse_backup_source(printing(tmp_path, json.dumps(document).encode()))
    gate.settings = gate.settings._replace(backup=gate.settings.backup._replace(source=source))
    report = ask(gate, bootstrap.check)
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.backups is not None
    newest, usable = report.backups.rows
    assert (newest.label, newest.restorable) == ("tuesday", "no")
    assert newest.reasons == ("contains damaged pages",)
    assert (usable.label, usable.restorable) == ("monday", "yes")
    assert report.backups.window is not None
    assert (report.backups.window.latest, report.backups.window.restorable) == (until, "yes")
    done = gate.run()
    assert done.exit_code is ExitCode.OK, done.verdict
    assert done.marker is not None
    assert (done.marker.name, done.marker.is_archived) == (None, False)
    assert done.backups is not None


def test_check_that_is_refused_tells_of_each_backup_as_well(gate: Gate, tmp_path: Path) -> None:
    """That is when it matters; under a policy of warn the words stay what they are."""
    source = parse_backup_source(printing(tmp_path, edited(lambda _: None)))
    gate.settings = gate.settings._replace(
        backup=gate.settings.backup._replace(source=source, policy=Policy.WARN)
    )
    report = ask(gate, bootstrap.check)
    assert report.exit_code is ExitCode.NO_WAY_BACK
    assert report.backups is not None
    told = [(row.label, row.restorable) for row in report.backups.rows]
    assert told == [("tuesday", "no"), ("monday", "no")]
    assert "holds backups of cluster 7710702599933426604" in report.backups.rows[0].reasons[0]


def test_check_doubts_a_dump_that_is_small_for_its_database(gate: Gate, tmp_path: Path) -> None:
    """In a finding, and in the row of the dump, which counts all the same."""
    # A few rows on each page make a large table of little data.
    gate.database.execute(
        "CREATE UNLOGGED TABLE sparse WITH (fillfactor = 10)"
        " AS SELECT generate_series(1, 350000) AS n"
    )
    recorded = (SAMPLES / "plain.sql").read_bytes()
    dump = DumpPlace(tmp_path / "dumps").put(
        f"{gate.database.name}-{{}}.sql", recorded, timedelta(minutes=19)
    )
    backup = gate.settings.backup._replace(
        source=parse_backup_source(f"dump:{dump.parent}"), stanza=gate.database.name
    )
    gate.settings = gate.settings._replace(backup=backup)
    report = ask(gate, bootstrap.check)
    assert report.exit_code is ExitCode.OK, report.verdict
    (result,) = (item for item in report.results if item.name == "backup")
    assert [item.rule for item in result.findings] == ["backup-age", "backup-size"]
    assert report.backups is not None
    (row,) = report.backups.rows
    assert (row.restorable, row.label) == ("yes", dump.name)
    loss, doubt = row.reasons
    assert loss == "a restore loses everything after that"
    assert f"{row.label} {doubt}" == result.findings[-1].message


def test_check_sees_who_is_in_the_way(gate: Gate) -> None:
    """Names in the scripts are looked up as they will be when they run."""
    blockers = gate.settings.blockers._replace(policy=Policy.ENFORCE)
    gate.settings = gate.settings._replace(blockers=blockers)
    with gate.database.connect(autocommit=False) as other:
        other.execute("LOCK TABLE t")
        report = ask(gate, bootstrap.check)
        pid = other.info.backend_pid
    assert report.exit_code is ExitCode.BLOCKED
    assert str(pid) in report.verdict


def test_plan_tells_each_script(gate: Gate) -> None:
    """In running order, with its locks."""
    result = ask(gate, bootstrap.plan).results[-1]
    assert result.name == "plan"
    assert [item.facts["script"] for item in result.findings] == ["V2__x.sql", "R__v.sql"]
    lock = {"relation": "t", "mode": "AccessExclusiveLock", "target": "relation"}
    assert result.findings[0].facts["locks"] == [lock]


def test_info_shows_a_history_that_validate_refuses(gate: Gate) -> None:
    """Looking at the table of states is how one finds out."""
    gate.release({"V1__t.sql": "CREATE TABLE t (id bigint)"})
    report = ask(gate, bootstrap.info)
    assert report.exit_code is ExitCode.OK
    assert len(report.infos) == 3
    assert ask(gate, bootstrap.validate).exit_code is ExitCode.DRIFT
    assert ask(gate, bootstrap.verify).exit_code is ExitCode.DRIFT


def test_info_tells_of_a_failed_row_in_its_verdict(gate: Gate) -> None:
    """Without it, what stops every release is told as "nothing pending"."""
    gate.database.execute("UPDATE flyway_schema_history SET success = false WHERE version = '1'")
    report = ask(gate, bootstrap.info)
    assert report.exit_code is ExitCode.OK
    assert report.verdict.startswith("PASSED 0 OK: 1 failed, "), report.verdict


def test_info_that_cannot_read_the_history_says_so(gate: Gate) -> None:
    """The refusal is in the report, not a traceback."""
    gate.database.execute("ALTER TABLE flyway_schema_history DROP COLUMN checksum")
    report = ask(gate, bootstrap.info)
    assert report.exit_code is ExitCode.CONFIG
    assert report.results[-1].name == "history"
    assert "flyway_schema_history" in report.verdict


def test_lint_and_digest_need_no_database(gate: Gate) -> None:
    """They look at the files alone."""
    offline = gate.settings._replace(database=gate.settings.database._replace(target=None))
    gate.settings = offline
    assert ask(gate, bootstrap.lint).verdict.startswith("PASSED 0 OK: scripts can be read")
    report = ask(gate, bootstrap.digest)
    assert report.migration_set is not None
    assert report.migration_set.digest.startswith("sha256:")
    refused = ask(gate, bootstrap.plan)
    assert refused.verdict.startswith("REFUSED 10 CONFIG: no database is configured")


def test_lint_names_every_problem_at_once(gate: Gate) -> None:
    """One round of corrections is enough."""
    gate.release(
        {
            "V3__a.sql": "SELECT 'it",
            "V4__b.sql": "SELECT 1;\n\\connect other",
            "V5__c.sql": "SELECT '${who}';\nSELECT '${where}'",
            "V6__d.sql": "VACUUM;\nSELECT 1",
        }
    )
    report = ask(gate, bootstrap.lint)
    assert report.exit_code is ExitCode.BAD_SET
    message = deciding(report).message
    for part in (
        "V3__a.sql:1: unterminated quoted string",
        "V4__b.sql:2: psql meta-command \\connect, which only psql can run",
        "V5__c.sql",
        "who",
        "where",
        "V6__d.sql:2: VACUUM cannot run in a transaction",
    ):
        assert part in message


def test_stop_request_ends_every_command(gate: Gate) -> None:
    """Also those that only look."""
    gate.interrupt.set("SIGTERM")
    for name, command in COMMANDS.items():
        assert ask(gate, command).exit_code is ExitCode.INTERRUPTED, name


def test_rolled_back_release_is_passed_behind_a_newer_repeatable(gate: Gate) -> None:
    """Only `validate` takes it for lost, as Flyway does."""
    (gate.folder / "V2__x.sql").unlink()
    assert gate.run().exit_code is ExitCode.OK
    (gate.folder / "R__v.sql").unlink()
    report = gate.run()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert "ahead" in report.verdict
    assert ask(gate, bootstrap.verify).exit_code is ExitCode.OK
    assert ask(gate, bootstrap.validate).exit_code is ExitCode.DRIFT
