"""The last runs of the ledger, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta

from hook.core.backups.marker import exact_time
from hook.core.reporting.past_run import BegunScript, PastMarker, PastRun
from hook.core.reporting.report import Report
from hook.core.reporting.verdict import verdict_word
from hook.core.span import describe_span
from hook.errors import ExitCode
from hook.log.json_text import utc_timestamp
from hook.render.palette import Colour, Palette
from hook.render.report_json import report_object
from hook.render.table import render_table

_HEADERS = ("Started (UTC)", "Took", "Command", "Result", "From", "To", "Pod", "Run")
_EMPTY = "No run is recorded"
_LINES_BEFORE_ROWS = 3
_RUNS_SCHEMA = "presync.runs/1"
_CODES = {int(code): code for code in ExitCode}
_NO_END = "no end recorded"


def render_runs(report: Report, palette: Palette) -> str:
    """Return the table, the newest run first, and the verdict of each below."""
    runs = report.runs or ()
    lines = render_table(_HEADERS, [_cells(run) for run in runs], _EMPTY).splitlines()
    for number, run in enumerate(runs, _LINES_BEFORE_ROWS):
        if run.exit_code != ExitCode.OK:
            lines[number] = palette.paint(lines[number], Colour.BAD)
    told = [line for run in runs for line in _told(run)]
    return "\n".join([*lines, *([""] if told else []), *told])


def runs_object(report: Report) -> dict[str, object]:
    """Return the runs as JSON, the newest first."""
    return {
        "schema": _RUNS_SCHEMA,
        "runs": [_run_object(run) for run in report.runs or ()],
        "report": report_object(report),
    }


def _told(run: PastRun) -> Iterator[str]:
    if run.verdict:
        yield f"{run.run_id}  {run.verdict}"
    elif run.cut_off:
        yield f"{run.run_id}  had begun {run.cut_off.script}: {run.cut_off.progress}"
    if run.marker:
        name = f", {run.marker.name}" if run.marker.name else ""
        at = f"{run.marker.lsn} on timeline {run.marker.timeline}, {exact_time(run.marker.time)}"
        yield f"{run.run_id}  began at {at}{name}"


def _cells(run: PastRun) -> list[str]:
    started = utc_timestamp(run.started_at)[: len("2026-01-01T00:00:00")].replace("T", " ")
    return [
        started,
        "" if run.finished_at is None else describe_span(_took(run)),
        run.command,
        _result(run),
        run.version_before or "",
        run.version_after or "",
        run.pod or "",
        run.run_id,
    ]


def _took(run: PastRun) -> timedelta:
    return timedelta(0) if run.finished_at is None else run.finished_at - run.started_at


def _result(run: PastRun) -> str:
    if run.exit_code is None:
        return _NO_END
    code = _CODES.get(run.exit_code)
    if code is None:  # of another release of presync
        return str(run.exit_code)
    return f"{verdict_word(code)} {int(code)} {code.name}"


def _run_object(run: PastRun) -> Mapping[str, object]:
    return {
        "command": run.command,
        "run_id": run.run_id,
        "started_at": utc_timestamp(run.started_at),
        "finished_at": None if run.finished_at is None else utc_timestamp(run.finished_at),
        "verdict": run.verdict,
        "exit_code": run.exit_code,
        "set_digest": run.set_digest,
        "before": run.version_before,
        "after": run.version_after,
        "pod": run.pod,
        "marker": None if run.marker is None else _marker_object(run.marker),
        "failed_script": None if run.failed is None else run.failed.script,
        "cut_off": None if run.cut_off is None else _begun_object(run.cut_off),
    }


def _begun_object(begun: BegunScript) -> Mapping[str, object]:
    return {"script": begun.script, "done": begun.done}


def _marker_object(marker: PastMarker) -> Mapping[str, object]:
    return {
        "name": marker.name,
        "lsn": marker.lsn,
        "time": exact_time(marker.time),
        "timeline": marker.timeline,
    }
