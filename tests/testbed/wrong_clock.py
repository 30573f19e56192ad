"""A PostgreSQL server whose own clock is wrong, by libfaketime; everybody else's is right."""

from __future__ import annotations

import contextlib
import os
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from tests.testbed.binaries import Binaries
from tests.testbed.postgres_server import PostgresServer, running_server
from tests.testbed.run_context import eventually

# Debian's libfaketime; each architecture has a folder of its own.
_LIBRARY = "*-linux-gnu/faketime/libfaketime.so.1"
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - where the library puts it
# What the server starts, as its archive_command, is another program with the right time.
_PG_CTL = """\
#!/bin/sh
export LD_PRELOAD={library} FAKETIME={seconds:+} DONT_FAKE_MONOTONIC=1
export FAKETIME_SKIP_CMDS=pgbackrest
exec {pg_ctl} "$@"
"""


def find_library() -> Path | None:
    """Return libfaketime, none when it is not installed."""
    return next(iter(sorted(Path("/usr/lib").glob(_LIBRARY))), None)


@contextlib.contextmanager
def running_server_off(
    binaries: Binaries, hours: int, settings: Mapping[str, str], options: Sequence[str] = ()
) -> Iterator[PostgresServer]:
    """Create a cluster as `running_server` does, whose clock is *hours* ahead."""
    library = find_library()
    if library is None:
        raise AssertionError("libfaketime is not there")
    with _tidied(), tempfile.TemporaryDirectory(prefix="presync-clock-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        folder = Path(name, "bin")
        folder.mkdir()
        for program in binaries.folder.iterdir():
            (folder / program.name).symlink_to(program)
        pg_ctl = folder / "pg_ctl"
        pg_ctl.unlink()
        pg_ctl.write_text(
            _PG_CTL.format(library=library, seconds=hours * 3600, pg_ctl=binaries.folder / "pg_ctl")
        )
        pg_ctl.chmod(0o755)
        with running_server(replace(binaries, folder=folder), settings, options) as server:
            _restart_archiver(server)
            yield server


@contextlib.contextmanager
def _tidied() -> Iterator[None]:
    """Remove the shared memory that libfaketime made for processes which are gone meanwhile."""
    before = set(_SHARED_MEMORY.glob("*faketime_s*"))
    try:
        yield
    finally:
        for made in set(_SHARED_MEMORY.glob("*faketime_s*")) - before:
            if not Path("/proc", made.name.rpartition("_")[2]).exists():
                made.unlink(missing_ok=True)


def _restart_archiver(server: PostgresServer) -> None:
    """Let the archiver begin anew.

    Before version 16 the server starts it in a signal handler, within a call that libfaketime
    leaves alone, and then it has the right time for ever.
    """
    is_wrong = (
        "SELECT pid, abs(extract(epoch FROM clock_timestamp() - backend_start)) > 1800"
        " FROM pg_stat_activity WHERE backend_type = 'archiver'"
    )

    def has_begun() -> bool:
        with server.connect() as admin:
            row = admin.execute(is_wrong).fetchone()
            if row is not None and row[1]:
                os.kill(row[0], signal.SIGUSR2)  # archive what is ready, and end
            return row is not None and not row[1]

    eventually(has_begun)
