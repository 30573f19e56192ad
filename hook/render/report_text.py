"""The report as text: one line per finding, or thing it tells; its hint below; the verdict last.

A terminal that is too narrow for a finding gets it in several lines, one below the other.
What is copied from there is never broken: commands, the verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hook.core.outcome import Finding, Result, Status
from hook.core.reporting.report import AppliedMigration, Report
from hook.core.text import one_line
from hook.errors import ExitCode
from hook.render.layout import Layout
from hook.render.palette import Colour, Palette
from hook.render.table import display_width, padded

_MARKS = {
    Status.PASSED: ("✓", Colour.GOOD),
    Status.SKIPPED: ("-", Colour.DIM),
    Status.WARNED: ("!", Colour.WARNING),
    Status.UNKNOWN: ("?", Colour.BAD),
    Status.FAILED: ("✗", Colour.BAD),
}
_PLACE = ("user", "host", "port", "name", "server_version")
_NAME_WIDTH = 10
_TIME_WIDTH = 11
_MARGIN = "  "
_ANY_LENGTH = Layout()


def render_report(
    report: Report, palette: Palette, layout: Layout = _ANY_LENGTH, section: Sequence[str] = ()
) -> str:
    """Return *report* as lines, the last one being the verdict.

    Args:
        report: What to show.
        palette: In which colours.
        layout: In lines of which length.
        section: Lines of the command's own, put after the stages.
    """
    sections = [
        [_heading(report, palette)],
        [line for result in report.results for line in _stage_lines(result, palette, layout)],
        section,
        list(_migration_lines(report, palette, layout)),
        list(_override_lines(report, palette)),
        list(_waiver_lines(report, palette)),
        list(_way_back_lines(report, palette)),
        list(_next_lines(report, palette)),
        [_verdict_line(report, palette)],
    ]
    return "\n\n".join("\n".join(lines) for lines in sections if lines)


def _heading(report: Report, palette: Palette) -> str:
    command = palette.paint(f"presync {report.command}".rstrip(), Colour.STRONG)
    place = describe_database(report)
    return f"{command}  {palette.paint(place, Colour.DIM)}" if place else command


def describe_database(report: Report) -> str:
    """Return ``user@host:port/database, PostgreSQL 15.8`` as far as it is known."""
    facts = {name: str(report.database.get(name) or "") for name in _PLACE}
    if not facts["name"]:
        return ""
    login = f"{facts['user']}@" if facts["user"] else ""
    port = f":{facts['port']}" if facts["port"] else ""
    version = f", PostgreSQL {facts['server_version']}" if facts["server_version"] else ""
    return one_line(f"{login}{facts['host']}{port}/{facts['name']}{version}")


def _stage_lines(result: Result, palette: Palette, layout: Layout) -> Iterator[str]:
    head = f"{result.name:<{_NAME_WIDTH}} {milliseconds(result.duration_ms):>{_TIME_WIDTH}}"
    findings = result.findings or (Finding(result.status, "", ""),)
    for finding in findings:
        yield from _finding_lines(finding, head, palette, layout)
        head = " " * len(head)
        if finding.hint and finding.status is not Status.PASSED:
            yield from _hint_lines(finding.hint, head, palette, layout)


def _finding_lines(finding: Finding, head: str, palette: Palette, layout: Layout) -> Iterator[str]:
    mark, colour = _MARKS[finding.status]
    colours = () if finding.code is ExitCode.OK else (colour,)
    indent = len(f"{_MARGIN}{mark} {head}{_MARGIN}")
    for text in _texts(finding):
        start = f"{_MARGIN}{palette.paint(mark, colour)} {palette.paint(head, Colour.DIM)}{_MARGIN}"
        for line in layout.lines(one_line(text), indent):
            yield f"{start}{palette.paint(line, *colours)}".rstrip()
            start = " " * indent
        head = " " * len(head)


def _texts(finding: Finding) -> tuple[str, ...]:
    """Return what *finding* tells, one text for each of several things if it says no more."""
    is_list = "; ".join(finding.problems) == finding.message
    return finding.problems if finding.problems and is_list else (finding.message,)


def _hint_lines(hint: str, head: str, palette: Palette, layout: Layout) -> Iterator[str]:
    start = f"{_MARGIN}  {head}{_MARGIN}{palette.paint('→', Colour.DIM)} "
    indent = len(f"{_MARGIN}  {head}{_MARGIN}→ ")
    for line in layout.lines(one_line(hint), indent):
        yield f"{start}{line}"
        start = " " * indent


def _migration_lines(report: Report, palette: Palette, layout: Layout) -> Iterator[str]:
    if not report.migrations:
        return
    yield palette.paint("applied", Colour.STRONG)
    names = [f"V{item.version}" if item.version else "R" for item in report.migrations]
    remarks = [_remark(item) for item in report.migrations]
    indent = len(_MARGIN) * 2 + max(map(len, names))
    behind = len(" ") + _TIME_WIDTH + len(_MARGIN) + max(map(len, remarks))
    texts = [
        layout.lines(one_line(item.description), indent + behind) for item in report.migrations
    ]
    text_width = max(display_width(line) for lines in texts for line in lines)
    for item, name, remark, lines in zip(report.migrations, names, remarks, texts, strict=True):
        start = f"{_MARGIN}{name}".ljust(indent)
        time = milliseconds(item.duration_ms)
        line = f"{start}{padded(lines[0], text_width)} {time:>{_TIME_WIDTH}}"
        yield f"{line}{_MARGIN}{palette.paint(remark, Colour.WARNING)}".rstrip()
        yield from (f"{' ' * indent}{more}" for more in lines[1:])


def _remark(migration: AppliedMigration) -> str:
    remarks = [f"{migration.attempts} attempts"] if migration.attempts > 1 else []
    remarks += [] if migration.transactional else ["without transaction"]
    remarks += [] if migration.executed else ["recorded, not run"]
    return ", ".join(remarks)


def _override_lines(report: Report, palette: Palette) -> Iterator[str]:
    if report.overrides:
        yield palette.paint("set aside for this run", Colour.WARNING, Colour.STRONG)
    for item in report.overrides:
        yield f"  {item.gate}, {item.term}: {one_line(item.reason)}"


def _waiver_lines(report: Report, palette: Palette) -> Iterator[str]:
    if report.waivers:
        yield palette.paint("waivers in the files", Colour.WARNING, Colour.STRONG)
    for item in report.waivers:
        waiver = item.waiver
        place = f"{waiver.script}:{waiver.line}" + ("" if waiver.target else " (all of the file)")
        yield one_line(f"  {place} {waiver.rule}: {waiver.reason}")


def _way_back_lines(report: Report, palette: Palette) -> Iterator[str]:
    marker = report.marker
    if marker is None or not report.has_way_back:
        return
    yield palette.paint("way back to before this run", Colour.STRONG)
    proof = "its WAL was seen in the repository"
    if marker.told_by is not None:
        proof = f"its WAL is archived, as {one_line(marker.told_by)} tells; presync did not see it"
    if not marker.is_archived:
        proof = palette.paint("nobody saw its WAL in a repository", Colour.WARNING)
    yield f"  {one_line(marker.describe())}; {proof}"
    for way in marker.restore:
        yield palette.paint(f"  # {one_line(way.purpose)}", Colour.DIM)
        yield f"  {one_line(way.command)}"


def _next_lines(report: Report, palette: Palette) -> Iterator[str]:
    if report.next_steps:
        yield palette.paint("next", Colour.STRONG)
    for step in report.next_steps:
        yield f"  {one_line(step)}"


def _verdict_line(report: Report, palette: Palette) -> str:
    colour = Colour.GOOD if report.exit_code is ExitCode.OK else Colour.BAD
    return palette.paint(one_line(report.verdict), colour, Colour.STRONG)


def milliseconds(duration: int) -> str:
    """Return whole milliseconds as ``12 ms``, with thousands set apart."""
    return f"{duration:,} ms"
