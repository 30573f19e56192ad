"""The table of backups that `check` shows, and in lines of its own where that is too wide."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from hook.core.backups.backup import BackupType
from hook.core.backups.backup_table import BackupRow, BackupTable, Restorable, WindowRow
from hook.core.reporting.report import Report
from hook.core.span import describe_span
from hook.core.text import one_line
from hook.render.layout import Layout
from hook.render.palette import Colour, Palette
from hook.render.report_text import render_report
from hook.render.table import display_width, padded

_HEADERS = (
    *("label", "type", "stopped at (UTC)", "age", "WAL from", "WAL to", "holes", "lag"),
    "restorable",
)
_COLOURS = {
    Restorable.YES: Colour.GOOD,
    Restorable.NO: Colour.BAD,
    Restorable.UNKNOWN: Colour.WARNING,
}
_MARGIN = "  "
_INDENT = "      "
_NONE = "-"
_NOT_KNOWN = "?"


def render_check(report: Report, palette: Palette, layout: Layout) -> str:
    """Return the report with the table of backups, if anybody looked at them."""
    table = report.backups
    section = () if table is None else tuple(_lines(table, palette, layout))
    return render_report(report, palette, layout, section)


def _lines(table: BackupTable, palette: Palette, layout: Layout) -> Iterator[str]:
    heading = f"backups in {one_line(table.source)}, the newest first"
    yield palette.paint(heading, Colour.STRONG)
    if table.window is not None:
        yield from _window_lines(table.window, palette, layout)
    if not table.rows:
        yield f"{_MARGIN}none is listed"
        return
    cells = [[one_line(cell) for cell in _cells(row)] for row in table.rows]
    widths = [max(map(display_width, column)) for column in zip(_HEADERS, *cells, strict=True)]
    total = len(_MARGIN) * len(widths) + sum(widths)
    is_wide = layout.width is None or total <= layout.width
    if is_wide:
        yield palette.paint(_line(_HEADERS, widths), Colour.DIM)
    for row, texts in zip(table.rows, cells, strict=True):
        if is_wide:
            verdict = palette.paint(texts[-1], _COLOURS[row.restorable])
            yield _line([*texts[:-1], verdict], [*widths[:-1], 0])
        else:
            yield from _block(row, texts, palette)
        yield from _reason_lines(row.reasons, palette, layout)
    if table.more:
        yield f"{_MARGIN}and {table.more} more"


def _line(texts: tuple[str, ...] | list[str], widths: list[int]) -> str:
    cells = (_MARGIN + padded(text, width) for text, width in zip(texts, widths, strict=True))
    return "".join(cells).rstrip()


def _block(row: BackupRow, texts: list[str], palette: Palette) -> Iterator[str]:
    """Yield *row* for a narrow terminal, on which 24 digits and a label still fit."""
    label, type_, moment, age, wal_from, wal_to, holes, lag, verdict = texts
    yield f"{_MARGIN}{label}"
    yield f"{_INDENT}{type_}, restorable: {palette.paint(verdict, _COLOURS[row.restorable])}"
    verb = "" if row.type is BackupType.DUMP else "stopped "
    yield f"{_INDENT}{verb}{moment}{'' if moment == _NONE else ' UTC'}, age {age}"
    if row.wal_from is not None:
        yield f"{_INDENT}WAL {wal_from}"
        yield f"{_INDENT}to  {wal_to}, holes {holes}, lag {lag}"


def _cells(row: BackupRow) -> tuple[str, ...]:
    unseen = _NONE if row.wal_from is None else _NOT_KNOWN
    # Whoever looked for holes has seen that a replay comes to none.
    no_end = unseen if row.holes is None else _NONE
    return (
        row.label,
        row.type.value,
        _moment(row),
        _NONE if row.age is None else describe_span(row.age),
        row.wal_from or _NONE,
        row.wal_to or no_end,
        unseen if row.holes is None else str(len(row.holes)),
        _span(row.lag, unseen),
        row.restorable.value,
    )


def _moment(row: BackupRow) -> str:
    if row.type is BackupType.DUMP:
        return _NONE if row.started_at is None else f"started {_time(row.started_at)}"
    return _NONE if row.stopped_at is None else _time(row.stopped_at)


def _span(span: timedelta | None, unseen: str) -> str:
    return unseen if span is None else describe_span(span)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _window_lines(window: WindowRow, palette: Palette, layout: Layout) -> Iterator[str]:
    verdict = palette.paint(window.restorable.value, _COLOURS[window.restorable])
    yield f"{_MARGIN}to any moment of its restore window, restorable: {verdict}"
    if window.latest is not None:
        begin = _NOT_KNOWN if window.earliest is None else _time(window.earliest)
        yield f"{_INDENT}{begin} to {_time(window.latest)} UTC, lag {_span(window.lag, _NOT_KNOWN)}"
    yield from _reason_lines(window.reasons, palette, layout)


def _reason_lines(reasons: tuple[str, ...], palette: Palette, layout: Layout) -> Iterator[str]:
    lines = layout.lines(one_line("; ".join(reasons)), len(_INDENT)) if reasons else []
    yield from (_INDENT + palette.paint(line, Colour.DIM) for line in lines)
