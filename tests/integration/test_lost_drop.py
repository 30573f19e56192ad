"""Connections that are lost amid what drops or detaches without locking anybody out."""

from __future__ import annotations

import pytest

from hook.errors import ExitCode
from tests.testbed.gate import Gate, deciding, settings_for
from tests.testbed.proxy import Fault, Proxy

BASE = """\
CREATE TABLE t (id int);
CREATE INDEX i ON t (id);
CREATE TABLE p (id int) PARTITION BY LIST (id);
CREATE TABLE c PARTITION OF p FOR VALUES IN (1);
CREATE TABLE q (id int) PARTITION BY LIST (id);
CREATE TABLE e PARTITION OF q FOR VALUES IN (1);
"""
DROP = "DROP INDEX CONCURRENTLY i"
DETACH = "ALTER TABLE p DETACH PARTITION c CONCURRENTLY"
NOTED = (
    "SELECT report #>> '{cut_off,script}', (report #> '{cut_off,done}')::int,"
    " (report #> '{cut_off,found}')::bool FROM presync_run ORDER BY id DESC LIMIT 1"
)
since_14 = pytest.mark.since_server(14, "DETACH … CONCURRENTLY")
STATEMENTS = [
    pytest.param(DROP, "index i is not there: dropped by an attempt that was cut off", id="drop"),
    pytest.param(
        DETACH,
        "c is no partition of p: detached by an attempt that was cut off",
        id="detach",
        marks=since_14,
    ),
]


@pytest.fixture
def proxied(gate: Gate, proxy: Proxy) -> Gate:
    """Return the gate with the proxy in front of its database, and what is to be dropped."""
    assert gate.run({"V1__base.sql": BASE}).exit_code is ExitCode.OK
    gate.settings = settings_for(proxy.target(gate.database), gate.folder)
    return gate


def has_told(gate: Gate, text: str) -> bool:
    """Tell whether a warning with *text* was shown."""
    notices = [told for event, told, _ in gate.events.told if event == "migration.notice"]
    return any(text in notice and ": WARNING " in notice for notice in notices)


@pytest.mark.parametrize(("statement", "told"), STATEMENTS)
def test_what_was_done_before_the_reply_was_lost_is_not_asked_for_twice(
    proxied: Gate, proxy: Proxy, statement: str, told: str
) -> None:
    """The second attempt is refused, and this refusal says that the first one was not."""
    proxy.lose(statement, Fault.REPLY)
    report = proxied.run({"V2__x.sql": statement})
    assert report.exit_code is ExitCode.OK, report.verdict
    assert report.migrations[0].attempts == 2
    assert has_told(proxied, told)
    assert proxied.history()[1:] == [(2, "2", "V2__x.sql", True)]


@pytest.mark.parametrize(("statement", "told"), STATEMENTS)
def test_next_run_goes_on_where_every_attempt_was_lost(
    proxied: Gate, proxy: Proxy, statement: str, told: str
) -> None:
    """The run had an end, and its row in the ledger says where it was cut off."""
    proxy.lose(statement, Fault.REPLY, times=3)
    report = proxied.run({"V2__x.sql": statement})
    assert report.exit_code is ExitCode.UNREACHABLE, report.verdict
    assert deciding(report).facts["goes_on"] == "V2__x.sql"
    assert proxied.database.query(NOTED) == [("V2__x.sql", 0, True)]
    assert "maybe left behind: " in report.verdict
    assert proxied.history()[1:] == []
    again = proxied.run()
    assert again.exit_code is ExitCode.OK, again.verdict
    assert has_told(proxied, told)
    assert proxied.history()[1:] == [(2, "2", "V2__x.sql", True)]


WRONG = [
    pytest.param("DROP INDEX CONCURRENTLY j", 'index "j" does not exist', id="drop"),
    pytest.param(
        "ALTER TABLE p DETACH PARTITION t CONCURRENTLY",
        'relation "t" is not a partition of relation "p"',
        id="detach",
        marks=since_14,
    ),
]


@pytest.mark.parametrize("before", ["", "INSERT INTO t VALUES (1);\n"], ids=["alone", "second"])
@pytest.mark.parametrize(("statement", "told"), WRONG)
def test_what_was_never_there_is_not_taken_for_gone(
    proxied: Gate, proxy: Proxy, statement: str, told: str, before: str
) -> None:
    """The answer that was lost is the same: the name is wrong, in this run and the next one."""
    alone = {"V2__x.sql.conf": "executeInTransaction=false"}
    proxy.lose(statement, Fault.REPLY)
    report = proxied.run({"V2__x.sql": before + statement, **alone})
    assert report.exit_code is (ExitCode.PARTIAL if before else ExitCode.SQL_FAILED)
    assert told in report.verdict


@pytest.mark.parametrize(("statement", "told"), WRONG)
def test_what_was_never_there_is_not_taken_for_gone_by_the_next_run(
    proxied: Gate, proxy: Proxy, statement: str, told: str
) -> None:
    """The ledger says that it was begun, and that nothing was there."""
    proxy.lose(statement, Fault.REPLY, times=3)
    report = proxied.run({"V2__x.sql": statement})
    assert report.exit_code is ExitCode.UNREACHABLE, report.verdict
    again = proxied.run()
    assert again.exit_code is ExitCode.SQL_FAILED, again.verdict
    assert told in again.verdict


def test_other_text_of_what_was_cut_off_is_not_taken_for_done(proxied: Gate, proxy: Proxy) -> None:
    """The next release has corrected it, and has a name wrong."""
    proxy.lose(DROP, Fault.REPLY, times=3)
    assert proxied.run({"V2__x.sql": DROP}).exit_code is ExitCode.UNREACHABLE
    report = proxied.run({"V2__x.sql": "DROP INDEX CONCURRENTLY j"})
    assert report.exit_code is ExitCode.SQL_FAILED, report.verdict
    assert 'index "j" does not exist' in report.verdict


def test_other_name_stays_an_error_where_nothing_was_cut_off(proxied: Gate) -> None:
    """Also when it is run again because somebody asks for that."""
    report = proxied.run({"V2__x.sql": "DROP INDEX CONCURRENTLY j"})
    assert report.exit_code is ExitCode.SQL_FAILED, report.verdict
    assert "cut_off" not in deciding(report).facts
    assert "IF EXISTS" in deciding(report).hint


@since_14
@pytest.mark.parametrize(
    ("partition", "told"), [("d", 'relation "d" does not exist'), ("e", "is not a partition of")]
)
def test_other_table_stays_an_error_where_something_was_cut_off(
    proxied: Gate, proxy: Proxy, partition: str, told: str
) -> None:
    """What is not there was never detached, nor was what is still attached elsewhere."""
    statement = f"ALTER TABLE p DETACH PARTITION {partition} CONCURRENTLY"
    proxy.lose(statement, Fault.REPLY)
    report = proxied.run({"V2__x.sql": statement})
    assert report.exit_code is ExitCode.SQL_FAILED, report.verdict
    assert told in report.verdict
    assert not any(row[1] == "2" and row[3] for row in proxied.history())


def test_other_name_behind_what_was_cut_off_stays_an_error(proxied: Gate, proxy: Proxy) -> None:
    """Of that statement nothing was ever sent."""
    proxy.lose(DROP, Fault.REPLY)
    report = proxied.run({"V2__x.sql": f"{DROP};\nDROP INDEX CONCURRENTLY j"})
    assert report.exit_code is ExitCode.PARTIAL, report.verdict
    assert 'index "j" does not exist' in report.verdict
    assert not any(row[1] == "2" and row[3] for row in proxied.history())
