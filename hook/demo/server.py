"""A throw-away PostgreSQL cluster: created, started, stopped, removed."""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hook.demo.programs import Account
from hook.errors import DatabaseUnreachable

SUPERUSER = "postgres"
# No $TMPDIR: a socket's path may have at most about 100 bytes.
DISK = Path("/tmp")  # noqa: S108 - for folders with random names

_START_SECONDS = "60"
_TOLD_OF_LOG = 4000

# Nothing here survives a power cut, and nothing needs to.
FAST: Mapping[str, str] = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "autovacuum": "off",
    "jit": "off",
    "shared_buffers": "32MB",
    "timezone": "UTC",
    "lc_messages": "C",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster in *folder*, whose data directory, log and unix socket lie there.

    Attributes:
        programs: Folder with initdb and pg_ctl.
        account: What the server runs under, none for the caller's own.
    """

    programs: Path
    folder: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """Return the data directory."""
        return self.folder / "data"

    def initialise(self, settings: Mapping[str, str], *options: str) -> None:
        """Create the data directory; whoever reaches the server is let in.

        *options* are added to initdb's own.
        """
        self.run(
            "initdb", "-D", str(self.data), "-U", SUPERUSER, "--auth=trust",
            "--encoding=UTF8", "--no-locale", "--no-sync", *options,
        )  # fmt: skip
        self.configure(settings)

    def configure(self, settings: Mapping[str, str]) -> None:
        """Append *settings* to postgresql.conf; they count from the next start or reload."""
        lines = (f"{name} = '{value}'\n" for name, value in settings.items())
        with (self.data / "postgresql.conf").open("a") as conf:
            conf.writelines(lines)

    def start(self, port: int) -> None:
        """Start the server and wait until it accepts connections."""
        self.run(
            "pg_ctl", "start", "-w", "-t", _START_SECONDS, "-D", str(self.data),
            "-l", str(self.folder / "log"), "-o", f"-p {port} -k {self.folder}",
        )  # fmt: skip

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; *mode* is pg_ctl's ``smart``, ``fast`` or ``immediate``."""
        self.run("pg_ctl", "stop", "-w", "-D", str(self.data), "-m", mode)

    def log_text(self) -> str:
        """Return what the server has logged so far."""
        log = self.folder / "log"
        return log.read_text(errors="replace") if log.exists() else ""

    def own(self, path: Path) -> None:
        """Give *path* and all below it to the account of the server."""
        if self.account:
            for item in (path, *path.rglob("*")):
                os.chown(item, self.account.uid, self.account.gid, follow_symlinks=False)

    def run(self, program: str, *arguments: str) -> str:
        """Run one of the server's programs as its account; return what it wrote.

        It has a process group of its own: a Ctrl-C in the terminal is for the caller, who
        still needs a server that can be stopped.

        Raises:
            DatabaseUnreachable: It failed; the message holds what it and the server wrote.
        """
        # The server inherits the output of pg_ctl, so a pipe would never be closed.
        with tempfile.TemporaryFile("w+") as output:
            status = subprocess.run(  # noqa: S603 - our own program, no shell
                [self.programs / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env={"PATH": os.defpath, "LC_ALL": "C", "HOME": str(self.folder)},
                check=False,
                process_group=0,
                user=self.account.uid if self.account else None,
                group=self.account.gid if self.account else None,
                extra_groups=[] if self.account else None,
            ).returncode
            output.seek(0)
            said = output.read()
        if status:
            told = f"{said}{self.log_text()[-_TOLD_OF_LOG:]}"
            raise DatabaseUnreachable(f"{program} {arguments[0]} ended with {status}: {told}")
        return said


@contextlib.contextmanager
def new_cluster(
    programs: Path, account: Account | None, prefix: str, place: Path = DISK
) -> Iterator[Cluster]:
    """Lend an empty folder in *place* for a cluster; stop what runs there and remove it then."""
    with (
        tempfile.TemporaryDirectory(prefix=prefix, dir=place, ignore_cleanup_errors=True) as name,
        contextlib.ExitStack() as at_the_end,
    ):
        cluster = Cluster(programs, Path(name), account)
        cluster.own(cluster.folder)
        at_the_end.callback(_stop_if_running, cluster)
        yield cluster


def _stop_if_running(cluster: Cluster) -> None:
    if (cluster.data / "postmaster.pid").exists():
        with contextlib.suppress(DatabaseUnreachable):
            cluster.stop("immediate")
