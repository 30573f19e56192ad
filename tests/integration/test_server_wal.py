"""What the server tells of its log and its archiving, to whom."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from hook.clock import Interrupt
from hook.core.backups.wal import parse_segment
from hook.postgres.session import Session
from hook.postgres.wal import fetch_server_wal
from tests.testbed.database import Database, Role, created_role
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.run_context import eventually, open_session, target_of

FAILING = {"archive_mode": "on", "archive_command": "false"}


def _session(database: Database, calm: Interrupt, role: Role | None = None) -> Session:
    return open_session(target_of(database, role), calm)


def test_position_timeline_and_segment_size_are_the_servers_own(
    database: Database, calm: Interrupt
) -> None:
    """The segment being written is the one that the server names."""
    with _session(database, calm) as session:
        wal = fetch_server_wal(session)
        ((name,),) = session.fetch("SELECT pg_walfile_name(pg_current_wal_insert_lsn())")
    assert (wal.segment_size, wal.timeline) == (16 * 2**20, 1)
    assert parse_segment(name, wal.segment_size) == wal.current
    assert wal.archiver.is_off
    assert wal.archiver.mode == "off"


def test_segments_have_the_size_that_the_cluster_was_made_with(
    make_server: Callable[..., PostgresServer], calm: Interrupt
) -> None:
    """Not all have 16 MiB."""
    server = make_server(options=("--wal-segsize=1",))
    with _session(Database(server, "postgres"), calm) as session:
        wal = fetch_server_wal(session)
    assert wal.segment_size == 2**20


def test_archiver_that_fails_and_what_waits_are_told(
    make_server: Callable[..., PostgresServer], calm: Interrupt
) -> None:
    """The oldest waiting segment has a time; an ordinary role sees neither queue nor time."""
    database = Database(make_server(FAILING), "postgres")
    database.execute("CREATE TABLE t (); SELECT pg_switch_wal()")
    database.execute("CREATE TABLE u ()")
    query = "SELECT failed_count > 0 FROM pg_stat_archiver"
    eventually(lambda: database.query(query) == [(True,)])
    with _session(database, calm) as session:
        wal = fetch_server_wal(session)
    assert wal.archiver.is_failing
    assert wal.archiver.queue == 1
    assert wal.archiver.waiting_since is not None
    assert wal.archiver.waiting_since <= wal.time
    with created_role(database) as role, _session(database, calm, role) as session:
        unseen = fetch_server_wal(session).archiver
    assert unseen.is_failing
    assert (unseen.queue, unseen.waiting_since) == (None, None)


@pytest.mark.parametrize(("command", "has_destination"), [("", False), ("true", True)])
def test_command_is_a_destination(
    make_server: Callable[..., PostgresServer],
    calm: Interrupt,
    command: str,
    has_destination: bool,  # noqa: FBT001 - a case
) -> None:
    """Without one the server takes note of what it should archive, and of no failure."""
    server = make_server({"archive_mode": "on", "archive_command": command})
    with _session(Database(server, "postgres"), calm) as session:
        archiver = fetch_server_wal(session).archiver
    assert (archiver.mode, archiver.has_destination) == ("on", has_destination)
    assert archiver.is_off is not has_destination


@pytest.mark.since_server(15, "archive_library")
def test_library_is_a_destination(
    make_server: Callable[..., PostgresServer], calm: Interrupt
) -> None:
    """Whether it is any good the archiver finds out."""
    server = make_server({"archive_mode": "on", "archive_library": "nowhere"})
    with _session(Database(server, "postgres"), calm) as session:
        assert fetch_server_wal(session).archiver.has_destination


def test_idle_server_is_known_by_its_transactions(
    make_server: Callable[..., PostgresServer], calm: Interrupt
) -> None:
    """Since the last checkpoint nothing was changed, until something is."""
    database = Database(make_server(), "postgres")
    for statement in ("CREATE TABLE t ()", "CHECKPOINT"):
        database.execute(statement)
    with _session(database, calm) as session:
        idle = fetch_server_wal(session)
        database.execute("CREATE TABLE u ()")
        busy = fetch_server_wal(session)
    assert idle.checkpoint is not None
    assert busy.checkpoint is not None
    assert idle.checkpoint.redo == busy.checkpoint.redo <= idle.position
    assert idle.checkpoint.is_last_change
    assert not busy.checkpoint.is_last_change
    assert idle.checkpoint.every == timedelta(minutes=5)


def test_server_is_not_idle_where_a_change_was_under_way_at_the_checkpoint(
    make_server: Callable[..., PostgresServer], calm: Interrupt
) -> None:
    """Its commit comes behind the checkpoint and takes no number of its own."""
    database = Database(make_server(), "postgres")
    with database.connect() as other:
        other.execute("BEGIN")
        other.execute("CREATE TABLE t ()")
        database.execute("CHECKPOINT")
        other.execute("COMMIT")
        with _session(database, calm) as session:
            found = fetch_server_wal(session)
    assert found.checkpoint is not None
    assert not found.checkpoint.is_last_change


def test_what_waits_is_segments_and_the_oldest_tells_since_when(
    make_server: Callable[..., PostgresServer], calm: Interrupt
) -> None:
    """Files that are archived beside them, such as the history of a backup, are none."""
    server = make_server(FAILING)
    database = Database(server, "postgres")
    for number in range(3):
        database.execute(f"CREATE TABLE t{number} ()")
        database.execute("SELECT pg_switch_wal()")
    status = server.data / "pg_wal" / "archive_status"
    (first, *_) = sorted(path.name.removesuffix(".ready") for path in status.glob("*.ready"))
    odd = f"{first}.00000028.backup"
    (status.parent / odd).touch()
    (status / f"{odd}.ready").touch()
    os.utime(status.parent / odd, (0, 0))
    os.utime(status.parent / first, (86_400, 86_400))
    with _session(database, calm) as session:
        archiver = fetch_server_wal(session).archiver
    assert archiver.queue == 3
    assert archiver.waiting_since == datetime(1970, 1, 2, tzinfo=UTC)


def test_role_without_the_control_file_is_told_less(
    make_server: Callable[..., PostgresServer], calm: Interrupt
) -> None:
    """Where pg_control_checkpoint() is closed nobody is taken for idle."""
    database = Database(make_server(), "postgres")
    database.execute("REVOKE EXECUTE ON FUNCTION pg_control_checkpoint() FROM public; CHECKPOINT")
    with created_role(database) as role, _session(database, calm, role) as session:
        assert fetch_server_wal(session).checkpoint is None
