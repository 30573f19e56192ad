"""What a run would do, before it does it."""

from __future__ import annotations

from collections.abc import Iterator

from hook.core.outcome import Finding
from hook.core.report import Report
from hook.core.text import one_line
from hook.render.palette import Colour, Palette
from hook.render.report_text import render_report

_STAGE = "plan"


def render_plan(report: Report, palette: Palette) -> str:
    """Return the report with the pending scripts in running order and what they will lock."""
    planned = [
        item for result in report.results if result.name == _STAGE for item in result.findings
    ]
    rest = tuple(result for result in report.results if result.name != _STAGE)
    section = [palette.paint(f"{len(planned)} pending, in this order", Colour.STRONG)]
    for item in planned:
        section += _script_lines(item, palette)
    return render_report(report._replace(results=rest), palette, section if planned else ())


def _script_lines(finding: Finding, palette: Palette) -> Iterator[str]:
    message = one_line(finding.message)
    is_plain = finding.facts.get("transactional") is not False
    yield f"  {message if is_plain else palette.paint(message, Colour.WARNING)}"
    locks = finding.facts.get("locks")
    for lock in locks if isinstance(locks, list) else []:
        text = one_line(f"{lock['mode']} on {lock['relation']}")
        yield f"      {palette.paint(text, Colour.DIM)}"
