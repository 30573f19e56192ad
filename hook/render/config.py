"""The settings in force: what each is, and where it was given."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hook.core.reporting.redaction import MASK
from hook.render.layout import Layout
from hook.render.palette import Colour, Palette
from hook.render.table import display_width, padded
from hook.settings import Settings
from hook.settings.flyway_files import PLACEHOLDER
from hook.settings.secrets import is_secret_name
from hook.settings.setting import Given, Group, Setting
from hook.settings.specification import SETTINGS

_CONFIG_SCHEMA = "presync.config/1"
_UNSET = "-"
_ANY_LENGTH = Layout()

_Row = tuple[str, str, str]


def render_config(settings: Settings, palette: Palette, layout: Layout = _ANY_LENGTH) -> str:
    """Return every setting under its variable's name, with value and origin.

    A value for which a terminal has no room pushes its own origin aside, and no other.
    """
    groups = [(group.value, _rows_of(settings, group)) for group in Group]
    groups.append(("Placeholders", _placeholder_rows(settings)))
    shown = [(heading, rows) for heading, rows in groups if rows]
    widths = _widths([row for _, rows in shown for row in rows], layout)
    lines: list[str] = []
    for heading, rows in shown:
        lines += ["", palette.paint(heading, Colour.STRONG)]
        for name, value, origin in rows:
            text = f"  {padded(name, widths[0])}  {padded(value, widths[1])}"
            colour = Colour.DIM if origin in {"default", ""} else Colour.GOOD
            lines.append(f"{text}  {palette.paint(origin, colour)}".rstrip())
    lines += ["", *(f"note: {note}" for note in settings.provenance.notes)]
    return "\n".join(lines).strip("\n")


def _widths(rows: Sequence[_Row], layout: Layout) -> tuple[int, int]:
    names = max(display_width(name) for name, _, _ in rows)
    around = len("  ") * 3 + names
    values = [
        display_width(value)
        for _, value, origin in rows
        if layout.width is None
        or around + display_width(value) + display_width(origin) <= layout.width
    ]
    return names, max(values, default=0)


def config_object(settings: Settings) -> dict[str, object]:
    """Return the settings as JSON."""
    rows = [row for group in Group for row in _rows_of(settings, group)]
    rows += _placeholder_rows(settings)
    return {
        "schema": _CONFIG_SCHEMA,
        "settings": [
            {"name": name, "value": None if value == _UNSET else value, "origin": origin}
            for name, value, origin in rows
        ],
        "notes": list(settings.provenance.notes),
    }


def _rows_of(settings: Settings, group: Group) -> list[_Row]:
    database = list(_database_row(settings)) if group is Group.DATABASE else []
    given = settings.provenance.given
    own = [_row(setting, given.get(setting.name)) for setting in SETTINGS if setting.group is group]
    return database + own


def _database_row(settings: Settings) -> Iterator[_Row]:
    target = settings.database.target
    if target is not None:
        yield ("database", target.describe(), settings.database.source)


def _row(setting: Setting[object], given: Given | None) -> _Row:
    name = setting.environment[0]
    if given is None:
        return (name, _UNSET, "")
    return (name, MASK if setting.is_secret else given.text, given.label)


def _placeholder_rows(settings: Settings) -> list[_Row]:
    return [
        (
            PLACEHOLDER + name.upper(),
            MASK if is_secret_name(name) else given.text,
            given.label,
        )
        for name, given in sorted(settings.provenance.placeholders.items())
    ]
