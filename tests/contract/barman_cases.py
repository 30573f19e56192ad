"""The states of a Barman server's backups, and what the gate must say of each."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from hook.catalogs.barman import INFO_LIMIT
from tests.contract.verdict import Case, cannot_tell, passes, refuses, warns
from tests.testbed.barman_server import (
    FAILED,
    FIRST,
    KILLED,
    NEWEST,
    OLDER,
    SYSTEM_IDENTIFIER,
    BarmanServer,
)

Make = Callable[[BarmanServer], object]

TABLESPACES = "[('fast', 16400, '/fast')]"
GOOD = f"newest usable backup {NEWEST} (full) stopped 19m"
OLDER_IS_GOOD = f"newest usable backup {OLDER} (full) stopped 20h 19m"


def _edit(**fields: str) -> Make:
    return lambda server: server.edit(NEWEST, **fields)


def _edit_both(**fields: str) -> Make:
    def make(server: BarmanServer) -> None:
        for label in (NEWEST, OLDER):
            server.edit(label, **fields)

    return make


def _write(data: bytes) -> Make:
    return lambda server: server.info(NEWEST).write_bytes(data)


def _write_both(data: bytes) -> Make:
    def make(server: BarmanServer) -> None:
        for label in (NEWEST, OLDER):
            server.info(label).write_bytes(data)

    return make


def _bloat(server: BarmanServer) -> None:
    with server.info(NEWEST).open("r+b") as file:
        file.truncate(INFO_LIMIT + 1)


def _truncate(server: BarmanServer) -> None:
    path = server.info(NEWEST)
    path.write_bytes(path.read_bytes()[: path.read_text().index("status=")])


def _add(label: str, sample: str, age: timedelta) -> Make:
    return lambda server: server.add(label, sample, datetime.now(UTC) - age)


def _only(label: str, sample: str, age: timedelta) -> Make:
    def make(server: BarmanServer) -> None:
        shutil.rmtree(server.folder / "base")
        server.add(label, sample, datetime.now(UTC) - age)

    return make


def _make_incremental(server: BarmanServer) -> None:
    server.edit(NEWEST, parent_backup_id=OLDER)


def _make_incremental_on(**fields: str) -> Make:
    def make(server: BarmanServer) -> None:
        _make_incremental(server)
        server.edit(OLDER, **fields)

    return make


def _make_incremental_on_nothing(server: BarmanServer) -> None:
    _make_incremental(server)
    shutil.rmtree(server.backup(OLDER))


def _lose_newest_of_older_cluster(server: BarmanServer) -> None:
    server.edit(OLDER, systemid="42")
    _truncate(server)


def _make_local(server: BarmanServer) -> None:
    """Lay the backups as a Barman server itself does since 3.13.2."""
    (server.folder / "meta").mkdir()
    for label in (NEWEST, OLDER):
        (server.backup(label) / "data.tar.gz").unlink()
        (server.backup(label) / "data").mkdir()
        (server.backup(label) / "data" / "PG_VERSION").write_text("15\n")
        server.info(label).rename(server.folder / "meta" / f"{label}-backup.info")


def _make_packed(server: BarmanServer) -> None:
    """Lay the newest backup as Barman with ``backup_compression`` does."""
    data = server.backup(NEWEST) / "data"
    data.mkdir()
    (server.backup(NEWEST) / "data.tar.gz").rename(data / "base.tar.gz")


def _local_with_tablespace(server: BarmanServer) -> None:
    """Add a tablespace, which Barman itself copies beside the data directory."""
    server.edit(NEWEST, tablespaces=TABLESPACES)
    _make_local(server)
    folder = server.backup(NEWEST) / "16400" / "PG_15_202209061"
    folder.mkdir(parents=True)
    (folder / "16401").write_bytes(b"table")


def _lose_local_tablespace(server: BarmanServer) -> None:
    _local_with_tablespace(server)
    shutil.rmtree(server.backup(NEWEST) / "16400" / "PG_15_202209061")


def _make_packed_tablespace(server: BarmanServer, content: bytes = b"table") -> None:
    """Add a tablespace, which pg_basebackup packs beside the data directory."""
    server.edit(NEWEST, tablespaces=TABLESPACES)
    _make_packed(server)
    (server.backup(NEWEST) / "data" / "16400.tar.gz.gpg").write_bytes(content)
    # Made for what is copied as it is, and left.
    (server.backup(NEWEST) / "16400").mkdir()


def _empty_packed_tablespace(server: BarmanServer) -> None:
    _make_packed_tablespace(server, b"")


def _lose_local_data(server: BarmanServer) -> None:
    _make_local(server)
    shutil.rmtree(server.backup(NEWEST) / "data")


def _split(*numbers: str) -> Make:
    def make(server: BarmanServer) -> None:
        for number in numbers:
            (server.backup(NEWEST) / f"data_{number}.tar.gz").write_bytes(b"more")

    return make


def _await_wal(server: BarmanServer) -> None:
    server.edit(NEWEST, status="WAITING_FOR_WALS", end_wal=server.segment(FIRST + 3, "").name)


def _await_wal_in_vain(server: BarmanServer) -> None:
    _await_wal(server)
    server.segment(FIRST + 1).unlink()


def _data(data: bytes) -> Make:
    return lambda server: (server.backup(NEWEST) / "data.tar.gz").write_bytes(data)


CASES: list[Case[BarmanServer]] = [
    passes("good", lambda _: None, GOOD),
    refuses(
        "empty-place",
        lambda server: shutil.rmtree(server.folder),
        "there is no Barman server shop in ",
        "folders there: none",
    ),
    refuses(
        "no-backups",
        lambda server: shutil.rmtree(server.folder / "base"),
        "no completed backup is listed in Barman server shop",
    ),
    refuses("stale", _only(NEWEST, "backup.info", timedelta(hours=31)), "stopped 31h", "limit 24h"),
    refuses(
        "another-cluster",
        _edit_both(systemid="42"),
        "holds backups of cluster 42",
        SYSTEM_IDENTIFIER,
    ),
    cannot_tell("cluster-not-told", _edit_both(systemid="None"), "does not tell its system"),
    refuses("taken-over-by-another-cluster", _edit(systemid="42"), "holds backups of cluster 42"),
    refuses(
        "older-cluster",
        _lose_newest_of_older_cluster,
        "holds backups of cluster 42",
    ),
    passes("running", _add(KILLED, "backup.info.STARTED-killed", timedelta(minutes=2)), GOOD),
    refuses(
        "only-running",
        _only(KILLED, "backup.info.STARTED-killed", timedelta(hours=1)),
        "; looked in Barman server shop in ",
        f"{KILLED} has not ended yet",
    ),
    refuses(
        "only-killed",
        _only(KILLED, "backup.info.STARTED-killed", timedelta(hours=31)),
        f"{KILLED} never ended, it began 31h",
    ),
    warns(
        "failed-after-good",
        _add(FAILED, "backup.info.FAILED", timedelta(minutes=5)),
        f"{FAILED} failed (failure uploading data (Connection lost, reconnection not allowed))",
        GOOD,
    ),
    refuses(
        "only-failed",
        _only(FAILED, "backup.info.FAILED", timedelta(minutes=5)),
        f"{FAILED} failed (failure uploading data",
    ),
    warns("syncing", _edit(status="SYNCING"), f"{NEWEST} is in status SYNCING", OLDER_IS_GOOD),
    warns("started-without-time", _edit(status="EMPTY", begin_time="None"), "is EMPTY and does"),
    warns("truncated", _truncate, f"{NEWEST} has a backup.info without status", OLDER_IS_GOOD),
    refuses("zero-bytes", _write_both(b""), f"{NEWEST} has a damaged backup.info"),
    warns("html-error-page", _write(b"<html>\nBad\n"), f"{NEWEST} has a damaged", OLDER_IS_GOOD),
    refuses("binary", _write_both(b"\xff\x00"), f"{NEWEST} has a backup.info that is not a text"),
    warns("huge-info", _bloat, f"{NEWEST} has a backup.info longer than 1 MiB", OLDER_IS_GOOD),
    warns(
        "info-gone",
        lambda server: server.info(NEWEST).unlink(),
        f"{NEWEST} has no backup.info",
        OLDER_IS_GOOD,
    ),
    warns("time-without-zone", _edit(end_time="2026-11-21 19:15:12"), "in a time with a zone"),
    warns("no-end-time", _edit(end_time="None"), "in a time with a zone"),
    refuses(
        "future",
        _edit_both(end_time="2126-11-21 19:15:12+00:00"),
        f"{NEWEST} stopped in the future",
        f"{OLDER} stopped in the future",
    ),
    warns(
        "data-deleted-by-lifecycle",
        lambda server: (server.backup(NEWEST) / "data.tar.gz").unlink(),
        f"the data is missing for {NEWEST}",
        OLDER_IS_GOOD,
    ),
    warns("data-empty", _data(b""), f"the data is missing for {NEWEST}"),
    passes("split-data", _split("0001", "0002"), GOOD),
    warns("part-missing", _split("0001", "0003"), f"the data is missing for {NEWEST}"),
    warns(
        "tablespace-missing",
        _edit(tablespaces=TABLESPACES),
        f"{NEWEST} lacks the data of tablespace 16400",
    ),
    warns(
        "tablespaces-odd", _edit(tablespaces="[(1, 2)]"), f"{NEWEST} does not tell its tablespaces"
    ),
    warns("volume-snapshots", _edit(snapshots_info="{}"), "lies in volume snapshots"),
    passes("waiting-for-wal-that-is-there", _await_wal, GOOD),
    warns("waiting-for-wal", _await_wal_in_vain, f"{NEWEST} waits for WAL that is not in the"),
    passes("local", _make_local, GOOD),
    passes("local-packed", _make_packed, GOOD),
    passes("local-tablespace", _local_with_tablespace, GOOD),
    passes("local-packed-tablespace", _make_packed_tablespace, GOOD),
    warns(
        "local-tablespace-gone",
        _lose_local_tablespace,
        f"{NEWEST} lacks the data of tablespace 16400",
        OLDER_IS_GOOD,
    ),
    warns(
        "local-packed-tablespace-empty",
        _empty_packed_tablespace,
        f"{NEWEST} lacks the data of tablespace 16400",
    ),
    warns("local-data-gone", _lose_local_data, f"the data is missing for {NEWEST}"),
    passes("incremental", _make_incremental, f"newest usable backup {NEWEST} (incr) stopped 19m"),
    refuses(
        "incremental-on-failed",
        _make_incremental_on(status="FAILED"),
        f"{NEWEST} rests on {OLDER}, which failed",
    ),
    refuses(
        "incremental-on-nothing",
        _make_incremental_on_nothing,
        f"{NEWEST} needs {OLDER}, which is not listed",
    ),
]
