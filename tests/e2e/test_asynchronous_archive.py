"""A run whose marker is archived before WAL that was finished earlier, as archive-async allows."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hook.demo.play import archive_command
from hook.errors import ExitCode
from tests.testbed.archiving import Archiving
from tests.testbed.deployment import Deployment
from tests.testbed.process import RunningPresync
from tests.testbed.run_context import eventually

_FINISH = (
    "SELECT pg_walfile_name(pg_current_wal_insert_lsn()),"
    " pg_logical_emit_message(false, 'presync', 'something')::text, pg_switch_wal()::text"
)


@dataclass(frozen=True, slots=True)
class Held:
    """An archiver that waits as long as *mark* is there, and keeps some segments in *late*."""

    mark: Path
    late: Path

    @property
    def seen(self) -> Path:
        """Return what is there once the archiver waits."""
        return self.mark.with_name("seen")

    def archive(self, archiving: Archiving) -> None:
        """Let the server archive so from now on."""
        self.mark.touch()
        self.late.mkdir()
        archiving.server.cluster.own(archiving.repository.root)
        archiving.archive_with(
            f"touch {self.seen}; while test -e {self.mark}; do sleep 0.1; done;"
            f" if test -e {self.late}/%f; then cp %p {self.late}/%f.kept; else"
            f" {archive_command(archiving.repository.archive)}; fi"
        )

    def let_go_by(self, segment: str) -> None:
        """Let the archiver say of *segment* that it is archived, before it is."""
        (self.late / segment).touch()

    def release(self) -> None:
        """Let the archiver go on."""
        self.mark.unlink(missing_ok=True)

    def catch_up(self, archiving: Archiving, segment: str) -> None:
        """Archive *segment*, which was let go by."""
        take = archive_command(archiving.repository.archive)
        command = take.replace("%p", f"{self.late}/{segment}.kept").replace("%f", segment)
        subprocess.run(["sh", "-c", command], check=True)


@pytest.fixture
def held(archiving: Archiving) -> Iterator[Held]:
    """Return what holds the archiver, and no longer than the test: the server waits for it."""
    root = archiving.repository.root
    made = Held(root / "held", root / "late")
    yield made
    made.release()


def _finish(shop: Deployment) -> str:
    """Finish a segment, and return its name."""
    ((segment, _, _),) = shop.database.query(_FINISH)
    return str(segment)


def test_wal_that_waited_at_the_gate_is_waited_for_in_front_of_the_marker(
    archiving: Archiving,
    shop: Deployment,
    held: Held,
    start_presync: Callable[..., RunningPresync],
) -> None:
    """The gate bears a lag; a restore to the marker bears no hole."""
    first = _finish(shop)
    eventually(lambda: any(archiving.repository.archive.rglob(f"{first}-*")))
    held.archive(archiving)
    # The archiver may not have read yet how it is to archive.
    eventually(lambda: bool(_finish(shop)) and held.seen.exists())
    segment = _finish(shop)
    held.let_go_by(segment)
    shop.release({"V1__t.sql": "CREATE TABLE t (id int)"})
    running = start_presync(["run"], shop.env(**archiving.environment(PRESYNC_MARKER_WAIT="2m")))
    marker = running.wait_for_event("marker.recorded")
    held.release()
    running.wait_for_event("retry.scheduled", matching={"stage": "marker", "segment": segment})
    assert marker["segment"] > segment
    assert shop.database.query("SELECT to_regclass('t')") == [(None,)]
    held.catch_up(archiving, segment)
    done = running.wait()
    assert done.exit_code == ExitCode.OK, done.stderr
    assert done.report["marker"]["archived"] is True
