"""Flags, environment, file, Flyway's files, defaults; each value knows where it is from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, TypeVar, cast

from hook.core.schema_history.orders import Orders
from hook.core.scripts.placeholders import RESERVED
from hook.errors import ConfigError
from hook.settings.config_file import ConfigFile, read_config_file
from hook.settings.flyway_files import PLACEHOLDER, FlywayFiles, read_flyway_files
from hook.settings.flyway_specification import PLACEHOLDER_SEPARATOR, WORKING_DIRECTORY
from hook.settings.output_specification import CONFIG
from hook.settings.setting import Given, Origin, Problem, Setting
from hook.settings.specification import SETTINGS
from hook.settings.unexpanded import is_unexpanded, unexpanded_problem

if TYPE_CHECKING:
    from hook.settings.flyway_entry import FlywayArguments

T = TypeVar("T")

PLACEHOLDER_FLAG = "--placeholder"


class Inputs:
    """What the process was started with.

    Attributes:
        flags: Texts by the setting's name.
        environment: All variables.
        placeholders: ``name=value`` texts from flags.
        folders: Where Flyway's files may be, the weakest first.
        orders: What no setting can say.
        arguments: Those in Flyway's own form, if there are any.
    """

    def __init__(
        self,
        flags: Mapping[str, str] | None = None,
        environment: Mapping[str, str] | None = None,
        placeholders: tuple[str, ...] = (),
        folders: tuple[str, ...] = (),
        orders: Orders | None = None,
        arguments: FlywayArguments | None = None,
    ) -> None:
        self.flags: Mapping[str, str] = flags or {}
        self.environment: Mapping[str, str] = environment or {}
        self.placeholders = placeholders
        self.folders = folders
        self.orders = orders or Orders()
        self.arguments = arguments


class Values:
    """Every setting's value, and where it was given.

    Attributes:
        given: By setting; none where a setting is unset.
        placeholders: By name in lower case.
        flyway: What Flyway's own files say.
        notes: What has no effect beside another setting, one sentence each.
    """

    def __init__(
        self,
        given: Mapping[str, Given],
        placeholders: Mapping[str, Given],
        parsed: Mapping[str, object],
        flyway: FlywayFiles,
        notes: tuple[str, ...] = (),
    ) -> None:
        self.given = given
        self.placeholders = placeholders
        self._parsed = parsed
        self.flyway = flyway
        self.notes = notes

    def of(self, setting: Setting[T]) -> T:
        """Return the value of *setting*; none when it is unset."""
        return cast("T", self._parsed[setting.name])

    def replaced(self, setting: Setting[T], value: T, given: Given) -> Values:
        """Return the values with another one of *setting*, and where that was given."""
        parsed = {**self._parsed, setting.name: value}
        all_given = {**self.given, setting.name: given}
        return Values(all_given, self.placeholders, parsed, self.flyway, self.notes)

    def noted(self, note: str) -> Values:
        """Return the values with one more *note*."""
        notes = (*self.notes, note)
        return Values(self.given, self.placeholders, self._parsed, self.flyway, notes)


def read_values(
    inputs: Inputs, settings: tuple[Setting[object], ...] = SETTINGS
) -> tuple[Values, tuple[Problem, ...]]:
    """Return the value of each of *settings*, and all that is wrong with those given.

    A setting with a problem has its default, so that reading can go on.
    """
    problems: list[Problem] = []
    given: dict[str, Given] = {}
    parsed: dict[str, object] = {}
    file = _read_file(inputs, problems)
    flyway = read_flyway_files(_folders(inputs), inputs.environment, inputs.arguments)
    problems += flyway.problems
    for setting in settings:
        default = setting.default
        parsed[setting.name] = None if default is None else setting.parse(default)
        found = _find(setting, inputs, file, flyway)
        if found is None:
            continue
        given[setting.name] = found
        if is_unexpanded(found.text):
            problems.append(unexpanded_problem(found.label, found.text, inputs.environment))
            continue
        try:
            parsed[setting.name] = _parse(setting, found)
        except ConfigError as error:
            problems += [Problem(text, found.origin, error.hint) for text in error.problems]
    separator = parsed.get(PLACEHOLDER_SEPARATOR.name, PLACEHOLDER_SEPARATOR.default)
    reserved = f"{RESERVED}{separator}".lower()
    placeholders: dict[str, Given] = {}
    for name, placeholder in _each_placeholder(inputs, file, flyway):
        if problem := _judge_placeholder(name, placeholder, reserved, inputs.environment):
            problems.append(problem)
        else:
            placeholders[name] = placeholder
    return Values(given, placeholders, parsed, flyway), tuple(problems)


def _read_file(inputs: Inputs, problems: list[Problem]) -> ConfigFile:
    place = _find(CONFIG, inputs, ConfigFile(), FlywayFiles())
    if place is None:
        return ConfigFile()
    try:
        file = read_config_file(place.text)
    except ConfigError as error:
        problems += [Problem(text, Origin.FILE, error.hint) for text in error.problems]
        return ConfigFile()
    problems += [Problem(text, Origin.FILE) for text in file.problems]
    return file


def _folders(inputs: Inputs) -> tuple[str, ...]:
    """Return where Flyway's files may be; those in the working directory are the strongest."""
    place = _find(WORKING_DIRECTORY, inputs, ConfigFile(), FlywayFiles())
    if place is None or not inputs.folders:
        return inputs.folders
    return (*inputs.folders, place.text)


