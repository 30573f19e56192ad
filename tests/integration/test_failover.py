"""A standby is promoted while a migration runs, and the address leads to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from hook.clock import Interrupt
from hook.core.outcome import Finding, Policy
from hook.core.reporting.report import Report
from hook.errors import ExitCode
from hook.settings import BlockerSettings
from tests.fakes import FakeEvents
from tests.testbed.database import Database
from tests.testbed.gate import Gate, run_settings, settings_for
from tests.testbed.postgres_server import PostgresServer, running_standby
from tests.testbed.proxy import Fault, Proxy, running_proxy
from tests.testbed.run_context import eventually

ROW = 'INSERT INTO "public"."flyway_schema_history"'
FILES = {"V1__a.sql": "CREATE TABLE a ()", "V2__b.sql": "CREATE TABLE b ()"}
LAST = {"V3__c.sql": "CREATE TABLE c ()"}
LATER = {**LAST, "V4__d.sql": "CREATE TABLE d ()"}
ALONE = "executeInTransaction=false"
# The receiver of the WAL stops, and the standby with it.
CUT_OFF = "ALTER SYSTEM SET primary_conninfo = ''"


class Pair:
    """A primary with its standby, behind one address."""

    def __init__(self, primary: PostgresServer, standby: PostgresServer, proxy: Proxy) -> None:
        """Begin with the primary."""
        self.old, self.new = Database(primary, "postgres"), Database(standby, "postgres")
        self.proxy = proxy

    def await_row(self, script: str) -> None:
        """Return once the standby has the history row of *script*."""
        query = f"SELECT 1 FROM flyway_schema_history WHERE script = '{script}'"
        known = "SELECT to_regclass('flyway_schema_history') IS NOT NULL"
        eventually(lambda: self.new.query(known) == [(True,)] and bool(self.new.query(query)))

    def cut_off(self) -> None:
        """Let the standby hear no more of the primary."""
        self.new.execute(CUT_OFF)
        self.new.query("SELECT pg_reload_conf()")
        eventually(lambda: not self.new.query("SELECT 1 FROM pg_stat_wal_receiver"))

    def fail_over(self) -> None:
        """Take the primary down and let the address lead to the standby."""
        self.old.server.stop("immediate")
        self.new.server.promote()
        self.proxy.lead_to(self.new.server)


@pytest.fixture
def pair(make_server: Callable[..., PostgresServer]) -> Iterator[Pair]:
    """Return a pair of servers."""
    primary = make_server()
    with running_standby(primary) as standby, running_proxy(primary) as proxy:
        yield Pair(primary, standby, proxy)


@pytest.fixture
def failing(pair: Pair, interrupt: Interrupt, events: FakeEvents, tmp_path: Path) -> Gate:
    """Return the gate on that address, with a database of two migrations."""
    settings = settings_for(pair.proxy.target(pair.old), tmp_path)
    gate = Gate(pair.old, tmp_path, interrupt, settings, events)
    assert gate.run(FILES).exit_code is ExitCode.OK
    pair.await_row("V2__b.sql")
    return gate


def failover_of(report: Report) -> Finding:
    """Return what *report* tells of the failover."""
    findings = (item for result in report.results for item in result.findings)
    return next(item for item in findings if item.rule == "failover")


def scripts_of(database: Database) -> list[object]:
    """Return what the history of *database* has, and make sure that the tables agree."""
    rows = database.query("SELECT script FROM flyway_schema_history ORDER BY installed_rank")
    scripts = [script for (script,) in rows]
    tables = database.query(
        "SELECT tablename FROM pg_tables WHERE tablename IN ('a', 'b', 'c', 'd') ORDER BY 1"
    )
    assert [str(script)[4] for script in scripts] == [name for (name,) in tables]
    return scripts


def test_run_without_the_lock_goes_on_with_the_new_primary(failing: Gate, pair: Pair) -> None:
    """It has done nothing yet, and reads everything again; the report warns of the failover."""
    pair.proxy.refuse_from("provokes this error", Fault.REQUEST)
    running = failing.start({"V3__c.sql": "CREATE TABLE c AS SELECT 1"})
    eventually(lambda: bool(failing.events.named("connection.lost")))
    pair.fail_over()
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert failover_of(report).facts == {"timeline_before": 1, "timeline": 2}
    assert report.database["timeline"] == 2
    assert scripts_of(pair.new) == [*FILES, *LAST]


def test_run_with_the_lock_migrates_no_other_primary(failing: Gate, pair: Pair) -> None:
    """The lock was the old one's, and what the gates have found may be wrong of the new one."""
    blockers = BlockerSettings(Policy.ENFORCE, timedelta(minutes=30), timedelta(seconds=60))
    failing.settings = failing.settings._replace(blockers=blockers)
    pair.proxy.refuse_from("pg_prepared_xacts", Fault.REQUEST)
    running = failing.start(LAST)
    eventually(lambda: bool(failing.events.named("connection.lost")))
    pair.fail_over()
    report = running.report()
    assert report.verdict.startswith("FAILED 31 LOCKED: the migration lock is lost, as ")
    assert report.verdict.endswith("timeline 1 became 2; database untouched")
    assert scripts_of(pair.new) == [*FILES]
    assert failing.run().exit_code is ExitCode.OK
    assert scripts_of(pair.new) == [*FILES, *LAST]


