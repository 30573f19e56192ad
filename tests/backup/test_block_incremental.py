"""Bundles with block incrementals, of a pgBackRest that knows them: verdict and way back."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hook.errors import ExitCode
from tests.backup.conftest import ARCHIVING, CHECKSUMS, NEWER_PGBACKREST
from tests.backup.test_chain import missing
from tests.testbed.binaries import Binaries
from tests.testbed.destroyed_shop import Destroyed, Shop, assert_back, prepare, restore
from tests.testbed.gate_answer import assert_answer
from tests.testbed.pgbackrest import PgBackRest, Place, new_pgbackrest
from tests.testbed.postgres_server import running_server

BLOCKS = {"bundle": "y", "block": "y"}


@pytest.fixture(scope="module")
def program() -> Iterator[str]:
    """Return the program where the account of the server reaches it."""
    with tempfile.TemporaryDirectory(prefix="presync-program-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield shutil.copy(os.environ[NEWER_PGBACKREST], f"{name}/pgbackrest")


@pytest.fixture(params=["directory", "s3"])
def tool(
    request: pytest.FixtureRequest,
    program: str,
    binaries: Binaries,
    new_place: Callable[[str, str], Place],
) -> Iterator[PgBackRest]:
    """Return it in front of an empty shop."""
    place = new_place(request.param, "blocks")
    place = replace(place, options={**place.options, **BLOCKS})
    with (
        running_server(binaries, ARCHIVING, CHECKSUMS) as server,
        new_pgbackrest(server, [place], program=program) as made,
    ):
        prepare(server)
        made.create_stanza()
        yield made


def test_block_incrementals_count_and_lead_back(
    tool: PgBackRest, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Full, differential, incremental, each on the blocks before it; none without the first."""
    shop = Shop(tool, tmp_path_factory.mktemp("release"), tmp_path_factory.mktemp("home"))
    shop.migrate("1", PRESYNC_BACKUP_SOURCE="none")
    labels = []
    for kind in ("full", "diff", "incr"):
        backup = tool.back_up(kind)
        # Only where there are maps of blocks their size is told.
        assert backup["info"]["repository"]["delta-map"] > 0
        labels.append(backup["label"])
        usable = f"newest usable backup {labels[-1]} ({kind})"
        assert_answer(shop.check(), ExitCode.OK, "backup", usable)
        shop.write_on()
    manifests = tool.places[0].root / "backup" / tool.stanza
    with missing(manifests / labels[0] / "backup.manifest"):
        gone = f"{labels[-1]} backup.manifest is missing for {labels[0]}"
        assert_answer(shop.check(), ExitCode.NO_WAY_BACK, "backup", gone)
    destroyed = Destroyed(shop, shop.content(), *shop.migrate("2"))
    assert destroyed.marker["backup"] == labels[-1]
    tool.server.stop()
    restore(tool, destroyed.command("--delta ", "--type=lsn"))
    assert_back(shop, destroyed.before)
