"""Tells how a command ended: report, termination message, stdout, last log event."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TextIO

from hook.core.outcome import Finding
from hook.core.reporting.early_report import with_failed_sink
from hook.core.reporting.redaction import Redactor
from hook.core.reporting.report import Report
from hook.core.reporting.wording import Keep, Wording
from hook.errors import ExitCode, ReportFailed
from hook.log import EventLog, Style, configure_logging
from hook.log.json_text import redacted_json
from hook.render.report_json import report_object
from hook.render.sinks import TerminationLog, write_report
from hook.render.views import result_object, result_text
from hook.settings.output import OutputFormat, OutputSettings

if TYPE_CHECKING:
    from hook.core.execution.dry_run import Notebook
    from hook.render.layout import Layout
    from hook.render.live import LiveTerminal
    from hook.render.sql import SqlList, SqlText
    from hook.stages import Events

_SLICE = 1 << 16
_STREAMS = {"stdin": "r", "stdout": "w", "stderr": "w"}
_NO_ROOM = "Make room there, or lead stdout elsewhere, then ask again."
# What a terminal that knows no Unicode is given instead.
_ASCII = str.maketrans({"✓": "+", "✗": "x", "→": "->", "…": "..."})


class Delivery:
    """The way out of the process for one command."""

    def __init__(
        self,
        output: OutputSettings,
        redactor: Redactor,
        style: Style,
        stdout: TextIO,
        events: Events,
    ) -> None:
        self.output = output
        self.redactor = redactor
        self.style = style
        self.stdout = stdout
        self.events = events
        self._sql: SqlText | SqlList | None = None
        self._listing: Callable[[], None] | None = None
        self._keep: Keep | None = None
        self._unwritten: ReportFailed | None = None

    @property
    def wording(self) -> Wording:
        """Return how a report is put down outside of the process."""
        return Wording(report_object, self.redactor, self._note_keeper)

    def _note_keeper(self, keep: Keep) -> None:
        self._keep = keep

    def announce(self, command: str, run_id: str) -> None:
        """Leave a word for the case that the process is killed."""
        self._tell(self._termination_log().write_running(command, run_id))

    def deliver(self, report: Report) -> Report:
        """Tell *report* everywhere, in the log last; return it as it was told.

        Where a sink that was asked for failed, and that changes the outcome, it is kept anew.
        """
        # First what never hangs: a report may go to a pipe that nobody reads.
        self._tell(self.leave_word(report))
        told = self._write_report(report)
        is_awaited = _may_wait_for_a_reader(self.stdout)
        if not is_awaited:
            self.show(told)
            if self._unwritten is not None:
                told = self._tell_failed_sink(told, self._unwritten)
        if told is not report:
            self.leave_word(told)
        if told.exit_code is not report.exit_code and self._keep is not None:
            for finding in self._keep(told):
                self._tell(finding)
        log_end(self.events, told)
        if is_awaited:
            self.show(told)
        return told

    def leave_word(self, report: Report) -> Finding | None:
        """Write the termination message; return a warning when that is not possible."""
        return self._termination_log().write_report(report)

    def open_sql(self) -> Notebook:
        """Return where the statements of a plan go: to stdout as SQL, unless JSON is asked for."""
        from hook.render.sql import SqlList, SqlText  # noqa: PLC0415 - not for a run

        if isinstance(self.stdout, io.TextIOWrapper):
            # What is run later is never replaced by what this terminal can show.
            self.stdout.reconfigure(encoding="utf-8")
        if self.output.format is OutputFormat.JSON:
            self._sql = SqlList(self._write, self.redactor)
            return self._sql
        make = SqlText.on_terminal if self.stdout.isatty() else SqlText.for_psql
        self._sql = make(self._write, self.redactor)
        return self._sql

    def list_instead(self, listing: Callable[[], None]) -> None:
        """Let *listing* write the result of a command that reports no problem."""
        self._listing = listing

    def show(self, report: Report) -> None:
        """Write the result to stdout."""
        if self._sql is not None:
            self._sql.close(report)
        elif self._listing is not None and report.exit_code is ExitCode.OK:
            self._listing()
        elif self.style is Style.JSON:
            self.print_object(result_object(report))
        else:
            self.print_text(result_text(report, self.style, self.layout()))

    def layout(self) -> Layout:
        """Return how long lines may be on standard output."""
        from hook.render.layout import Layout  # noqa: PLC0415 - not for JSON

        if not self.stdout.isatty():
            return Layout()
        import shutil  # noqa: PLC0415 - only a terminal has a width

        return Layout(shutil.get_terminal_size().columns, self.redactor.text)

    def print_object(self, value: Mapping[str, object]) -> None:
        """Write *value* as one line of JSON."""
        self._print(redacted_json(value, self.redactor))

    def print_text(self, text: str) -> None:
        """Write *text*."""
        self._print(self.redactor.text(text))

    def _write_report(self, report: Report) -> Report:
        try:
            write_report(self.output, report, self.redactor)
        except ReportFailed as error:
            return self._tell_failed_sink(report, error)
        return report

    def _tell_failed_sink(self, report: Report, error: ReportFailed) -> Report:
        told = with_failed_sink(report, error)
        self._tell(told.results[-1].findings[0])
        return told

    def _termination_log(self) -> TerminationLog:
        return TerminationLog(self.output.termination_log, self.redactor)

    def _tell(self, finding: Finding | None) -> None:
        if finding is not None:
            log_finding(self.events, "report", finding)

    def _print(self, text: str) -> None:
        encoding = self.stdout.encoding or "utf-8"
        try:
            text.encode(encoding)
        except UnicodeEncodeError:
            text = text.translate(_ASCII).encode(encoding, "replace").decode(encoding)
        self._write(f"{text}\n")

    def _write(self, text: str) -> None:
        try:
            # In slices, because the stream would encode a long text as a whole.
            self.stdout.writelines(
                text[start : start + _SLICE] for start in range(0, len(text), _SLICE)
            )
            self.stdout.flush()
        except OSError as error:
            if not isinstance(error, BrokenPipeError):  # as of `presync info | head -1`
                reason = (error.strerror or "not writable").lower()
                self._unwritten = ReportFailed(f"standard output: {reason}", _NO_ROOM)
            # Without this Python would try to flush once more at exit and complain.
            descriptor = os.open(os.devnull, os.O_WRONLY)
            os.dup2(descriptor, self.stdout.fileno())
            os.close(descriptor)


def log_finding(events: Events, stage: str, finding: Finding) -> None:
    """Log *finding*."""
    events(
        "finding",
        finding.message,
        stage=stage,
        rule=finding.rule,
        status=finding.status.value,
        **({"code": finding.code.name, "exit_code": int(finding.code)} if finding.code else {}),
        **({"hint": finding.hint} if finding.hint else {}),
    )


def log_end(events: Events, report: Report) -> None:
    """Log the verdict, the last event of a run."""
    events(
        "run.finished",
        report.verdict,
        level="info" if report.exit_code is ExitCode.OK else "error",
        verdict=report.verdict,
        exit_code=int(report.exit_code),
        code=report.exit_code.name,
        duration_ms=report.duration_ms,
    )


def open_closed_streams() -> None:
    """Lead what the caller has closed (``presync run >&-``) to nowhere.

    Python has no object for such a stream, and the next socket would get its number.
    """
    for name, mode in _STREAMS.items():
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - open until the end


def choose_style(
    wanted: OutputFormat | None, stream: TextIO, environment: Mapping[str, str]
) -> Style:
    """Return how to write to *stream*: as *wanted*, else text on a terminal and JSON elsewhere.

    Colour is for terminals, unless ``NO_COLOR`` (https://no-color.org) is set.
    """
    is_terminal = stream.isatty()
    if wanted is OutputFormat.JSON or (wanted is None and not is_terminal):
        return Style.JSON
    is_plain = environment.get("NO_COLOR") or environment.get("TERM") == "dumb"
    return Style.COLOUR if is_terminal and not is_plain else Style.PLAIN


def open_live(
    style: Style, stream: TextIO, environment: Mapping[str, str], redactor: Redactor
) -> LiveTerminal | None:
    """Return the line that tells what runs, none where it cannot be redrawn in place.

    It has no colour, and so is drawn whatever ``NO_COLOR`` says.
    """
    can_redraw = environment.get("TERM", "dumb") not in {"", "dumb"}
    if style is Style.JSON or not can_redraw or not stream.isatty():
        return None
    from hook.render.live import LiveTerminal  # noqa: PLC0415 - only a terminal has such a line

    return LiveTerminal(stream, redactor)


def open_log(
    run_id: str, output: OutputSettings, stream: TextIO, around: Mapping[str, str], redact: Redactor
) -> EventLog:
    """Return the log of this process on *stream*, as *output* and the environment say."""
    style = choose_style(output.log_format, stream, around)
    return configure_logging(
        run_id, style, stream, redact, open_live(style, stream, around, redact)
    )


def _may_wait_for_a_reader(stream: TextIO) -> bool:
    """Tell whether writing to *stream* may last until somebody reads, unlike that to a file."""
    if stream.isatty():
        return True
    try:
        mode = os.fstat(stream.fileno()).st_mode
    except OSError:  # no stream of the operating system's
        return False
    return stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode)
