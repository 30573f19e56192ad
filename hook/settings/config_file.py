"""The settings file: TOML, one key per setting, and a table of placeholders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime

from hook.errors import ConfigError
from hook.settings.mounted_file import read_toml
from hook.settings.names import NOT_YET, OWN, not_yet
from hook.settings.output_specification import CONFIG
from hook.settings.specification import SETTINGS
from hook.settings.suggestion import did_you_mean

_PLACEHOLDERS = "placeholders"
_KEYS = frozenset(setting.name for setting in SETTINGS) - {CONFIG.name}


class ConfigFile:
    """The texts of a settings file by key; empty when there is no file."""

    def __init__(
        self,
        path: str = "",
        values: Mapping[str, str] | None = None,
        placeholders: Mapping[str, str] | None = None,
    ) -> None:
        self.path = path
        self.values: Mapping[str, str] = values or {}
        self.placeholders: Mapping[str, str] = placeholders or {}


def read_config_file(path: str) -> ConfigFile:
    """Return the settings in the file *path*.

    Raises:
        ConfigError: It cannot be read, is not TOML, or has keys that are no settings;
            all such keys are named.
    """
    content = read_toml(path, "Correct PRESYNC_CONFIG or --config, or mount the file.")
    table = content.pop(_PLACEHOLDERS, {})
    problems = [*_unknown_keys(path, content), *_odd_values(path, content)]
    if not isinstance(table, dict):
        problems.append(f"{path}: {_PLACEHOLDERS} is not a table")
        table = {}
    problems += _odd_values(f"{path}: [{_PLACEHOLDERS}]", table)
    if problems:
        raise ConfigError(tuple(problems))
    return ConfigFile(path, _texts(content), _texts(table))


def _unknown_keys(path: str, content: Mapping[str, object]) -> Iterator[str]:
    for key in content:
        if OWN + key.upper() in NOT_YET:
            yield not_yet(f"{path}: {key}").text
        elif key not in _KEYS:
            yield f"{path}: {key} is not a setting{did_you_mean(key, _KEYS)}"


def _odd_values(path: str, content: Mapping[str, object]) -> Iterator[str]:
    for key, value in content.items():
        if not isinstance(value, str | int | list | datetime):
            yield f"{path}: {key} is not a text, a whole number, true, false or a list"


def _texts(content: Mapping[str, object]) -> dict[str, str]:
    return {key: _text(value) for key, value in content.items()}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return ",".join(_text(item) for item in value)
    return value.isoformat() if isinstance(value, datetime) else str(value)
