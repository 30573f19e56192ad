"""A full, a differential and an incremental backup, on a directory and on S3 behind TLS."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hook.errors import ExitCode
from tests.backup.conftest import Ask
from tests.testbed.gate_answer import assert_answer, findings
from tests.testbed.pgbackrest import PgBackRest, Place, new_pgbackrest
from tests.testbed.postgres_server import PostgresServer

TYPES = ("full", "diff", "incr")


@dataclass(frozen=True, slots=True)
class Chain:
    """A repository with one backup of each type, each later on top of the one before."""

    tool: PgBackRest
    backups: tuple[dict[str, Any], ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the labels, the full backup's first."""
        return tuple(backup["label"] for backup in self.backups)

    def path(self, label: str) -> Path:
        """Return the folder of the backup *label*."""
        return self.tool.places[0].root / "backup" / self.tool.stanza / label


@pytest.fixture(scope="module", params=["directory", "s3"])
def chain(
    request: pytest.FixtureRequest,
    primary: PostgresServer,
    new_place: Callable[[str, str], Place],
) -> Iterator[Chain]:
    """Return the chain; its repository must be left as it was."""
    with new_pgbackrest(primary, [new_place(request.param, "chain")]) as tool:
        tool.create_stanza()
        yield Chain(tool, tuple(tool.back_up(kind) for kind in TYPES))


@contextlib.contextmanager
def missing(path: Path) -> Iterator[None]:
    """Take *path* away for a while."""
    aside = path.with_name(f"{path.name}.aside")
    path.rename(aside)
    try:
        yield
    finally:
        aside.rename(path)


@pytest.mark.parametrize("count", [1, 2, 3])
def test_newest_backup_of_each_type_is_accepted(chain: Chain, ask: Ask, count: int) -> None:
    """Full, differential, incremental: each counts, and its type is told."""
    with contextlib.ExitStack() as stack:
        for label in chain.labels[count:]:
            stack.enter_context(missing(chain.path(label) / "backup.manifest"))
        done = ask(chain.tool)
    newest = chain.backups[count - 1]
    said = f"newest usable backup {newest['label']} ({newest['type']}) stopped"
    assert_answer(done, ExitCode.OK, "backup", said)


def test_age_counts_from_the_moment_the_backup_stopped(chain: Chain, ask: Ask) -> None:
    """Not from the label, which is the start in the time zone of the backup host."""
    newest = chain.backups[-1]
    done = ask(chain.tool, PRESYNC_BACKUP_MAX_AGE="1s")
    assert_answer(done, ExitCode.NO_WAY_BACK, "backup", "(limit 1s)")
    (finding,) = findings(done, "backup")
    stopped_at = datetime.fromtimestamp(newest["timestamp"]["stop"], UTC)
    assert finding["stopped_at"] == stopped_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    assert finding["label"] == newest["label"]


def test_newest_backup_without_its_manifest_is_passed_over(chain: Chain, ask: Ask) -> None:
    """What a lifecycle rule deleted is told, and the backup before it counts."""
    full, diff, incr = chain.labels
    with missing(chain.path(incr) / "backup.manifest"):
        done = ask(chain.tool)
    passed_over = f"{incr} backup.manifest is missing for {incr}"
    usable = f"newest usable backup {diff} (diff)"
    assert_answer(done, ExitCode.OK, "backup", passed_over, usable)
    assert full in diff


def test_data_deleted_from_under_the_newest_manifest_is_named(chain: Chain, ask: Ask) -> None:
    """What a lifecycle rule deletes of a full backup is missing in all that build on it."""
    full, diff, incr = chain.labels
    folder = chain.path(full)
    bundles = sorted(folder.glob("bundle/*"))
    gone = bundles[0] if bundles else folder / "pg_data/PG_VERSION.zst"
    with missing(gone):
        done = ask(chain.tool)
    told = f"{gone.relative_to(folder)} of {full} is missing"
    assert_answer(done, ExitCode.NO_WAY_BACK, "backup", f"{incr} {told}", f"{diff} {told}")


def test_data_that_is_cut_is_named(chain: Chain, ask: Ask) -> None:
    """A copy of the repository that ended early has the manifest and not all bytes."""
    incr = chain.labels[-1]
    label = chain.path(incr) / "pg_data/backup_label.zst"
    whole = label.read_bytes()
    label.write_bytes(whole[:-1])
    done = ask(chain.tool)
    label.write_bytes(whole)
    told = f"{incr} pg_data/backup_label.zst of {incr} has {len(whole) - 1} of {len(whole)} bytes"
    assert_answer(done, ExitCode.OK, "backup", told, f"newest usable backup {chain.labels[1]}")


def test_full_backup_deleted_from_under_its_chain_leaves_nothing(chain: Chain, ask: Ask) -> None:
    """The tool goes on listing all three, and none of them can be restored."""
    full = chain.labels[0]
    with missing(chain.path(full)):
        assert [item["label"] for item in chain.tool.backups()] == list(chain.labels)
        done = ask(chain.tool)
    assert_answer(
        done,
        ExitCode.NO_WAY_BACK,
        "backup",
        "none of 3 backups is usable",
        *(f"{label} backup.manifest is missing for {full}" for label in chain.labels),
    )


def test_backups_of_another_cluster_are_refused(
    chain: Chain, ask: Ask, other_primary: PostgresServer
) -> None:
    """Fresh, complete and without errors, and of no use to this database."""
    done = ask(chain.tool, PRESYNC_URL=other_primary.url())
    assert_answer(done, ExitCode.NO_WAY_BACK, "backup", "holds backups of cluster")


def test_run_refuses_a_stale_backup_and_migrates_behind_a_fresh_one(
    chain: Chain, ask: Ask, primary: PostgresServer
) -> None:
    """The verdict of check is the verdict of run, and decides what happens."""
    refused = ask(chain.tool, "run", PRESYNC_BACKUP_MAX_AGE="1s")
    assert_answer(refused, ExitCode.NO_WAY_BACK, "backup", "(limit 1s)")
    with primary.connect() as admin:
        assert admin.execute("SELECT to_regclass('shop_item')").fetchone() == (None,)
        passed = ask(chain.tool, "run")
        assert passed.exit_code == ExitCode.OK, passed.stderr
        assert admin.execute("SELECT to_regclass('shop_item')::text").fetchone() == ("shop_item",)
        admin.execute("DROP TABLE shop_item, flyway_schema_history")
