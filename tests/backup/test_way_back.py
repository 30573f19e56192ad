"""The whole promise: what a run prints brings the data back that its migration destroyed."""

from __future__ import annotations

import itertools
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from psycopg.errors import ReadOnlySqlTransaction

from hook.errors import ExitCode
from tests.backup.conftest import ARCHIVING, CHECKSUMS
from tests.testbed.binaries import Binaries
from tests.testbed.destroyed_shop import (
    DATABASE,
    Destroyed,
    Shop,
    assert_back,
    await_writes,
    destroy,
    is_paused,
    prepare,
    restore,
)
from tests.testbed.gate_answer import assert_answer
from tests.testbed.pgbackrest import PgBackRest, Place, new_pgbackrest
from tests.testbed.postgres_server import PostgresServer, empty_server, running_server
from tests.testbed.restore import run_as_printed, start_restored
from tests.testbed.run_context import eventually

# Of the server, and where its repository lies.
CASES = tuple(itertools.product(("UTC", "Asia/Shanghai"), ("directory", "s3")))


def promote(server: PostgresServer) -> None:
    """Let *server* recover, and so begin a timeline, whose history is archived before the end."""
    with server.connect() as admin:
        admin.execute("ALTER SYSTEM SET restore_command = 'false'")
    server.stop()
    (server.data / "recovery.signal").touch()
    server.start()
    await_writes(server)
    with server.connect() as admin:
        admin.execute("ALTER SYSTEM RESET restore_command")
    waiting = server.data / "pg_wal" / "archive_status"
    eventually(lambda: not list(waiting.glob("*.ready")))


@pytest.fixture(scope="module", params=CASES, ids="-".join)
def case(
    request: pytest.FixtureRequest,
    binaries: Binaries,
    new_place: Callable[[str, str], Place],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[PgBackRest, Destroyed]]:
    """Return a shop after the migration, with a newer backup of what is left.

    A restore to the marker leads out of any state, so all tests share it.
    """
    zone, storage = request.param
    place = new_place(storage, f"way-back-{zone.rpartition('/')[2]}-{storage}")
    with (
        running_server(binaries, {**ARCHIVING, "timezone": zone}, CHECKSUMS) as server,
        new_pgbackrest(server, [place]) as tool,
    ):
        prepare(server)
        tool.create_stanza()
        shop = Shop(tool, tmp_path_factory.mktemp("release"), tmp_path_factory.mktemp("home"))
        full, later = (lambda: tool.back_up("full")["label"], lambda: tool.back_up("incr")["label"])
        yield tool, destroy(shop, full, later)


@pytest.fixture
def tool(case: tuple[PgBackRest, Destroyed]) -> PgBackRest:
    """Return what backs the shop up."""
    return case[0]


@pytest.fixture
def destroyed(case: tuple[PgBackRest, Destroyed]) -> Destroyed:
    """Return the shop, what it was, and what presync has printed."""
    return case[1]


def test_look_beside_shows_the_data_and_leaves_production_alone(
    destroyed: Destroyed, tool: PgBackRest
) -> None:
    """A server of its own stops at the marker; whatever it does then, it archives nothing."""
    shop, command = destroyed.shop, destroyed.command("--archive-mode=off")
    archived = tool.run("info")
    with empty_server(shop.server) as beside:
        run_as_printed(tool, command, RESTORE_TO=str(beside.data))
        start_restored(tool, beside)
        eventually(lambda: is_paused(beside))
        assert shop.content(beside) == destroyed.before
        with beside.connect(DATABASE) as admin, pytest.raises(ReadOnlySqlTransaction):
            admin.execute("DELETE FROM customer")
        beside.promote()
        with beside.connect() as admin:
            admin.execute("CREATE TABLE written ()")
            admin.execute("SELECT pg_switch_wal()")
            assert admin.execute("SHOW archive_mode").fetchone() == ("off",)
    assert tool.run("info") == archived


@pytest.mark.parametrize("target", ["--type=lsn", "--type=name", "--type=time"])
def test_printed_command_brings_everything_back(
    destroyed: Destroyed, tool: PgBackRest, target: str
) -> None:
    """By position, by name and by time, although a newer backup is there to be chosen."""
    tool.server.stop()
    restore(tool, destroyed.command("--delta ", target))
    assert_back(destroyed.shop, destroyed.before)


def test_printed_command_passes_over_a_newer_backup_that_no_restore_can_read(
    make_server: Callable[..., PostgresServer], tmp_path: Path
) -> None:
    """By itself pgBackRest takes the newest before the marker, whatever the gates found in it."""
    server = make_server(ARCHIVING, CHECKSUMS)
    prepare(server)
    with new_pgbackrest(server, [None]) as tool:
        tool.create_stanza()

        def back_up_twice() -> str:
            good: str = tool.back_up("full")["label"]
            newer = tool.back_up("full")["label"]
            shutil.rmtree(tool.places[0].root / "backup" / tool.stanza / newer)
            return good

        shop = Shop(tool, tmp_path / "release", tmp_path)
        destroyed = destroy(shop, back_up_twice, str)
        server.stop()
        restore(tool, destroyed.command("--delta ", "--type=lsn"))
        assert_back(shop, destroyed.before)


def test_printed_command_works_in_a_repository_that_is_newer_than_the_timeline(
    make_server: Callable[..., PostgresServer], tmp_path: Path
) -> None:
    """The history file of the timeline is not in it, and never will be."""
    server = make_server({**ARCHIVING, "archive_command": "true"}, CHECKSUMS)
    prepare(server)
    promote(server)
    with new_pgbackrest(server, [None]) as tool:
        tool.create_stanza()
        assert not list(tool.places[0].root.rglob("*.history"))
        shop = Shop(tool, tmp_path / "release", tmp_path)
        destroyed = destroy(shop, lambda: tool.back_up("full")["label"], str)
        assert destroyed.marker["timeline"] == 2
        server.stop()
        restore(tool, destroyed.command("--delta ", "--type=lsn"))
        assert_back(shop, destroyed.before)


@pytest.mark.parametrize("case", CASES[-1:], indirect=True, ids="-".join)
def test_next_run_asks_for_a_backup_of_the_way_that_was_taken(
    destroyed: Destroyed, tool: PgBackRest
) -> None:
    """The newest backup is of the way that was left; without it the one before both counts."""
    shop = destroyed.shop
    tool.server.stop()
    restore(tool, destroyed.command("--delta ", "--type=lsn"))
    pending = json.loads(shop.presync("info", "--format", "json").stdout)
    states = {found["version"]: found["state"] for found in pending["migrations"]}
    assert states == {"1": "Success", "2": "Pending"}
    left = "no way leads from the backup on timeline 1 at "
    assert_answer(shop.check(), ExitCode.NO_WAY_BACK, "archive", left)
    tool.run("expire", f"--set={tool.backups()[-1]['label']}")
    before = f"newest usable backup {destroyed.marker['backup']} (full)"
    assert_answer(shop.check(), ExitCode.OK, "backup", before)
    label = tool.back_up("full")["label"]
    assert_answer(shop.check(), ExitCode.OK, "backup", f"newest usable backup {label} (full)")
