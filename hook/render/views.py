"""How each command shows its result."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from hook.core.report import Report
from hook.errors import ExitCode
from hook.render.info import info_object, render_info
from hook.render.palette import Palette
from hook.render.plan import render_plan
from hook.render.report_json import report_object
from hook.render.report_text import render_report


@dataclass(frozen=True, slots=True)
class View:
    """A result as text and as JSON."""

    text: Callable[[Report, Palette], str] = render_report
    json: Callable[[Report], Mapping[str, object]] = report_object


def _info_text(report: Report, palette: Palette) -> str:
    if report.exit_code is not ExitCode.OK:
        return render_report(report, palette)
    return render_info(report, palette)


def _digest_text(report: Report, palette: Palette) -> str:
    if report.migration_set is None or report.exit_code is not ExitCode.OK:
        return render_report(report, palette)
    return report.migration_set.digest


_VIEWS = {
    "digest": View(_digest_text),
    "info": View(_info_text, info_object),
    "plan": View(render_plan),
}


def view_of(command: str) -> View:
    """Return how *command* shows its result; most show the report."""
    return _VIEWS.get(command, View())
