"""Files that the outcome is written to: the termination message and the report."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from pathlib import Path

from hook.core.outcome import Finding, Status, warned
from hook.core.reporting.redaction import Redactor
from hook.core.reporting.report import Report
from hook.core.text import clip_bytes, one_line
from hook.errors import ReportFailed
from hook.log.json_text import redacted_json
from hook.render.report_json import report_object
from hook.settings.output import DEFAULT_TERMINATION_LOG, S3_SCHEME, OutputSettings

# The kubelet reads no more of each container ("Customizing the termination message").
TERMINATION_BYTES = 4096
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_NO_ROOM = "Make room there, or correct the path."
_NO_PLACE = "Correct the path, or mount a directory that can be written to."


class TerminationLog:
    """The file that Kubernetes reads a container's last words from."""

    def __init__(self, path: str, redactor: Redactor) -> None:
        self.path = path
        self.redactor = redactor

    def write_running(self, command: str, run_id: str) -> Finding | None:
        """Say that a run is under way, in case that it is killed before it can say more."""
        return self._write(f"RUNNING {command}, run {run_id}: no verdict was reached\n")

    def write_report(self, report: Report) -> Finding | None:
        """Say how the run ended; return a warning when a path that was asked for is no file."""
        return self._write(self.redactor.text(render_termination(report)))

    def _write(self, text: str) -> Finding | None:
        is_default = self.path == DEFAULT_TERMINATION_LOG
        # Outside of Kubernetes nothing is put into /dev.
        flags = os.O_WRONLY | os.O_NONBLOCK | (0 if is_default else os.O_CREAT)
        try:
            # In place: the kubelet has mounted this very file, a new one would not be read.
            descriptor = os.open(self.path, flags, 0o644)
        except OSError as error:
            return None if is_default else self._warning(error)
        try:
            data = clip_bytes(text, TERMINATION_BYTES)
            os.write(descriptor, data)
            _truncate(descriptor, len(data))
        except OSError as error:
            return self._warning(error)
        finally:
            os.close(descriptor)
        return None

    def _warning(self, error: OSError) -> Finding:
        reason = (error.strerror or "not writable").lower()
        return warned(
            "termination-log",
            f"PRESYNC_TERMINATION_LOG: {self.path}: {reason}",
            _NO_ROOM if error.errno in _FULL else _NO_PLACE,
        )


def _truncate(descriptor: int, length: int) -> None:
    """Drop what an earlier, longer message left behind; a pipe has nothing to drop."""
    if stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.ftruncate(descriptor, length)


def render_termination(report: Report) -> str:
    """Return verdict, findings that matter with their hints, and next steps."""
    lines = [one_line(report.verdict)]
    for result in report.results:
        for item in result.findings:
            if item.status in {Status.PASSED, Status.SKIPPED}:
                continue
            lines.append(f"{result.name}: {one_line(item.message)}")
            lines += [f"  -> {one_line(item.hint)}"] if item.hint else []
    lines += [f"next: {one_line(step)}" for step in report.next_steps]
    lines.append(f"run_id {report.run_id}")
    return "\n".join(lines) + "\n"


def write_report(output: OutputSettings, report: Report, redactor: Redactor) -> None:
    """Write *report* as JSON where *output* says, if it does: whole or not at all.

    Raises:
        ReportFailed: It could not be written.
    """
    path = output.report
    if path is None:
        return
    text = redacted_json(report_object(report), redactor) + "\n"
    if path.startswith(S3_SCHEME):
        from hook.render.report_upload import upload_report  # noqa: PLC0415 - loads boto3

        upload_report(path, text, report.run_id, output.s3_endpoint)
        return
    try:
        _replace(Path(path), text, report.run_id)
    except OSError as error:
        reason = (error.strerror or "not writable").lower()
        raise ReportFailed(
            f"PRESYNC_REPORT: {path}: {reason}",
            _NO_ROOM if error.errno in _FULL else _NO_PLACE,
        ) from error


def _replace(target: Path, text: str, run_id: str) -> None:
    if target.exists() and not target.is_file():
        # A pipe or device cannot be replaced.
        target.write_text(text, encoding="utf-8")
        return
    draft = target.with_name(f".{target.name}.{run_id}")
    try:
        draft.write_text(text, encoding="utf-8")
        draft.replace(target)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