def _find(
    setting: Setting[object], inputs: Inputs, file: ConfigFile, flyway: FlywayFiles
) -> Given | None:
    """Return the strongest value of *setting*. An empty text mostly counts as not given.

    Manifests that are filled from templates set variables to nothing, and Secrets made
    with ``echo`` end with a newline.
    """
    environment = [(inputs.environment.get(name), name) for name in setting.environment]
    places = [
        (inputs.flags.get(setting.name), Origin.FLAG, setting.flag),
        *(found for found in _in_flyway_files(setting, flyway) if found.origin is Origin.FLAG),
        *((text, Origin.ENVIRONMENT, name) for text, name in environment),
        (file.values.get(setting.name), Origin.FILE, f"{file.path}: {setting.name}"),
        *_in_flyway_files(setting, flyway),
    ]
    for text, origin, label in places:
        trimmed = (text or "").rstrip("\r\n")
        if trimmed or (setting.may_be_empty and text is not None):
            return Given(trimmed, origin, label)
    return None if setting.default is None else Given(setting.default, Origin.DEFAULT, "default")


def _in_flyway_files(setting: Setting[object], flyway: FlywayFiles) -> Iterator[Given]:
    return (flyway.variables[name] for name in setting.environment if name in flyway.variables)


def _parse(setting: Setting[T], given: Given) -> T:
    try:
        return setting.parse(given.text)
    except ValueError as error:
        hint = f"Correct the value of {given.label}, or leave it out."
        raise ConfigError((f"{given.label}: {error}",), hint) from error


def _judge_placeholder(
    name: str, given: Given, reserved: str, environment: Mapping[str, str]
) -> Problem | None:
    """Judge a placeholder; as in Flyway, names that begin as *reserved* are built in."""
    if not name or name.startswith(reserved):
        return Problem(f"{given.label} is no name for a placeholder", given.origin)
    if is_unexpanded(given.text):
        return unexpanded_problem(given.label, given.text, environment)
    return None


def _each_placeholder(
    inputs: Inputs, file: ConfigFile, flyway: FlywayFiles
) -> Iterator[tuple[str, Given]]:
    """Yield name and value of each placeholder, the weakest source first."""
    arguments = [item for item in flyway.placeholders.items() if item[1].origin is Origin.FLAG]
    yield from (item for item in flyway.placeholders.items() if item not in arguments)
    for name, value in file.placeholders.items():
        label = f"{file.path}: placeholders.{name}"
        yield name.lower(), Given(value, Origin.FILE, label)
    for name, value in inputs.environment.items():
        if name.startswith(PLACEHOLDER):
            key = name.removeprefix(PLACEHOLDER).lower()
            yield key, Given(value, Origin.ENVIRONMENT, name)
    yield from arguments
    for text in inputs.placeholders:
        name, _, value = text.partition("=")
        yield name.lower(), Given(value, Origin.FLAG, f"{PLACEHOLDER_FLAG} {name}")
