"""How each command shows its result. What only some commands need is imported at use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from hook.core.reporting.report import Report
from hook.errors import ExitCode
from hook.log import Style
from hook.render.report_json import report_object

if TYPE_CHECKING:
    from hook.render.layout import Layout
    from hook.render.palette import Palette


def result_object(report: Report) -> Mapping[str, object]:
    """Return the result of *report*'s command as JSON; mostly the report itself."""
    if report.command != "info" or report.exit_code is not ExitCode.OK:
        return report_object(report)
    if report.runs is not None:
        from hook.render.runs import runs_object  # noqa: PLC0415 - see above

        return runs_object(report)
    from hook.render.info import info_object  # noqa: PLC0415 - see above

    return info_object(report)


def result_text(report: Report, style: Style, layout: Layout) -> str:
    """Return the result of *report*'s command as text, *style* saying whether in colour."""
    from hook.render.palette import Palette  # noqa: PLC0415 - see above
    from hook.render.report_text import render_report  # noqa: PLC0415 - see above

    palette = Palette(style)
    if report.command == "check":
        from hook.render.backups import render_check  # noqa: PLC0415 - see above

        return render_check(report, palette, layout)
    if report.command == "plan" and report.exit_code is ExitCode.OK:
        from hook.render.plan import render_plan  # noqa: PLC0415 - see above

        return render_plan(report, palette, layout)
    listing = _listing(report, palette, layout) if report.exit_code is ExitCode.OK else None
    return render_report(report, palette, layout) if listing is None else listing


def _listing(report: Report, palette: Palette, layout: Layout) -> str | None:
    """Return what a command shows instead of a report, none if it shows that."""
    if report.command == "digest" and report.migration_set is not None:
        return report.migration_set.digest
    if report.runs is not None:
        from hook.render.runs import render_runs  # noqa: PLC0415 - see above

        return render_runs(report, palette)
    if report.command == "info":
        from hook.render.info import render_info  # noqa: PLC0415 - see above

        return render_info(report, palette, layout)
    return None
