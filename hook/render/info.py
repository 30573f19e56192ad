"""The table of states, in the form that Flyway's ``info`` has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hook.core.reporting.report import Report
from hook.core.schema_history.history import (
    BASELINE_TYPES,
    SYNTHETIC_TYPES,
    MigrationInfo,
    MigrationState,
)
from hook.core.schema_history.info_filter import InfoFilter
from hook.core.scripts.script import Migration
from hook.core.scripts.version import Version
from hook.core.text import one_line
from hook.render.layout import NARROWEST, Layout
from hook.render.palette import Colour, Palette
from hook.render.report_json import report_object
from hook.render.table import display_width, render_table

Undo = Mapping[Version | None, Migration]

_HEADERS = ("Category", "Version", "Description", "Type", "Installed On", "State", "Undoable")
_DESCRIPTION = _HEADERS.index("Description")
_KEYS = ("category", "version", "description", "type", "installedOn", "state", "undoable")
_NOT_UNDOABLE = frozenset({MigrationState.DELETED, MigrationState.UNDONE})
_EMPTY = "No migrations found"
_LINES_BEFORE_ROWS = 3
# Where the table does not fit anyway.
_DESCRIPTION_WIDTH = 40
_ANY_LENGTH = Layout()
_INFO_SCHEMA = "presync.info/1"
_PLAIN = frozenset({MigrationState.SUCCESS, MigrationState.BASELINE, MigrationState.OUT_OF_ORDER})


def render_info(report: Report, palette: Palette, layout: Layout = _ANY_LENGTH) -> str:
    """Return the schema's version and the table of states, or names for a script to read.

    Long descriptions are broken, so that the table fits a terminal or comes near to it.
    """
    if report.shown is not None and report.shown.is_for_scripts:
        return ",".join(
            info.version.text if info.version else info.description for info in _shown(report)
        )
    version = report.before.get("version")
    head = palette.paint(f"Schema version: {version or '<< Empty Schema >>'}", Colour.STRONG)
    infos, undo = _shown(report), _undo(report)
    rows = [_cells(info, undo) for info in infos]
    broken = list(_broken(rows, layout))
    flat = [row for lines in broken for row in lines]
    states = [info.state for info, lines in zip(infos, broken, strict=True) for _ in lines]
    lines = render_table(_HEADERS, flat, _EMPTY).splitlines()
    for number, state in enumerate(states, _LINES_BEFORE_ROWS):
        lines[number] = palette.paint(lines[number], *_colours(state))
    return "\n".join([head, "", *lines])


def _broken(rows: Sequence[list[str]], layout: Layout) -> Iterator[list[list[str]]]:
    """Yield for each of *rows* the lines that it takes, cell by cell."""
    others = [index for index in range(len(_HEADERS)) if index != _DESCRIPTION]
    widths = [max(display_width(row[index]) for row in (_HEADERS, *rows)) for index in others]
    around = sum(widths) + len("|  ") * len(_HEADERS) + len("|")
    if layout.width is not None and layout.width - around < NARROWEST:
        around = layout.width - _DESCRIPTION_WIDTH
    for row in rows:
        first, *rest = layout.lines(one_line(row[_DESCRIPTION]), around)
        below = [
            ["" if index != _DESCRIPTION else text for index in range(len(row))] for text in rest
        ]
        yield [[*row[:_DESCRIPTION], first, *row[_DESCRIPTION + 1 :]], *below]


def info_object(report: Report) -> dict[str, object]:
    """Return the table as JSON, under the names that Flyway's own output has."""
    undo = _undo(report)
    return {
        "schema": _INFO_SCHEMA,
        "operation": "info",
        "database": report.database.get("name"),
        "schemaVersion": report.before.get("version"),
        "migrations": [_migration_object(info, undo) for info in _shown(report)],
        "report": report_object(report),
    }


def _shown(report: Report) -> list[MigrationInfo]:
    wanted = report.shown or InfoFilter()
    return [info for info in report.infos if wanted.matches(info)]


def _undo(report: Report) -> Undo:
    scripts = () if report.migration_set is None else report.migration_set.undo
    return {item.version: item for item in scripts}


def _colours(state: MigrationState) -> tuple[Colour, ...]:
    if state.is_failed or state is MigrationState.MISSING:
        return (Colour.BAD,)
    if state is MigrationState.PENDING:
        return (Colour.WARNING,)
    return () if state in _PLAIN else (Colour.DIM,)


def _cells(info: MigrationInfo, undo: Undo) -> list[str]:
    return [
        _category(info),
        "" if info.version is None else info.version.text,
        info.description,
        info.type,
        "" if info.row is None else info.row.installed_on,
        info.state.value,
        _undoable(info, undo),
    ]


def _undoable(info: MigrationInfo, undo: Undo) -> str:
    if info.version is None or info.state in _NOT_UNDOABLE:
        return ""
    return "Yes" if info.version in undo and not info.state.is_failed else "No"


def _category(info: MigrationInfo) -> str:
    if info.type in SYNTHETIC_TYPES:
        return ""
    if info.type in BASELINE_TYPES:
        return "Baseline"
    return "Repeatable" if info.version is None else "Versioned"


def _migration_object(info: MigrationInfo, undo: Undo) -> Mapping[str, object]:
    row, migration = info.row, info.migration
    shown: dict[str, object] = dict(zip(_KEYS, _cells(info, undo), strict=True))
    return shown | {
        "rawVersion": row.version if row is not None else shown["version"],
        # The time zone of whoever wrote it, UTC for presync and for Flyway's image.
        "installedOnUTC": f"{row.installed_on.replace(' ', 'T')}Z" if row else "",
        "filepath": "" if migration is None else migration.path,
        "undoFilepath": undo[info.version].path if shown["undoable"] == "Yes" else "",
        "shouldExecuteExpression": migration.condition if migration else "",
        "installedBy": "" if row is None else row.installed_by,
        "executionTime": 0 if row is None else row.execution_time,
    }
