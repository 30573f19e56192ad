"""The marker on a real server: who may make one, where, and what is left open."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from hook.core.backups.dump_form import DumpForm
from hook.core.backups.restore_commands import RestoreSource
from hook.core.outcome import Status
from hook.errors import ConfigError, DatabaseUnreachable, ExitCode
from hook.stages import Context
from hook.stages.marker.position import PositionStage
from tests.fakes import FakeEvents
from tests.testbed.database import Database, created_role
from tests.testbed.marker_bench import GOOD, LABEL, MarkerBench, arriving, bench_on
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.run_context import eventually

GRANT = "GRANT EXECUTE ON FUNCTION pg_create_restore_point(text), pg_switch_wal() TO "
SESSIONS = (
    "SELECT count(*) FROM pg_stat_activity"
    " WHERE starts_with(application_name, 'presync/') AND datname = current_database()"
)


@pytest.fixture
def ordinary(marker_bench: MarkerBench) -> Iterator[MarkerBench]:
    """Return the bench with a role that has no rights beyond those of everybody."""
    with created_role(marker_bench.database) as role:
        marker_bench.role = role
        yield marker_bench


def test_marker_is_made_and_seen(marker_bench: MarkerBench, events: FakeEvents) -> None:
    """The restore point is in the log, its file is finished, and that file is waited for."""
    answers = iter([False, False, True])
    catalog = marker_bench.catalog(lambda _: next(answers))
    (finding,) = marker_bench.run(marker_bench.stage(catalog, wait=30))
    assert (finding.status, finding.rule) == (Status.PASSED, "marker-archived")
    first, last = marker_bench.noted
    assert (first.is_archived, last) == (False, first._replace(is_archived=True))
    assert first.name is not None
    assert first.name.startswith(f"presync-{marker_bench.database.name[:20]}")
    assert (first.backup, first.timeline, len(first.restore)) == (LABEL, 1, 4)
    assert first.system_identifier == marker_bench.identifier
    assert set(catalog.asked) == {first.segment}
    archived = f"SELECT last_archived_wal >= '{first.segment}' FROM pg_stat_archiver"
    eventually(lambda: marker_bench.database.query(archived) == [(True,)])
    (told,) = events.named("marker.recorded")
    assert (told["name"], told["lsn"], told["timeline"]) == (first.name, first.lsn, 1)


def test_no_session_is_left_and_nothing_is_open(marker_bench: MarkerBench) -> None:
    """A transaction that is open at the marker is lost by a restore to it."""
    open_now = f"{SESSIONS} AND xact_start IS NOT NULL"
    seen: list[list[tuple[object, ...]]] = []

    def answer(_name: str) -> bool:
        if len(catalog.asked) == 1:
            return False  # the marker is not made yet
        # The session of the run itself, and no other.
        eventually(lambda: marker_bench.database.query(SESSIONS) == [(1,)])
        seen.append(marker_bench.database.query(open_now))
        return True

    catalog = marker_bench.catalog(answer)
    marker_bench.run(marker_bench.stage(catalog, wait=30))
    assert seen == [[(0,)]]


def test_segment_that_is_there_before_it_is_finished_is_of_another_server(
    marker_bench: MarkerBench,
) -> None:
    """A copy of a cluster in front of the original's repository would wait for nothing."""
    marker_bench.database.execute("SELECT pg_logical_emit_message(false, 'presync', 'something')")
    (finding,) = marker_bench.run(marker_bench.stage(marker_bench.catalog(lambda _: True)))
    assert (finding.rule, finding.code) == ("wal-cluster", ExitCode.NO_WAY_BACK)
    (marker,) = marker_bench.noted
    assert (marker.name, marker.is_archived) == (None, False)
    assert finding.message.startswith(f"the fake catalog has WAL from {marker.segment} on, and")


def test_segment_that_is_finished_meanwhile_is_no_other_servers(
    marker_bench: MarkerBench,
) -> None:
    """Others write as well."""

    def finish(_name: str) -> bool:
        marker_bench.database.execute("SELECT pg_switch_wal()")
        return True

    marker_bench.database.execute("SELECT pg_logical_emit_message(false, 'presync', 'something')")
    (finding,) = marker_bench.run(marker_bench.stage(marker_bench.catalog(finish), wait=30))
    assert finding.status is Status.PASSED


def test_backup_that_ends_ahead_of_the_server_is_of_another(marker_bench: MarkerBench) -> None:
    """It was taken of the original, since the copy was made."""
    catalog = marker_bench.catalog(arriving())
    catalog.backups = (replace(GOOD, wal_start="0000000100000000000000F0", lsn_stop="0/F0000100"),)
    (finding,) = marker_bench.run(marker_bench.stage(catalog))
    assert (finding.rule, finding.code) == ("wal-cluster", ExitCode.NO_WAY_BACK)
    assert catalog.asked == []


def test_each_marker_has_a_name_of_its_own(marker_bench: MarkerBench) -> None:
    """Recovery stops at the first one of a name."""
    for _ in range(3):
        marker_bench.run(marker_bench.stage(marker_bench.catalog(arriving()), wait=30))
    assert len({marker.name for marker in marker_bench.noted}) == 3


def test_ordinary_role_has_a_position_only(ordinary: MarkerBench) -> None:
    """It is told which grant is missing; nothing is waited for."""
    catalog = ordinary.catalog()
    (finding,) = ordinary.run(ordinary.stage(catalog))
    assert (finding.status, finding.code) == (Status.FAILED, ExitCode.NO_WAY_BACK)
    (marker,) = ordinary.noted
    assert (marker.name, marker.is_archived, catalog.asked) == (None, False, [])
    assert finding.message.endswith(f"only the position is recorded: {marker.describe()}")
    assert len(marker.restore) == 3


