"""Makes a backup by pg_dump into a bucket, in an upload that is completed only when it is whole.

A multipart upload is invisible until it is completed, and that happens after pg_dump has
ended with 0. In every other end it is aborted, so nobody finds half a dump; where that
fails, what stays is told.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import IO, TYPE_CHECKING, Any

from hook.catalogs.aws import Service, open_client
from hook.catalogs.dump_reading import FULL_READ_LIMIT
from hook.core.backups.backup_made import OpenUpload, Rest, tell_open_upload
from hook.core.text import clip, one_line
from hook.errors import BackupSourceMissing, BackupUnknown, HookError
from hook.settings.backup_source import S3Location, S3Settings
from hook.settings.target import KEEPALIVES, ConnectionTarget
from hook.triggers import Begun, Left, Phase, Standing, Wanted
from hook.triggers.multipart import Upload

if TYPE_CHECKING:
    from hook.core.outcome import Finding

# What is larger takes too long for a run that everybody waits for.
SIZE_LIMIT = 5 * 2**30
_PART_SIZE = 2**24
_DETAIL_LENGTH = 300
_CLOSE_SECONDS = 12.0
_FALLBACK_REGION = "us-east-1"


class DumpTrigger:
    """A `Trigger` that dumps the database of *target* below *location*.

    Attributes:
        limit: How many bytes the dump may have; no gate would count one that has more.
    """

    poll = timedelta(seconds=1)
    limit = FULL_READ_LIMIT

    def __init__(
        self,
        target: ConnectionTarget,
        location: S3Location,
        settings: S3Settings,
        program: str = "pg_dump",
    ) -> None:
        """Note what to do; nothing is started yet. *program* is found on the PATH."""
        self._target = target
        self._location = location
        self._settings = settings
        self._program = program
        self._stopping = threading.Event()
        self._starting = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: threading.Thread | None = None
        self._upload: Upload | None = None
        self._standing = Standing(Phase.RUNNING)

    def describe(self) -> str:
        """Return program and place."""
        return f"{self._program} to s3://{'/'.join(filter(None, self._location))}"

    def begin(self, wanted: Wanted) -> Begun:
        """Start the dump and its upload; a dump of somebody else's cannot be seen."""
        program = self._require(wanted)
        started_at = datetime.now(UTC)
        key = self._key(started_at)
        with self._starting:
            if not self._stopping.is_set():
                self._process = self._start(program)
                work = self._uploading(self._process, key)
                self._thread = threading.Thread(target=work, daemon=True)
                self._thread.start()
        return Begun(f"dump s3://{self._location.bucket}/{key}", is_adopted=False)

    def look(self) -> Standing:
        """Return how far the upload is."""
        return self._standing

    def close(self) -> Left:
        """Stop pg_dump; then the upload is aborted, which is waited for."""
        self._stopping.set()
        with self._starting:
            process, thread = self._process, self._thread
        if process is not None and process.poll() is None:
            _kill(process)
        if thread is not None:
            thread.join(_CLOSE_SECONDS)
        return Left(self._rest(thread), self._tell_left())

    def _rest(self, thread: threading.Thread | None) -> Rest:
        upload = self._upload
        if upload is not None and upload.is_complete:
            return Rest.WHOLE
        # What has no answer may have begun.
        is_busy = thread is not None and thread.is_alive()
        is_open = upload is not None and upload.upload_id is not None
        return Rest.PARTS if is_busy or is_open else Rest.NOTHING

    def _tell_left(self) -> tuple[Finding, ...]:
        """Return what is to be told of an upload that is open although nobody uploads."""
        upload = self._upload
        if upload is None or upload.upload_id is None:
            return ()
        place = (self._location.bucket, upload.key, upload.upload_id)
        left = OpenUpload(*place, self._settings.endpoint or "")
        if upload.not_aborted is None:
            storage = self._settings.endpoint or "S3"
            return (tell_open_upload(left, f"{storage} did not answer within {_CLOSE_SECONDS:g}s"),)
        return (tell_open_upload(left, upload.not_aborted.message, upload.not_aborted.hint),)

    def _require(self, wanted: Wanted) -> str:
        """Return the path of pg_dump, once it is sure that it may and can be run."""
        program = shutil.which(self._program)
        if program is None:
            raise BackupSourceMissing(
                f"there is no {self._program} on the PATH of this container",
                "Add the PostgreSQL client of the server's major version to the image (FROM"
                " presync), or choose another PRESYNC_BACKUP_TRIGGER.",
            )
        if wanted.size is None:
            raise BackupUnknown(
                "the size of the database cannot be seen, so no dump is begun",
                "Grant CONNECT on the database to the migrating role.",
            )
        if wanted.size > SIZE_LIMIT:
            raise BackupSourceMissing(
                f"the database has {wanted.size / 2**30:.1f} GiB, and dumps are for up to"
                f" {SIZE_LIMIT // 2**30} GiB",
                "Make the backup in another way, and name that in PRESYNC_BACKUP_TRIGGER.",
            )
        if "sslpassword" in self._target.parameters:
            raise BackupSourceMissing(
                "pg_dump cannot be given sslpassword without showing it to other processes",
                "Use a key without passphrase, or choose another PRESYNC_BACKUP_TRIGGER.",
            )
        return program

    def _key(self, started_at: datetime) -> str:
        """Return the key of the dump: its age counts from the moment that is in its name."""
        database = self._target.parameters.get("dbname", "database")
        name = "".join(
            character if character.isascii() and (character.isalnum() or character in "_-") else "_"
            for character in database
        )
        prefix = f"{self._location.prefix}/" if self._location.prefix else ""
        return f"{prefix}{name}/{started_at:%Y%m%dT%H%M%SZ}.dump"

    def _start(self, program: str) -> subprocess.Popen[bytes]:
        parameters = {**KEEPALIVES, **self._target.parameters}
        conninfo = " ".join(f"{key}={_quoted(value)}" for key, value in parameters.items())
        environment = dict(os.environ)
        if self._target.password is not None:
            # Not in the arguments, which every process of the machine can read.
            environment["PGPASSWORD"] = self._target.password
        command = [program, "--format=custom", "--no-password", f"--dbname={conninfo}"]
        try:
            return subprocess.Popen(  # noqa: S603 - the program is found on the PATH by its name
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=environment,
                # A Ctrl-C is for us: we abort the upload and then stop it ourselves.
                start_new_session=True,
            )
        except OSError as error:
            raise BackupSourceMissing(
                f"{program} cannot be started: {error.strerror or error}",
                "See that it is a program for this machine.",
            ) from error

    def _uploading(self, process: subprocess.Popen[bytes], key: str) -> Callable[[], None]:
        """Return what a thread does: upload, complete or abort, and note how it ended."""

        def work() -> None:
            try:
                told = self._dump(process, key)
            except HookError as error:
                self._standing = Standing(Phase.FAILED, error.message)
            else:
                self._standing = told
            finally:
                _reap(process)
                if self._standing.phase is Phase.RUNNING:
                    self._standing = Standing(Phase.FAILED, "the upload broke off")

        return work

    def _dump(self, process: subprocess.Popen[bytes], key: str) -> Standing:
        complaints = _Complaints(process.stderr)
        service = Service("s3", self.describe(), _FALLBACK_REGION)
        bucket = self._location.bucket
        self._upload = Upload(lambda: open_client(service, self._settings), bucket, key)
        with self._upload as upload:
            size = self._send(process.stdout, upload)
            if size > self.limit:
                return Standing(Phase.FAILED, self._too_long())
            code = process.wait()
            if self._stopping.is_set():
                return Standing(Phase.FAILED, "it was stopped")
            if code:
                return Standing(
                    Phase.FAILED, f"{self._program} ended with {code}: {complaints.text()}"
                )
            upload.complete(size)
        return Standing(Phase.ENDED, f"{size} bytes")

    def _too_long(self) -> str:
        return (
            f"the dump is longer than {self.limit // 2**20} MiB, more than can be verified of one"
            " that came out of a pipe; make the backup in another way, and name that in"
            " PRESYNC_BACKUP_TRIGGER"
        )

    def _send(self, stream: IO[bytes] | None, upload: Upload) -> int:
        """Return how long the dump is, as far as it was read: what is too long is not sent on."""
        size = 0
        while stream is not None and not self._stopping.is_set():
            part = stream.read(_PART_SIZE)
            if not part:
                break
            size += len(part)
            if size > self.limit:
                break
            upload.send(part)
            self._standing = Standing(Phase.RUNNING, f"{size // 2**20} MiB uploaded")
        return size


class _Complaints:
    """What a program says on stderr, read as it comes so that it never waits for us."""

    def __init__(self, stream: IO[bytes] | None) -> None:
        self._told = b""
        self._stream = stream
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def text(self) -> str:
        """Return its last words on one line."""
        self._reader.join(_CLOSE_SECONDS)
        return clip(one_line(self._told.decode("utf-8", "replace").strip()), _DETAIL_LENGTH)

    def _read(self) -> None:
        if self._stream is not None:
            with self._stream as stream:
                for line in stream:
                    self._told = (self._told + line)[-4 * _DETAIL_LENGTH :]


def _kill(process: subprocess.Popen[Any]) -> None:
    """End the program, and what it may have started: it leads a group of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)


def _reap(process: subprocess.Popen[Any]) -> None:
    if process.poll() is None:
        _kill(process)
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _quoted(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"
