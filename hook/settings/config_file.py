"""The settings file: TOML, one key per setting, and a table of placeholders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from hook.settings.mounted_file import read_toml
from hook.settings.names import NOT_YET, OWN, not_yet
from hook.settings.output_specification import CONFIG
from hook.settings.specification import SETTINGS
from hook.settings.suggestion import did_you_mean

_PLACEHOLDERS = "placeholders"
_KEYS = frozenset(setting.name for setting in SETTINGS) - {CONFIG.name}


class ConfigFile:
    """The texts of a settings file by key; empty when there is no file.

    *problems* are keys that are no settings and values of a kind that none has; what else
    stands there can be read all the same.
    """

    def __init__(
        self,
        path: str = "",
        values: Mapping[str, str] | None = None,
        placeholders: Mapping[str, str] | None = None,
        problems: tuple[str, ...] = (),
    ) -> None:
        self.path = path
        self.problems = problems
        self.values: Mapping[str, str] = values or {}
        self.placeholders: Mapping[str, str] = placeholders or {}


def read_config_file(path: str) -> ConfigFile:
    """Return the settings in the file *path*.

    Raises:
        ConfigError: It cannot be read, or is not TOML.
    """
    content = read_toml(path, "Correct PRESYNC_CONFIG or --config, or mount the file.")
    table = content.pop(_PLACEHOLDERS, {})
    odd = _odd_values(path, content)
    problems = [*_unknown_keys(path, content), *odd.values()]
    if not isinstance(table, dict):
        problems.append(f"{path}: {_PLACEHOLDERS} is not a table")
        table = {}
    odd_texts = _odd_values(f"{path}: [{_PLACEHOLDERS}]", table)
    problems += odd_texts.values()
    return ConfigFile(path, _texts(content, odd), _texts(table, odd_texts), tuple(problems))


def _unknown_keys(path: str, content: Mapping[str, object]) -> Iterator[str]:
    for key in content:
        if OWN + key.upper() in NOT_YET:
            yield not_yet(f"{path}: {key}").text
        elif key not in _KEYS:
            yield f"{path}: {key} is not a setting{did_you_mean(key, _KEYS)}"


def _odd_values(path: str, content: Mapping[str, object]) -> dict[str, str]:
    """Return what is wrong with each value of a kind that no setting has, by its key."""
    return {
        key: f"{path}: {key} is not a text, a whole number, true, false or a list"
        for key, value in content.items()
        if not isinstance(value, str | int | list | datetime)
    }


def _texts(content: Mapping[str, object], odd: Mapping[str, str]) -> dict[str, str]:
    return {key: _text(value) for key, value in content.items() if key not in odd}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(_text(item) for item in value)
    return value.isoformat() if isinstance(value, datetime) else str(value)
