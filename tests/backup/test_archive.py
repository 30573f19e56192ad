"""The WAL archive that real pgBackRest keeps: whole, with holes, behind, and on two timelines."""

from __future__ import annotations

import bz2
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from hook.errors import ExitCode
from tests.backup.conftest import ARCHIVING, CHECKSUMS, Ask, Make
from tests.backup.test_chain import missing
from tests.testbed.binaries import Binaries
from tests.testbed.database import created_database, created_role
from tests.testbed.gate_answer import assert_answer, findings
from tests.testbed.pgbackrest import (
    PASSPHRASE,
    PgBackRest,
    PgBackRestFailed,
    Place,
    new_pgbackrest,
)
from tests.testbed.postgres_server import PostgresServer, running_server, running_standby
from tests.testbed.run_context import eventually

COMPRESSIONS = ("none", "gz", "lz4", "zst", "bz2")


@pytest.fixture(scope="module", params=["directory", "s3"])
def archived(
    request: pytest.FixtureRequest,
    primary: PostgresServer,
    new_place: Callable[[str, str], Place],
) -> Iterator[tuple[PgBackRest, list[str]]]:
    """Return a backup and the segments after it, one of each compression; nothing is left open."""
    with new_pgbackrest(primary, [new_place(request.param, "archived")]) as tool:
        tool.create_stanza()
        tool.back_up("full")
        segments = []
        for compression in COMPRESSIONS:
            tool.archive(f"--compress-type={compression}")
            segments.append(tool.finish_segment())
            tool.await_archived(segments[-1])
        yield tool, segments


Archived = tuple[PgBackRest, list[str]]


def test_whole_archive_is_told_from_the_backup_to_now(archived: Archived, ask: Ask) -> None:
    """Three verdicts: backup, archive, archiver; and whatever the compression, it counts."""
    tool, segments = archived
    done = ask(tool)
    start = tool.backups()[-1]["archive"]["start"]
    whole = f"segments without a hole, {start} to "
    assert_answer(done, ExitCode.OK, "archive", whole, "last archived ", "0 segments waiting")
    by_rule = {finding["rule"]: finding for finding in findings(done, "archive")}
    assert set(by_rule) == {"archiver", "wal-archive", "wal-lag"}
    assert by_rule["wal-archive"]["last"] >= segments[-1]
    row = done.report["backups"]["rows"][0]
    assert (row["restorable"], row["reasons"]) == ("yes", [])
    assert (row["wal_from"], row["wal_to"]) == (start, by_rule["wal-archive"]["last"])
    assert (row["holes"], row["missing_segments"]) == ([], 0)
    assert len({path.suffix for name in segments for path in tool.segment_files(name)}) == 5


@pytest.mark.parametrize("position", [0, 2, -1])
def test_hole_is_refused_by_name(archived: Archived, ask: Ask, position: int) -> None:
    """Behind the backup, in the middle, and where the server says that it has archived."""
    tool, segments = archived
    (file,) = tool.segment_files(segments[position])
    with missing(file):
        done = ask(tool)
    hole = f"WAL is missing: {segments[position]} is not in pgBackRest stanza app"
    assert_answer(done, ExitCode.NO_WAY_BACK, "archive", hole, "a restore ends before it")
    assert_answer(done, ExitCode.NO_WAY_BACK, "backup", "newest usable backup")
    row = done.report["backups"]["rows"][0]
    assert (row["restorable"], row["holes"]) == ("no", [segments[position]])
    assert row["wal_to"] < segments[position]
    assert hole in row["reasons"][0]


def test_missing_wal_of_the_backup_itself_is_told(archived: Archived, ask: Ask) -> None:
    """Fresh, complete and without errors, and not restorable."""
    tool, _ = archived
    start = tool.backups()[-1]["archive"]["start"]
    (file,) = tool.segment_files(start)
    with missing(file):
        done = ask(tool)
    lost = "the backup itself cannot be restored"
    assert_answer(done, ExitCode.NO_WAY_BACK, "archive", start, lost)


