"""Where a real host of Barman keeps a tablespace, plain and packed, and what the gate sees."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from hook.errors import ExitCode
from tests.backup.conftest import ARCHIVING, Ask
from tests.testbed.barman_host import SERVER, new_barman_host
from tests.testbed.gate_answer import assert_answer
from tests.testbed.postgres_server import PostgresServer, roomy_folder


@pytest.mark.parametrize(
    ("option", "place"), [("", "{}/PG_*"), ("backup_compression = gzip\n", "data/{}.tar.gz")]
)
def test_backup_with_a_tablespace_counts_as_long_as_that_is_there(
    make_server: Callable[..., PostgresServer], ask: Ask, option: str, place: str
) -> None:
    """Beside the data directory, or packed in it, with an empty folder beside it all the same."""
    server = make_server(ARCHIVING)
    with (
        tempfile.TemporaryDirectory(prefix="presync-tablespace-", dir=roomy_folder()) as folder,
        new_barman_host(server) as host,
    ):
        server.cluster.own(Path(folder))
        with server.connect() as admin:
            admin.execute(f"CREATE TABLESPACE fast LOCATION '{folder}'".encode())
            # Left by the host where the release is to find nothing.
            admin.execute("DROP TABLE aside")
            admin.execute("CREATE SCHEMA aside CREATE TABLE kept (id int) TABLESPACE fast")
            row = admin.execute("SELECT oid FROM pg_tablespace WHERE spcname = 'fast'").fetchone()
        assert row is not None
        with (host.home / ".barman.conf").open("a") as settings:
            settings.write(option)
        label = host.back_up()
        usable = f"newest usable backup {label} (full)"
        assert_answer(ask(host), ExitCode.OK, "backup", usable)
        (kept,) = (host.home / SERVER / "base" / label).glob(place.format(row[0]))
        shutil.rmtree(kept) if kept.is_dir() else kept.unlink()
        lacking = f"{label} lacks the data of tablespace {row[0]}"
        assert_answer(ask(host), ExitCode.NO_WAY_BACK, "backup", lacking)
