"""The marker of a run, by everything that a run leaves: codes, report, log, ledger, database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from hook.demo.repository import STANZA
from hook.errors import ExitCode
from tests.testbed.archiving import Archiving
from tests.testbed.database import Role, created_role
from tests.testbed.deployment import Deployment
from tests.testbed.process import Completed, RunningPresync

GOOD = {"V1__t.sql": "CREATE TABLE t (id int)"}
BROKEN = {"V2__x.sql": "INSERT INTO t VALUES ('x')"}
RECORDED = (
    "SELECT marker_name, marker_lsn::text, marker_timeline, report->'marker'->>'segment',"
    " to_char(marker_time AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US') || '+00:00'"
    " FROM presync_run ORDER BY id DESC LIMIT 1"
)
UNTOUCHED = "SELECT to_regclass('flyway_schema_history'), to_regclass('presync_run')"

RunPresync = Callable[..., Completed]


@pytest.fixture
def environment(archiving: Archiving, shop: Deployment) -> Callable[..., dict[str, str]]:
    """Return ``environment(**more)`` of a run."""
    return lambda **more: shop.env(**archiving.environment(**more))


Environment = Callable[..., dict[str, str]]


@pytest.fixture
def role(shop: Deployment) -> Iterator[Role]:
    """Return a role that migrates, and may not make a marker."""
    with created_role(shop.database) as made:
        shop.database.execute(f'GRANT CREATE ON SCHEMA public TO "{made.name}"')
        shop.database.execute(f'GRANT pg_monitor TO "{made.name}"')
        yield made


@pytest.fixture
def as_role(shop: Deployment, environment: Environment, role: Role) -> Environment:
    """Return ``as_role(**more)``: the environment of a run as that role."""
    return lambda **more: environment(PRESYNC_URL=shop.database.url_for(role), **more)


def findings(done: Completed) -> list[dict[str, Any]]:
    """Return what the marker's gate has found."""
    return [
        finding
        for stage in done.report["stages"]
        if stage["name"] == "marker"
        for finding in stage["findings"]
    ]


def test_marker_is_in_report_log_and_ledger(
    shop: Deployment, environment: Environment, run_presync: RunPresync
) -> None:
    """The same everywhere, in front of everything the run has written."""
    shop.release(GOOD)
    done = run_presync(["run"], environment())
    assert done.exit_code == ExitCode.OK, done.stderr
    marker = done.report["marker"]
    assert marker["archived"] is True
    facts = [marker[key] for key in ("name", "lsn", "timeline", "segment", "time")]
    assert shop.database.query(RECORDED) == [tuple(facts)]
    (told,) = done.events_named("marker.recorded")
    assert [told[key] for key in ("name", "lsn", "timeline", "segment", "time")] == facts
    created = "SELECT min(installed_on)::timestamptz > %s FROM flyway_schema_history"
    with shop.database.connect() as admin:
        assert admin.execute(created, (marker["time"],)).fetchone() == (True,)
    names = [event["stage"] for event in done.events_named("stage.finished")]
    assert names.index("archive") < names.index("marker") < names.index("ledger")


def test_way_back_is_shown_to_people(
    shop: Deployment, environment: Environment, run_presync: RunPresync
) -> None:
    """In the text of the run, and of the runs before."""
    shop.release(GOOD)
    done = run_presync(["run", "--format", "text"], environment())
    assert "way back to before this run" in done.stdout
    assert f"  pgbackrest --stanza={STANZA} --delta --set=" in done.stdout
    shown = run_presync(["info", "--runs", "--format", "text"], environment())
    (run,) = run_presync(["info", "--runs"], environment()).report["runs"]
    assert f"began at {run['marker']['lsn']} on timeline 1, {run['marker']['time']}" in shown.stdout
    assert run["marker"]["name"].startswith("presync-")


def test_run_with_nothing_to_do_leaves_no_marker(
    shop: Deployment, environment: Environment, run_presync: RunPresync
) -> None:
    """It changes nothing, so there is nothing to go back from."""
    shop.apply(GOOD)
    done = run_presync(["run"], environment())
    assert (done.exit_code, done.report["marker"]) == (ExitCode.OK, {})
    assert done.events_named("marker.recorded") == []


def test_marker_comes_before_the_first_callback(
    shop: Deployment, environment: Environment, run_presync: RunPresync
) -> None:
    """Its SQL is the first of the release that the server runs."""
    # Beside the schema of the release, which is to be empty.
    position = (
        "CREATE SCHEMA IF NOT EXISTS aside; CREATE TABLE IF NOT EXISTS aside.seen AS"
        " SELECT pg_current_wal_insert_lsn() AS lsn"
    )
    shop.release({**GOOD, "afterConnect.sql": position})
    done = run_presync(["run"], environment())
    assert done.exit_code == ExitCode.OK, done.stderr
    lsn = done.report["marker"]["lsn"]
    assert shop.database.query(f"SELECT lsn >= '{lsn}' FROM aside.seen") == [(True,)]
    assert len(done.events_named("marker.recorded")) == 1


def test_check_tells_beforehand_what_is_missing(
    shop: Deployment, environment: Environment, run_presync: RunPresync, role: Role
) -> None:
    """Nothing is made; the grant is named before a deployment needs it."""
    shop.release(GOOD)
    url = shop.database.url_for(role)
    done = run_presync(["check"], environment(PRESYNC_URL=url))
    assert done.exit_code == ExitCode.NO_WAY_BACK
    (finding,) = findings(done)
    assert f'pg_create_restore_point(text), pg_switch_wal() TO "{role.name}";' in finding["hint"]
    assert run_presync(["check"], environment()).exit_code == ExitCode.OK