def test_segment_that_is_there_twice_is_refused(archived: Archived, ask: Ask) -> None:
    """As pgBackRest itself refuses to restore it."""
    tool, segments = archived
    (file,) = tool.segment_files(segments[1])
    other = file.with_name(f"{segments[1]}-{'0' * 40}{file.suffix}")
    other.write_bytes(file.read_bytes())
    try:
        with pytest.raises(PgBackRestFailed, match="duplicates found"):
            tool.run("archive-get", segments[1], str(tool.folder / "spool" / "segment"))
        done = ask(tool)
    finally:
        other.unlink()
    assert_answer(done, ExitCode.NO_WAY_BACK, "archive", f"{segments[1]} is in ", "twice")


def test_segment_that_two_servers_have_archived_alike_counts_once(
    archived: Archived, ask: Ask
) -> None:
    """As pgBackRest itself restores it, whatever the compression of either."""
    tool, segments = archived
    plain, packed = (tool.segment_files(segments[index])[0] for index in (0, -1))
    other = plain.with_name(f"{plain.name}{packed.suffix}")
    other.write_bytes(bz2.compress(plain.read_bytes()))
    try:
        tool.run("archive-get", segments[0], str(tool.folder / "spool" / "segment"))
        done = ask(tool)
    finally:
        other.unlink()
    assert_answer(done, ExitCode.OK, "archive", "segments without a hole")


def test_idle_server_has_no_lag_and_a_busy_one_has(archived: Archived, ask: Ask) -> None:
    """Positions are compared, not times alone: what nobody changed nobody can lose."""
    tool, _ = archived
    tool.await_archived(tool.finish_segment())
    idle = ask(tool, PRESYNC_ARCHIVE_MAX_LAG="1ms")
    assert_answer(idle, ExitCode.OK, "archive", "all that was changed is archived")
    with tool.server.connect() as admin:
        admin.execute("CHECKPOINT")
        still = ask(tool, PRESYNC_ARCHIVE_MAX_LAG="1ms")
        assert_answer(still, ExitCode.OK, "archive", "all that was changed is archived")
        admin.execute("INSERT INTO aside.written VALUES (now())")
    busy = ask(tool, PRESYNC_ARCHIVE_MAX_LAG="1ms")
    assert_answer(busy, ExitCode.NO_WAY_BACK, "archive", "of WAL not archived since")
    assert_answer(ask(tool), ExitCode.OK, "archive", "of WAL not archived since")


def test_failing_archiver_is_told_until_it_has_recovered(make_pgbackrest: Make, ask: Ask) -> None:
    """A failure is a state until the next success, and history from then on."""
    tool = make_pgbackrest()
    tool.back_up("full")
    tool.archive_with("/bin/false")
    segment = tool.finish_segment()
    query = (
        "SELECT last_failed_wal = %s AND last_failed_time > last_archived_time"
        " FROM pg_stat_archiver"
    )
    with tool.server.connect() as admin:
        eventually(lambda: admin.execute(query, (segment,)).fetchone() == (True,))
    failing = ask(tool)
    assert_answer(
        failing, ExitCode.NO_WAY_BACK, "archive", f"archiving fails: {segment} at ", "failure"
    )
    tool.archive()
    tool.await_archived(segment)
    assert_answer(ask(tool), ExitCode.OK, "archive", "last archived ")


def test_archiver_that_throws_wal_away_leaves_a_hole(make_pgbackrest: Make, ask: Ask) -> None:
    """To the server all is well, as after archive-push-queue-max; only the listing tells."""
    tool = make_pgbackrest()
    tool.back_up("full")
    tool.archive_with("/bin/true")
    lost = tool.finish_segment()
    tool.await_archived(lost)
    done = ask(tool)
    assert_answer(done, ExitCode.NO_WAY_BACK, "archive", f"WAL is missing: {lost} is not in")
    (archiver,) = (item for item in findings(done, "archive") if item["rule"] == "archiver")
    assert archiver["status"] == "passed"


def test_wal_of_a_time_without_archive_mode_is_missing(
    binaries: Binaries, ask: Ask, new_place: Callable[[str, str], Place]
) -> None:
    """The archiver is healthy again, and knows nothing of what was written meanwhile."""
    with (
        running_server(binaries, ARCHIVING, CHECKSUMS) as server,
        new_pgbackrest(server, [new_place("directory", "paused")]) as tool,
    ):
        tool.create_stanza()
        tool.back_up("full")
        tool.await_archived(tool.finish_segment())
        _restart(server, archive_mode="off")
        lost = [tool.finish_segment() for _ in range(2)]
        _restart(server, archive_mode="on")
        done = ask(tool)
    assert_answer(done, ExitCode.NO_WAY_BACK, "archive", f"WAL is missing: {lost[0]}")
    (archiver,) = (item for item in findings(done, "archive") if item["rule"] == "archiver")
    assert archiver["status"] == "passed"


