"""Files that the outcome is written to."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hook.core.outcome import Result, Status, warned
from hook.core.reporting.redaction import Redactor
from hook.errors import ExitCode, ReportFailed
from hook.render import sinks
from hook.render.sinks import (
    TERMINATION_BYTES,
    TerminationLog,
    render_termination,
    write_report,
)
from hook.settings.output import OutputSettings
from tests.unit.render.reports import PASSED_RUN, REFUSED_RUN

NO_SECRETS = Redactor(())


def test_termination_message_begins_with_the_verdict() -> None:
    """Verdict, what speaks against the run with its hints, and the next step."""
    assert render_termination(REFUSED_RUN).splitlines() == [
        REFUSED_RUN.verdict,
        "backup: newest full backup stopped 31h ago (limit 24h)",
        "  -> Run a backup, then sync again.",
        "backup: backup.info is damaged, the copy was read",
        "blockers: cannot see\\u001b[31m others",
        "  -> Grant.",
        "next: presync check",
        "run_id 0123456789ab",
    ]


def test_termination_log_is_written_early_and_again(tmp_path: Path) -> None:
    """A run that is killed leaves a word; the final message leaves nothing of it."""
    path = tmp_path / "termination-log"
    log = TerminationLog(str(path), NO_SECRETS)
    assert log.write_running("run", "r" * 300) is None
    assert path.read_text().startswith("RUNNING run, run rrr")
    assert log.write_report(PASSED_RUN) is None
    assert path.read_text() == render_termination(PASSED_RUN)


def test_termination_log_is_written_in_place(tmp_path: Path) -> None:
    """The kubelet reads the file that it mounted, so the inode stays."""
    path = tmp_path / "termination-log"
    path.touch()
    before = path.stat().st_ino
    TerminationLog(str(path), NO_SECRETS).write_report(PASSED_RUN)
    assert path.stat().st_ino == before
    assert path.read_text().startswith(PASSED_RUN.verdict)


@pytest.mark.parametrize("shift", range(4))
def test_termination_message_is_cut_between_characters(tmp_path: Path, shift: int) -> None:
    """At most 4096 bytes, valid UTF-8 wherever the cut falls, the verdict kept."""
    path = tmp_path / "termination-log"
    finding = warned("x", "a" * shift + "🙂" * 2000)
    report = REFUSED_RUN._replace(results=(Result("backup", (finding,)),))
    TerminationLog(str(path), NO_SECRETS).write_report(report)
    data = path.read_bytes()
    assert TERMINATION_BYTES - 4 < len(data) <= TERMINATION_BYTES
    text = data.decode()
    assert text.startswith(f"{REFUSED_RUN.verdict}\nbackup: ")
    assert text.endswith("🙂…")


def test_absent_default_termination_log_is_not_created(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Outside of Kubernetes there is no such file, and nobody is bothered with it."""
    path = tmp_path / "termination-log"
    monkeypatch.setattr(sinks, "DEFAULT_TERMINATION_LOG", str(path))
    assert TerminationLog(str(path), NO_SECRETS).write_report(PASSED_RUN) is None
    assert not path.exists()


def test_configured_termination_log_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Who asked for the file learns why there is none; the run is not failed for it."""
    path = str(tmp_path / "absent" / "log")
    finding = TerminationLog(path, NO_SECRETS).write_report(PASSED_RUN)
    assert finding is not None
    assert finding.status is Status.WARNED
    assert finding.message == f"PRESYNC_TERMINATION_LOG: {path}: no such file or directory"


def test_termination_log_may_be_a_device() -> None:
    """What cannot be truncated can still be written to."""
    assert TerminationLog("/dev/null", NO_SECRETS).write_report(PASSED_RUN) is None


def test_termination_log_without_a_reader_does_not_hang(tmp_path: Path) -> None:
    """A pipe that nobody reads is told, not waited for."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    assert TerminationLog(str(path), NO_SECRETS).write_report(PASSED_RUN) is not None


def test_secret_is_in_no_file(tmp_path: Path) -> None:
    """Report and termination message are redacted like the log."""
    finding = warned("x", "login failed for c4nary", "Use c4nary.", url="x://u:c4nary@h")
    report = REFUSED_RUN._replace(results=(Result("wait", (finding,)),), verdict="c4nary")
    redactor = Redactor(["c4nary"])
    log, file = tmp_path / "log", tmp_path / "report.json"
    TerminationLog(str(log), redactor).write_report(report)
    write_report(OutputSettings(report=str(file)), report, redactor)
    assert "c4nary" not in log.read_text() + file.read_text()
    assert "***" in log.read_text()


def test_report_file_holds_the_report(tmp_path: Path) -> None:
    """The file is the JSON of the report, whole, and nothing is left beside it."""
    path = tmp_path / "report.json"
    path.write_text("an older, much longer report" * 1000)
    write_report(OutputSettings(report=str(path)), PASSED_RUN, NO_SECRETS)
    assert json.loads(path.read_text())["verdict"] == PASSED_RUN.verdict
    assert list(tmp_path.iterdir()) == [path]


def test_report_goes_to_a_device_in_place() -> None:
    """A device is written to, never replaced."""
    write_report(OutputSettings(report="/dev/null"), PASSED_RUN, NO_SECRETS)
    assert Path("/dev/null").is_char_device()


def test_full_device_is_told_to_be_made_room_on() -> None:
    """Its path is right, and it can be written to."""
    with pytest.raises(ReportFailed, match="no space left on device") as refused:
        write_report(OutputSettings(report="/dev/full"), PASSED_RUN, NO_SECRETS)
    assert refused.value.hint == "Make room there, or correct the path."


@pytest.mark.parametrize("name", ["absent/report.json", ""])
def test_report_that_cannot_be_written_is_an_error(tmp_path: Path, name: str) -> None:
    """The path and the reason are told, with an exit code of its own."""
    path = str(tmp_path / name)
    with pytest.raises(ReportFailed, match="PRESYNC_REPORT: /") as refused:
        write_report(OutputSettings(report=path), PASSED_RUN, NO_SECRETS)
    assert refused.value.exit_code is ExitCode.REPORT
    assert list(tmp_path.iterdir()) == []