def test_missing_right_refuses_and_leaves_the_database_untouched(
    shop: Deployment, as_role: Environment, run_presync: RunPresync
) -> None:
    """What is known instead of a marker is told all the same."""
    shop.release(GOOD)
    done = run_presync(["run"], as_role())
    assert done.exit_code == ExitCode.NO_WAY_BACK
    assert [finding["status"] for finding in findings(done)] == ["failed"]
    assert done.report["verdict"].endswith("; database untouched")
    assert shop.database.query(UNTOUCHED) == [(None, None)]
    assert (done.report["marker"]["name"], bool(done.report["marker"]["lsn"])) == (None, True)


@pytest.mark.parametrize(
    "settings",
    [
        {"PRESYNC_MARKER_POLICY": "warn"},
        {"PRESYNC_OVERRIDE": "marker", "PRESYNC_OVERRIDE_REASON": "no DBA at night"},
    ],
    ids=["policy", "override"],
)
def test_run_goes_on_without_the_right_where_somebody_said_so(
    shop: Deployment, as_role: Environment, run_presync: RunPresync, settings: dict[str, str]
) -> None:
    """With a warning, the position alone, and the ways back to that."""
    shop.release(GOOD)
    done = run_presync(["run"], as_role(**settings))
    assert done.exit_code == ExitCode.OK, done.stderr
    (finding,) = findings(done)
    assert (finding["status"], done.report["marker"]["name"]) == ("warned", None)
    assert "--type=lsn" in done.report["marker"]["restore"][0]["command"]


def test_marker_that_nobody_wants_is_not_made(
    shop: Deployment, as_role: Environment, run_presync: RunPresync
) -> None:
    """The run says so, and records nothing."""
    shop.release(GOOD)
    done = run_presync(["run"], as_role(PRESYNC_MARKER_POLICY="off"))
    assert (done.exit_code, done.report["marker"]) == (ExitCode.OK, {})
    assert [finding["rule"] for finding in findings(done)] == ["marker-off"]


def test_marker_that_is_not_archived_stops_the_run(
    shop: Deployment, environment: Environment, run_presync: RunPresync, archiving: Archiving
) -> None:
    """The archiver was killed, and nobody but the marker notices: nothing is applied."""
    archiving.archive_with("false")
    shop.release(GOOD)
    late = {"PRESYNC_ARCHIVE_POLICY": "off", "PRESYNC_MARKER_WAIT": "1s"}
    done = run_presync(["run"], environment(**late))
    assert done.exit_code == ExitCode.NO_WAY_BACK
    assert done.report["verdict"].startswith("REFUSED 18 NO_WAY_BACK: marker not archived: its WAL")
    assert shop.database.query(UNTOUCHED) == [(None, None)]
    assert done.report["marker"]["archived"] is False
    warned = run_presync(
        ["run", "--format", "text"], environment(**late, PRESYNC_MARKER_POLICY="warn")
    )
    assert warned.exit_code == ExitCode.OK, warned.stderr
    assert "nobody saw its WAL in a repository" in warned.stdout


def test_stop_request_ends_the_wait_for_the_marker(
    shop: Deployment,
    environment: Environment,
    archiving: Archiving,
    start_presync: Callable[..., RunningPresync],
) -> None:
    """Exit code 40 at once, and the database is as it was."""
    archiving.archive_with("false")
    shop.release(GOOD)
    running = start_presync(["run"], environment(PRESYNC_ARCHIVE_POLICY="off"))
    running.wait_for_event("retry.scheduled", matching={"stage": "marker"})
    running.send_signal()
    done = running.wait()
    assert done.exit_code == ExitCode.INTERRUPTED
    assert done.report["verdict"].endswith("; database untouched")
    assert shop.database.query(UNTOUCHED) == [(None, None)]


def test_failure_with_something_applied_tells_the_way_back_in_the_log(
    shop: Deployment, environment: Environment, run_presync: RunPresync
) -> None:
    """As the last event but the verdict; where all was rolled back there is nothing to undo."""
    shop.release(GOOD | BROKEN)
    done = run_presync(["run"], environment())
    assert done.exit_code == ExitCode.SQL_FAILED
    way, last = done.events[-2:]
    assert (way["event"], last["event"]) == ("marker.restore", "run.finished")
    assert way["restore"] == done.report["marker"]["restore"]
    assert way["restore"][0]["command"] in way["message"]
    again = run_presync(["run", "--retry-failed"], environment())
    assert again.exit_code == ExitCode.SQL_FAILED
    assert again.events_named("marker.restore") == []


def test_position_is_recorded_without_a_backup_source(
    shop: Deployment, run_presync: RunPresync, role: Role
) -> None:
    """An ordinary role reads it; nothing is waited for, and no way back is claimed."""
    shop.release(GOOD)
    done = run_presync(["run"], shop.env(PRESYNC_URL=shop.database.url_for(role)))
    assert done.exit_code == ExitCode.OK, done.stderr
    marker = done.report["marker"]
    assert (marker["name"], marker["archived"], marker["restore"]) == (None, False, [])
    assert findings(done)[0]["message"].startswith("no WAL archive is looked at")
    assert shop.database.query(RECORDED)[0][1] == marker["lsn"]
