"""Reads ``flyway.conf``: properties as Flyway reads them.

Source: Flyway's documentation, "Configuration", and its ``ConfigUtils``: ``${NAME}`` stands
for a variable of the environment before anything else is read.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from hook.core.scripts.encoding import UnknownEncoding, decode_chunks
from hook.core.scripts.properties import literal_lines, numbered_properties
from hook.errors import ConfigError
from hook.settings.flyway_entry import Entry, Reading
from hook.settings.flyway_keys import PREFIX, has_references
from hook.settings.mounted_file import MOUNTED, read_mounted
from hook.settings.setting import Given, Origin

_REFERENCE = re.compile(r"\$\{([A-Za-z0-9_]+)\}")
_ENCODING = "FLYWAY_CONFIG_FILE_ENCODING"


def read_conf_files(paths: Sequence[str], environment: Mapping[str, str]) -> Reading:
    """Return what the files say; a later one of *paths* is stronger.

    Raises:
        ConfigError: A file cannot be read.
    """
    found: dict[str, Given] = {}
    notes: list[str] = []
    for path in paths:
        text = _read(path, environment.get(_ENCODING) or "UTF-8")
        prepared = _expanded(path, literal_lines(text), environment, notes)
        found |= _read_properties(path, "\n".join(prepared), notes)
    entries = tuple(
        Entry(key, given, has_references=has_references(key)) for key, given in found.items()
    )
    return Reading(entries, notes=tuple(notes))


def _read(path: str, encoding: str) -> str:
    data = read_mounted(path, MOUNTED)
    try:
        return "".join(decode_chunks((data,), encoding))
    except UnknownEncoding as error:
        raise ConfigError((f"{_ENCODING}: {error}",)) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            (f"{path} is not {encoding}",), f"Set {_ENCODING} to the encoding of the file."
        ) from error


def _expanded(
    path: str, lines: Sequence[str], environment: Mapping[str, str], notes: list[str]
) -> Iterator[str]:
    for number, line in enumerate(lines, 1):
        if "${" not in line or line.startswith(("#", "!")):
            yield line
            continue
        unset = [name for name in _REFERENCE.findall(line) if name not in environment]
        notes += (f"{path}:{number}: {name} is not set, so ${{{name}}} is empty" for name in unset)
        yield _REFERENCE.sub(lambda match: _value_of(match[1], environment), line)


def _value_of(name: str, environment: Mapping[str, str]) -> str:
    value = environment.get(name, "").rstrip("\r\n")
    if "\n" in value or "\r" in value:
        raise ConfigError((f"{name} holds several lines, which a line of flyway.conf cannot",))
    return value


def _read_properties(path: str, text: str, notes: list[str]) -> dict[str, Given]:
    found: dict[str, Given] = {}
    lines: dict[str, int] = {}
    for number, key, value in numbered_properties(text):
        # Neither is quoted: it may be the rest of a value that was broken off.
        if not key.startswith(PREFIX):
            notes.append(f"{path}:{number} is ignored: it does not begin with {PREFIX}")
            continue
        if key in lines:
            notes.append(f"{path}:{lines[key]}: {key} is ignored: line {number} sets it again")
        lines[key] = number
        found[key] = Given(value, Origin.FILE, f"{path}:{number}: {key}")
    return found