@pytest.mark.parametrize("event", ["beforeMigrate", "afterMigrate"])
def test_callback_is_not_run_again_on_another_primary(
    failing: Gate, pair: Pair, event: str
) -> None:
    """What it has done is not there, and the lock was the old one's."""
    pair.proxy.refuse_from("CREATE TABLE d", Fault.REQUEST)
    running = failing.start({**LAST, f"{event}.sql": "CREATE TABLE d ()"})
    eventually(lambda: bool(failing.events.named("connection.lost")))
    pair.await_row({"beforeMigrate": "V2__b.sql", "afterMigrate": "V3__c.sql"}[event])
    pair.fail_over()
    report = running.report()
    assert report.verdict.startswith("FAILED 31 LOCKED: the migration lock is lost, as ")
    assert "timeline 1 became 2" in report.verdict
    assert pair.new.query("SELECT to_regclass('d')") == [(None,)]


def test_callback_that_seems_committed_on_another_primary_needs_a_human(
    failing: Gate, pair: Pair
) -> None:
    """Its number may be that of another transaction there."""
    pair.proxy.refuse_from("CREATE TABLE d", Fault.REPLY)
    running = failing.start({**LAST, "beforeMigrate.sql": "CREATE TABLE d ()"})
    eventually(lambda: pair.new.query("SELECT to_regclass('d') IS NOT NULL") == [(True,)])
    pair.fail_over()
    report = running.report()
    assert report.exit_code is ExitCode.PARTIAL, report.verdict
    assert "whether it was committed is unknown" in report.verdict


def test_commit_that_has_reached_the_new_primary_counts(failing: Gate, pair: Pair) -> None:
    """Its row decides; the next migration is not begun, as the lock was the old primary's."""
    pair.proxy.refuse_from("CREATE TABLE c", Fault.REPLY)
    running = failing.start(LATER)
    pair.await_row("V3__c.sql")
    pair.fail_over()
    report = running.report()
    assert report.exit_code is ExitCode.LOCKED, report.verdict
    assert "has failed over to another primary, timeline 1 became 2" in report.verdict
    assert [item.script for item in report.migrations] == ["V3__c.sql"]
    assert failover_of(report).facts == {"timeline_before": 1, "timeline": 2}
    assert [item["timeline"] for item in failing.events.named("primary.changed")] == [2]
    assert scripts_of(pair.new) == [*FILES, *LAST]
    assert failing.run().exit_code is ExitCode.OK
    assert scripts_of(pair.new) == [*FILES, *LATER]