def test_grant_as_it_is_printed_is_enough(ordinary: MarkerBench) -> None:
    """The statement of the hint, run as it stands; in another database it does nothing."""
    assert ordinary.role is not None
    grant = f'{GRANT}"{ordinary.role.name}";'
    with ordinary.database.server.connect() as admin:
        admin.execute(grant.encode())
        (refused,) = ordinary.run(ordinary.stage(ordinary.catalog()))
        # Or the role could not be dropped.
        admin.execute(grant.replace("GRANT", "REVOKE").replace(" TO ", " FROM ").encode())
    assert grant in refused.hint
    ordinary.database.execute(grant)
    (finding,) = ordinary.run(ordinary.stage(ordinary.catalog(arriving()), wait=30))
    assert finding.status is Status.PASSED
    (looked,) = ordinary.look(ordinary.stage(ordinary.catalog()))
    assert looked.status is Status.PASSED


def test_role_that_may_not_switch_waits_for_others(ordinary: MarkerBench) -> None:
    """The file goes on being written; whoever fills it helps, else the right is named."""
    assert ordinary.role is not None
    role = ordinary.role.name
    ordinary.database.execute(
        f'GRANT EXECUTE ON FUNCTION pg_create_restore_point(text) TO "{role}"'
    )
    (finding,) = ordinary.run(ordinary.stage(ordinary.catalog()))
    assert "may not execute pg_switch_wal()" in finding.message
    (helped,) = ordinary.run(ordinary.stage(ordinary.catalog(arriving()), wait=30))
    assert helped.status is Status.PASSED
    (looked,) = ordinary.look(ordinary.stage(ordinary.catalog()))
    assert looked.status is Status.WARNED


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({}, "archive_mode is off"),
        ({"wal_level": "minimal", "max_wal_senders": "0"}, "archive_mode is off"),
        ({"archive_mode": "on"}, "neither archive_command nor archive_library is set"),
    ],
)
def test_server_that_archives_nothing_gives_a_position(
    make_server: Callable[..., PostgresServer], ctx: Context, settings: dict[str, str], why: str
) -> None:
    """No wait could help; nothing is written into the log."""
    marker_bench = bench_on(Database(make_server(settings), "postgres"), ctx)
    catalog = marker_bench.catalog()
    (finding,) = marker_bench.run(marker_bench.stage(catalog))
    assert (finding.rule, finding.code) == ("marker-archiving", ExitCode.NO_WAY_BACK)
    assert why in finding.message
    assert (marker_bench.noted[0].name, catalog.asked) == (None, [])
    archiving, rights = marker_bench.look(marker_bench.stage(catalog))
    assert (archiving.rule, rights.rule) == ("marker-archiving", "marker-rights")


def test_standby_gives_no_marker(standby: PostgresServer, ctx: Context) -> None:
    """After a failover the address may lead to the old primary."""
    marker_bench = bench_on(Database(standby, "postgres"), ctx)
    with pytest.raises(DatabaseUnreachable, match="is a standby"):
        marker_bench.run(marker_bench.stage(marker_bench.catalog()))
    assert marker_bench.noted == []


def test_other_cluster_gives_no_marker(marker_bench: MarkerBench) -> None:
    """A restore point there is none here."""
    marker_bench.identifier = "42"
    with pytest.raises(ConfigError, match="the run works on 42"):
        marker_bench.run(marker_bench.stage(marker_bench.catalog()))


def test_server_on_another_timeline_gives_no_marker(marker_bench: MarkerBench) -> None:
    """The address leads to one that was promoted, while the run still has the one before it."""
    marker_bench.timeline = 2
    with pytest.raises(DatabaseUnreachable, match="timeline 1, that of the run on 2"):
        marker_bench.run(marker_bench.stage(marker_bench.catalog()))
    assert marker_bench.noted == []
    marker_bench.timeline = None
    (finding,) = marker_bench.run(marker_bench.stage(marker_bench.catalog(arriving()), wait=30))
    assert finding.status is Status.PASSED


def test_position_is_noted_where_no_wal_is_kept(ordinary: MarkerBench) -> None:
    """Every role can read it; a managed service restores to a time."""
    managed = RestoreSource("rds", "shop")
    (finding,) = ordinary.run(PositionStage(managed))
    assert (finding.status, finding.code) == (Status.SKIPPED, ExitCode.OK)
    (marker,) = ordinary.noted
    assert "restore-db-instance-to-point-in-time" in marker.restore[0].command
    ordinary.run(PositionStage(None))
    assert ordinary.noted[1].restore == ()
    (looked,) = ordinary.look(PositionStage(None))
    assert looked.status is Status.SKIPPED


def test_position_names_the_dump_that_a_restore_would_begin_with(ordinary: MarkerBench) -> None:
    """Also where nobody knows by which command."""
    dump = replace(GOOD, label="2026/shop.dump", form=DumpForm.ARCHIVE)
    ordinary.run(PositionStage(RestoreSource("dump", "", "/backups"), dump))
    ordinary.run(PositionStage(None, dump))
    known, unknown = ordinary.noted
    assert known.backup == unknown.backup == "2026/shop.dump"
    assert known.system_identifier == ordinary.identifier
    assert [way.command.endswith("/backups/2026/shop.dump") for way in known.restore] == [True]
    assert unknown.restore == ()


def test_position_that_may_not_be_read_stops_nobody(ordinary: MarkerBench) -> None:
    """Nothing depends on it."""
    ordinary.database.execute("REVOKE EXECUTE ON FUNCTION pg_current_wal_insert_lsn() FROM public")
    (finding,) = ordinary.run(PositionStage(None))
    assert (finding.status, finding.code) == (Status.WARNED, ExitCode.OK)
    assert ordinary.noted == []
