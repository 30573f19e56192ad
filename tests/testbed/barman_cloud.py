"""The real barman-cloud: it backs a real cluster up into a bucket, and archives its WAL there."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hook.demo.server import SUPERUSER
from tests.testbed.pgbackrest import BUCKET
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.process import ROOT
from tests.testbed.run_context import eventually
from tests.testbed.s3_server import ACCESS_KEY, SECRET_KEY, S3Server

PROGRAMS = ROOT / ".venv-barman/bin"
SERVER = "shop"
_SECONDS = 180.0
_POLL_SECONDS = 0.05
# The account of the server may not be able to run Python, so another process pushes the
# file and says how that ended.
_HAND_OVER = """\
#!/bin/sh
cp "$1" "{folder}/out/$2.part" && mv "{folder}/out/$2.part" "{folder}/out/$2" || exit 1
while test -d "{folder}" && ! test -e "{folder}/done/$2"; do sleep 0.05; done
test -d "{folder}"
"""
# Likewise to get something back: what is asked for, where, and how it ended.
_PROGRAM = """\
#!/bin/sh
job=$(mktemp -d "{folder}/jobs/XXXXXX") || exit 1
printf '%s\\n' {program} "$PWD" "$@" > "$job/part" && mv "$job/part" "$job/asked" || exit 1
while test -d "{folder}" && ! test -e "$job/ended"; do sleep 0.05; done
cat "$job/said" >&2
exit "$(cat "$job/ended")"
"""
_GETTING_BACK = ("barman-cloud-restore", "barman-cloud-wal-restore")


def is_installed() -> bool:
    """Tell whether ``make backup`` has installed it."""
    return (PROGRAMS / "barman-cloud-backup").exists()


@dataclass(frozen=True, slots=True)
class BarmanCloud:
    """barman-cloud for one server of a bucket, below *prefix*."""

    server: PostgresServer
    s3: S3Server
    prefix: str
    folder: Path

    @property
    def root(self) -> Path:
        """Return what it left of the server, wherever it is reached."""
        return self.s3.root / BUCKET / self.prefix / SERVER

    @property
    def url(self) -> str:
        """Return the place, as barman-cloud and presync are told."""
        return f"s3://{BUCKET}/{self.prefix}"

    def environment(self, repo: int = 1, **more: str) -> dict[str, str]:
        """Return what presync is told of the server and of the bucket; there is one *repo*."""
        assert repo == 1
        return {
            "PRESYNC_URL": self.server.url(),
            "PRESYNC_BACKUP_SOURCE": f"barman:{self.url}",
            "PRESYNC_BACKUP_STANZA": SERVER,
            "PRESYNC_S3_ENDPOINT": self.s3.endpoint,
            "NO_PROXY": "localhost",
            **_CREDENTIALS,
            "AWS_CA_BUNDLE": str(self.s3.ca_file),
            **more,
        }

    def shell(self) -> dict[str, str]:
        """Return the variables with which a shell finds the programs that restore."""
        return {"PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"}

    def get_back(self, job: Path) -> None:
        """Run the program that *job* asks for, as it stands there."""
        program, folder, *arguments = (job / "asked").read_text().splitlines()
        done = subprocess.run(
            [PROGRAMS / program, *arguments],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=_SECONDS,
            env={**os.environ, **_CREDENTIALS, "AWS_CA_BUNDLE": str(self.s3.ca_file)},
        )
        target = Path(folder, arguments[-1])
        if target.exists():
            self.server.cluster.own(target)
        (job / "said").write_text(done.stdout)
        (job / "code").write_text(str(done.returncode))
        (job / "code").rename(job / "ended")

    def start(self, program: str, *arguments: str) -> subprocess.Popen[str]:
        """Start one of its programs in a process group of its own."""
        options = ["--cloud-provider", "aws-s3", "--endpoint-url", self.s3.endpoint]
        return subprocess.Popen(
            [PROGRAMS / program, *options, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, **_CREDENTIALS, "AWS_CA_BUNDLE": str(self.s3.ca_file)},
            process_group=0,
        )

    def back_up(self) -> str:
        """Take a backup and return its name."""
        before = self.labels()
        said, _ = self.start_backup().communicate(timeout=_SECONDS)
        (label,) = self.labels() - before
        assert "status=DONE" in self.info(label), said
        return label

    def start_backup(self) -> subprocess.Popen[str]:
        """Start a backup."""
        reach = ["-h", self.server.host, "-p", str(self.server.port), "-U", SUPERUSER]
        return self.start(
            "barman-cloud-backup", "--gzip", "--immediate-checkpoint", *reach, self.url, SERVER
        )

    def kill_backup(self) -> str:
        """Start a backup, kill it while it copies, and return the name it had."""
        process, label = self._begin()
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate(timeout=_SECONDS)
        assert "status=STARTED" in self.info(label), "the backup was faster than the kill"
        return label

    def fail_backup(self) -> str:
        """Start a backup, cut its connection to the server, and return the name it had."""
        process, label = self._begin()
        query = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name ~ %s"
        with self.server.connect() as admin:
            assert admin.execute(query, ("barman",)).fetchone() == (True,)
        process.communicate(timeout=_SECONDS)
        assert "status=FAILED" in self.info(label)
        return label

    def info(self, label: str) -> str:
        """Return the ``backup.info`` of *label*, empty before there is one."""
        path = self.root / "base" / label / "backup.info"
        return path.read_text() if path.exists() else ""

    def labels(self) -> set[str]:
        """Return the backups of which anything is there."""
        return {path.name for path in (self.root / "base").glob("*")}

    def segment(self, name: str) -> Path:
        """Return the file of a segment in the bucket."""
        return self.root / "wals" / name[:16] / f"{name}.gz"

    def _begin(self) -> tuple[subprocess.Popen[str], str]:
        """Start a backup and wait until it has told that it runs."""
        before = self.labels()
        process = self.start_backup()

        def begun() -> bool:
            return any("status=STARTED" in self.info(label) for label in self.labels() - before)

        eventually(begun, _SECONDS)
        (label,) = self.labels() - before
        return process, label

    def push(self, file: Path) -> None:
        """Put a file of WAL into the bucket."""
        process = self.start("barman-cloud-wal-archive", "--gzip", self.url, SERVER, str(file))
        said, _ = process.communicate(timeout=_SECONDS)
        assert process.returncode == 0, said


_CREDENTIALS: Mapping[str, str] = {
    "AWS_ACCESS_KEY_ID": ACCESS_KEY,
    "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
    "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
}


@contextlib.contextmanager
def new_barman_cloud(server: PostgresServer, s3: S3Server, prefix: str) -> Iterator[BarmanCloud]:
    """Lend barman-cloud with an empty place; the server archives into it from then on."""
    (s3.root / BUCKET).mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="presync-barman-", dir="/tmp") as name:
        folder = Path(name)
        for part in ("out", "done", "jobs", "bin"):
            (folder / part).mkdir()
        for program in _GETTING_BACK:
            _write_script(folder / "bin" / program, _PROGRAM.format(folder=folder, program=program))
        script = folder / "archive"
        _write_script(script, _HAND_OVER.format(folder=folder))
        server.cluster.own(folder)
        made = BarmanCloud(server, s3, prefix, folder)
        stopped = threading.Event()
        worker = threading.Thread(target=_serve, args=(made, stopped))
        worker.start()
        try:
            _set_archive_command(server, f"{script} %p %f")
            yield made
        finally:
            _set_archive_command(server, "/bin/true")
            stopped.set()
            worker.join(_SECONDS)


def _serve(tool: BarmanCloud, stopped: threading.Event) -> None:
    """Push what the server hands over and fetch what it asks for, until *stopped*."""
    while not stopped.wait(_POLL_SECONDS):
        for file in sorted((tool.folder / "out").iterdir()):
            if file.suffix != ".part":
                tool.push(file)
                file.unlink()
                (tool.folder / "done" / file.name).touch()
        for job in sorted((tool.folder / "jobs").iterdir()):
            if (job / "asked").exists() and not (job / "ended").exists():
                tool.get_back(job)


def _write_script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


def _set_archive_command(server: PostgresServer, command: str) -> None:
    with server.connect() as admin:
        admin.execute(f"ALTER SYSTEM SET archive_command = '{command}'".encode())
        admin.execute("SELECT pg_reload_conf()")
