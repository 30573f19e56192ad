"""What a run would do, before it does it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hook.core.outcome import Finding
from hook.core.reporting.report import Report
from hook.core.sql.locks import LockTarget
from hook.core.sql.unforeseen import describe_unforeseen
from hook.core.text import counted, one_line
from hook.render.layout import Layout
from hook.render.palette import Colour, Palette
from hook.render.report_text import render_report

_STAGE = "plan"
_MARGIN = "  "


def render_plan(report: Report, palette: Palette, layout: Layout) -> str:
    """Return the report with what would run, pending scripts in their order, and its locks."""
    planned = [
        item for result in report.results if result.name == _STAGE for item in result.findings
    ]
    rest = tuple(result for result in report.results if result.name != _STAGE)
    pending = [item for item in planned if item.rule == "pending"]
    callbacks = [item for item in planned if item.rule == "callback"]
    scripts = _section(f"{len(pending)} pending, in this order", pending, palette, layout)
    around = _section(counted(len(callbacks), "callback"), callbacks, palette, layout)
    gap = [""] if scripts and around else []
    section = (*scripts, *gap, *around)
    return render_report(report._replace(results=rest), palette, layout, section)


def _section(title: str, planned: Sequence[Finding], palette: Palette, layout: Layout) -> list[str]:
    if not planned:
        return []
    lines = [palette.paint(title, Colour.STRONG)]
    for item in planned:
        lines += _script_lines(item, palette, layout)
    return lines


def _script_lines(finding: Finding, palette: Palette, layout: Layout) -> Iterator[str]:
    is_plain = finding.facts.get("transactional") is not False
    start = _MARGIN
    for line in layout.lines(one_line(finding.message), len(_MARGIN * 2)):
        yield f"{start}{line if is_plain else palette.paint(line, Colour.WARNING)}"
        start = _MARGIN * 2
    locks = finding.facts.get("locks")
    for lock in locks if isinstance(locks, list) else []:
        of_index = "" if lock["target"] == LockTarget.RELATION.value else f"{lock['target']} "
        text = one_line(f"{lock['mode']} on {of_index}{lock['relation']}")
        yield f"      {palette.paint(text, Colour.DIM)}"
    places = finding.facts.get("unforeseen")
    if isinstance(places, list) and places:
        text = one_line(describe_unforeseen(places))
        yield f"      {palette.paint(text, Colour.DIM)}"