def _restart(server: PostgresServer, **settings: str) -> None:
    server.stop()
    server.configure(settings)
    server.start()


def test_server_without_archiving_is_refused(make_pgbackrest: Make, ask: Ask) -> None:
    """archive_mode is on and archive_command empty: nothing moves and nothing fails."""
    tool = make_pgbackrest()
    tool.back_up("full")
    tool.archive_with("")
    done = ask(tool)
    why = "the server archives no WAL: neither archive_command nor archive_library is set"
    assert_answer(done, ExitCode.NO_WAY_BACK, "archive", why)


def test_role_without_pg_monitor_is_told_what_it_cannot_see(
    make_pgbackrest: Make, ask: Ask, primary: PostgresServer
) -> None:
    """One segment may be on its way; since when two of them wait it cannot know."""
    tool = make_pgbackrest()
    tool.back_up("full")
    with created_database(primary) as database, created_role(database, "canary-password") as role:
        database.execute(f'GRANT CREATE ON SCHEMA public TO "{role.name}"')
        # It may not make a marker either, which is another gate's.
        env = {"PRESYNC_URL": database.url_for(role), "PRESYNC_MARKER_POLICY": "off"}
        tool.await_archived(tool.finish_segment())
        done = ask(tool, **env)
        unseen = "how many wait cannot be seen without pg_monitor"
        assert_answer(done, ExitCode.OK, "archive", unseen)
        # The server tries again after the test: then there is no folder, and nobody to wait for.
        held = f"test -d {tool.folder} && ! test -e {tool.folder}/go"
        tool.archive_with(f"while {held}; do sleep 0.1; done; false")
        for _ in range(2):
            tool.finish_segment()
        try:
            blind, seeing = ask(tool, **env), ask(tool)
        finally:
            (tool.folder / "go").touch()
    assert_answer(blind, ExitCode.UNKNOWN_BACKUP, "archive", "2 finished segments not archived yet")
    assert_answer(seeing, ExitCode.OK, "archive", "2 segments waiting")


def test_timeline_history_is_followed_through_an_encrypted_archive(
    binaries: Binaries, ask: Ask, new_place: Callable[[str, str], Place]
) -> None:
    """After a failover the way leads over both timelines, if the history is there."""
    place = new_place("directory", "failover")
    encrypted = {"cipher-type": "aes-256-cbc", "cipher-pass": PASSPHRASE}
    place = replace(place, options={**place.options, **encrypted})
    env = {"PRESYNC_BACKUP_CIPHER_PASS": PASSPHRASE}
    with (
        running_server(binaries, ARCHIVING, CHECKSUMS) as old,
        new_pgbackrest(old, [place]) as tool,
    ):
        tool.create_stanza()
        tool.back_up("full")
        tool.await_archived(tool.finish_segment())
        with running_standby(old) as new:
            eventually(lambda: has_caught_up(old, new))
            old.stop()
            promoted = PgBackRest(new, tool.folder, tool.places)
            promoted.configure({})
            new.promote()
            segment = promoted.finish_segment()
            promoted.await_archived(segment)
            done = ask(promoted, **env)
            assert segment.startswith("00000002")
            assert_answer(done, ExitCode.OK, "archive", f" to {segment}")
            (history,) = (place.root / "archive" / tool.stanza).glob("*/00000002.history")
            with missing(history):
                lost = ask(promoted, **env)
            assert_answer(
                lost, ExitCode.NO_WAY_BACK, "archive", "00000002.history is not in pgBackRest"
            )


def has_caught_up(old: PostgresServer, new: PostgresServer) -> bool:
    """Tell whether the standby *new* has replayed all that *old* wrote."""
    with old.connect() as primary, new.connect() as standby:
        end = primary.execute("SELECT pg_current_wal_lsn()").fetchone()
        return standby.execute("SELECT pg_last_wal_replay_lsn()").fetchone() == end