def test_commits_that_have_not_reached_the_new_primary_are_told(failing: Gate, pair: Pair) -> None:
    """What was reported as applied is not any more, and the next run applies it again."""
    pair.cut_off()
    pair.proxy.refuse_from("CREATE TABLE d", Fault.REPLY)
    running = failing.start(LATER)
    eventually(lambda: bool(failing.events.named("connection.lost")))
    assert scripts_of(pair.old) == [*FILES, *LATER]
    pair.fail_over()
    report = running.report()
    assert report.exit_code is ExitCode.LOCKED, report.verdict
    assert failover_of(report).facts["missing"] == ["V3__c.sql"]
    assert "committed before and not there: V3__c.sql" in failover_of(report).message
    assert report.migrations == ()
    assert scripts_of(pair.new) == [*FILES]
    assert failing.run().exit_code is ExitCode.OK
    assert scripts_of(pair.new) == [*FILES, *LATER]


def test_last_commit_that_has_reached_the_new_primary_ends_the_run_well(
    failing: Gate, pair: Pair
) -> None:
    """Nothing is left to be done; the report warns of the failover."""
    pair.proxy.refuse_from("CREATE TABLE c", Fault.REPLY)
    running = failing.start(LAST)
    pair.await_row("V3__c.sql")
    pair.fail_over()
    report = running.report()
    assert report.exit_code is ExitCode.OK, report.verdict
    assert failover_of(report).facts == {"timeline_before": 1, "timeline": 2}
    assert scripts_of(pair.new) == [*FILES, *LAST]


def test_new_primary_with_a_part_of_a_script_without_transaction_needs_a_human(
    failing: Gate, pair: Pair
) -> None:
    """Recorded as applied on the old one only; run again as it is, it would do a part twice."""
    script = "CREATE TABLE c ();\nSELECT pg_advisory_lock(1);\nCREATE INDEX ON a ((1))"
    pair.proxy.refuse_from("CREATE TABLE d", Fault.REPLY)
    failing.limit(run_settings(ladder=[60]))
    with pair.old.connect() as holder:
        holder.execute("SELECT pg_advisory_lock(1)")
        running = failing.start({**LATER, "V3__c.sql": script, "V3__c.sql.conf": ALONE})
        eventually(lambda: pair.new.query("SELECT to_regclass('c') IS NOT NULL") == [(True,)])
        pair.cut_off()
    eventually(lambda: bool(failing.events.named("connection.lost")))
    pair.fail_over()
    report = running.report()
    assert report.exit_code is ExitCode.PARTIAL, report.verdict
    assert "left behind: what V3__c.sql may have done" in report.verdict
    assert failover_of(report).facts["missing"] == ["V3__c.sql"]
    query = "SELECT script, success FROM flyway_schema_history ORDER BY installed_rank"
    assert pair.new.query(query)[2:] == [("V3__c.sql", False)]
    assert failing.run().exit_code is ExitCode.FAILED_BEFORE
    pair.new.execute("DROP TABLE c; DELETE FROM flyway_schema_history WHERE NOT success")
    assert failing.run().exit_code is ExitCode.OK
    assert scripts_of(pair.new) == [*FILES, *LATER]


def test_lost_script_that_came_behind_a_lost_commit_has_left_nothing(
    failing: Gate, pair: Pair
) -> None:
    """A standby has all that was written up to some moment, and nothing that came later."""
    pair.cut_off()
    script = "CREATE TABLE d ();\nCREATE INDEX ON a ((1))"
    pair.proxy.refuse_from("CREATE INDEX", Fault.REPLY)
    running = failing.start({**LATER, "V4__d.sql": script, "V4__d.sql.conf": ALONE})
    eventually(lambda: bool(failing.events.named("connection.lost")))
    pair.fail_over()
    report = running.report()
    assert report.exit_code is ExitCode.LOCKED, report.verdict
    assert failover_of(report).facts["missing"] == ["V3__c.sql"]
    assert scripts_of(pair.new) == [*FILES]
    assert failing.run().exit_code is ExitCode.OK
    assert scripts_of(pair.new) == [*FILES, *LATER]
