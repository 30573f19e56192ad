"""Flyway's own configuration files: which there are, and what of them counts here.

Their values take the place of the FLYWAY_* variables that are not set, so that everything
that is true of a variable is true of its key too. Nothing is parsed, nor any parser
imported, unless there is a file.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from hook.errors import ConfigError
from hook.settings.setting import Given, Origin, Problem
from hook.settings.suggestion import did_you_mean
from hook.settings.unexpanded import explain_unexpanded, is_unexpanded, unexpanded_problem

if TYPE_CHECKING:
    from hook.settings.flyway_entry import Entry, FlywayArguments, Reading

CONFIG_FILES = "FLYWAY_CONFIG_FILES"
PLACEHOLDER = "FLYWAY_PLACEHOLDERS_"
# Where the official image has it, and so where manifests mount it.
_INSTALLED = "/flyway/conf"
_CONF = ("flyway.conf",)
_TOML = ("flyway.toml", "flyway.user.toml")
_TOML_ENDING = ".toml"
_REFERENCE = "${env."
_LOWER_CASE = ("flyway_", "environments_")


class FlywayFiles:
    """What Flyway's files say beyond the environment.

    Attributes:
        variables: Values by the variable that would set the same.
        placeholders: Values by name in lower case.
        environment: Id of the environment that the TOML files select.
        notes: What was ignored, one sentence each.
    """

    def __init__(
        self,
        variables: Mapping[str, Given] | None = None,
        placeholders: Mapping[str, Given] | None = None,
        environment: str = "default",
        problems: tuple[Problem, ...] = (),
        notes: tuple[str, ...] = (),
    ) -> None:
        self.variables: Mapping[str, Given] = variables or {}
        self.placeholders: Mapping[str, Given] = placeholders or {}
        self.environment = environment
        self.problems = problems
        self.notes = notes


def default_folders(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the folders in which Flyway looks for its files, the weakest first."""
    folders = [_INSTALLED, environment.get("HOME", "")]
    with suppress(FileNotFoundError):  # it was deleted, and so were the files in it
        folders.append(str(Path.cwd()))
    return tuple(dict.fromkeys(os.path.normpath(folder) for folder in folders if folder))


def read_flyway_files(
    folders: tuple[str, ...],
    environment: Mapping[str, str],
    arguments: FlywayArguments | None = None,
) -> FlywayFiles:
    """Return what the files in *folders* and those of FLYWAY_CONFIG_FILES say.

    Args:
        folders: Where to look, the weakest first.
        environment: All variables; what one of them sets, no file can change.
        arguments: Stronger than the files.
    """
    try:
        reading = _read(folders, environment, arguments)
        if arguments is not None:
            reading = _with_arguments(reading, arguments)
        return _sorted_out(reading, environment) if reading else FlywayFiles()
    except ConfigError as error:
        problems = tuple(Problem(text, Origin.FILE, error.hint) for text in error.problems)
        return FlywayFiles(problems=problems)


def _with_arguments(reading: Reading | None, arguments: FlywayArguments) -> Reading:
    from hook.settings.flyway_entry import Reading  # noqa: PLC0415 - most runs have neither

    files = reading or Reading()
    return replace(
        files,
        entries=(*files.entries, *arguments.entries),
        problems=(*files.problems, *arguments.problems),
    )


def _read(
    folders: tuple[str, ...], environment: Mapping[str, str], arguments: FlywayArguments | None
) -> Reading | None:
    named = _named_files(environment)
    conf = _existing(folders, _CONF)
    toml = _existing(folders, _TOML)
    named_toml = [path for path in named if path.endswith(_TOML_ENDING)]
    named_conf = [path for path in named if path not in named_toml]
    # Flyway decides by the files that are named, and only else by those that are found.
    _refuse_both(*((named_conf, named_toml) if named else (conf, toml)))
    variables = [name for name in environment if name.startswith(_LOWER_CASE)]
    tables = arguments.tables if arguments is not None else ()
    if named_conf or (conf and not named):
        from hook.settings.flyway_conf import read_conf_files  # noqa: PLC0415 - most runs have none

        reading = read_conf_files([*conf, *named_conf], environment)
        labels = [given.label for _, given in tables]
        return _with_ignored(reading, [*toml, *variables, *labels], "flyway.conf")
    if named_toml or toml or variables or tables:
        from hook.settings.flyway_toml import read_toml_files  # noqa: PLC0415 - most runs have none

        usable = [name for name in variables if environment[name]]
        reading = read_toml_files([*toml, *named_toml], usable, environment, tables)
        return _with_ignored(reading, conf, "flyway.toml")
    return None


def _with_ignored(reading: Reading, ignored: list[str], family: str) -> Reading:
    notes = (f"{name} is ignored: it has no effect beside {family}" for name in ignored)
    return replace(reading, notes=(*reading.notes, *notes))


def _existing(folders: tuple[str, ...], names: tuple[str, ...]) -> list[str]:
    paths = [f"{folder.rstrip('/')}/{name}" for folder in folders for name in names]
    return [path for path in paths if os.access(path, os.F_OK)]


def _named_files(environment: Mapping[str, str]) -> list[str]:
    text = environment.get(CONFIG_FILES, "")
    if is_unexpanded(text):
        message, hint = explain_unexpanded(CONFIG_FILES, text, environment)
        raise ConfigError((message,), hint)
    return [name.strip() for name in text.split(",") if name.strip()]


def _refuse_both(conf: list[str], toml: list[str]) -> None:
    if conf and toml:
        raise ConfigError(
            (f"both {', '.join(conf)} and {', '.join(toml)} configure Flyway",),
            "Keep either flyway.conf or flyway.toml; Flyway never reads both.",
        )


def _sorted_out(reading: Reading, environment: Mapping[str, str]) -> FlywayFiles:
    """Return *reading* as variables, without what *environment* sets already."""
    # Imported for a run with a file: the tables of keys are large.
    from hook.settings import flyway_keys as keys  # noqa: PLC0415 - see above

    variables: dict[str, Given] = {}
    placeholders: dict[str, Given] = {}
    taken = {
        name.removeprefix(PLACEHOLDER).lower()
        for name in environment
        if name.startswith(PLACEHOLDER)
    }
    problems = list(reading.problems)
    notes = [*reading.notes, *_left_as_they_are(reading.entries)]
    for entry in reading.entries:
        if entry.key.startswith(keys.PLACEHOLDERS):
            name = entry.key.removeprefix(keys.PLACEHOLDERS).lower()
            problems += () if name in taken else _place(placeholders, name, entry, environment)
            continue
        variable = keys.variable_of(entry.key)
        if not entry.given.text and not keys.may_be_empty(variable):
            continue
        key = keys.canonical_key(entry.key)
        if variable is not None and environment.get(variable):
            continue
        if reason := keys.why_harmless(key):
            verdict = "is ignored" if variable is None else "makes no difference"
            notes.append(f"{entry.given.label} {verdict}: {reason}")
        elif variable is not None:
            problems += _place(variables, variable, entry, environment)
        else:
            problems.append(_refusal(entry, keys.why_refused(key), keys.known_keys()))
    return FlywayFiles(variables, placeholders, reading.environment, tuple(problems), tuple(notes))


def _left_as_they_are(entries: tuple[Entry, ...]) -> Iterator[str]:
    reason = "Flyway resolves it only where the database is named"
    for entry in entries:
        if not entry.has_references and _REFERENCE in entry.given.text:
            yield f"{entry.given.label}: {_REFERENCE}…}} stays as it is: {reason}"


def _place(
    target: dict[str, Given], name: str, entry: Entry, environment: Mapping[str, str]
) -> Iterator[Problem]:
    """Put the value of *entry* into *target*, or yield why that cannot be."""
    from hook.settings.flyway_reference import resolve  # noqa: PLC0415 - most runs have no file

    given = entry.given
    if is_unexpanded(given.text) and given.origin is Origin.FLAG:
        yield unexpanded_problem(given.label, given.text, environment)
        return
    if is_unexpanded(given.text):
        reason = "Kubernetes expands $(NAME) in a manifest only, never in a file"
        yield Problem(f"{given.label}: {reason}", given.origin)
        return
    try:
        text = resolve(given.text, environment) if entry.has_references else given.text
    except ValueError as error:
        yield Problem(f"{given.label}: {error}", given.origin)
        return
    target[name] = Given(text, given.origin, given.label)


def _refusal(entry: Entry, reason: str, known: frozenset[str]) -> Problem:
    label, origin = entry.given.label, entry.given.origin
    if reason:
        return Problem(f"{label} is not supported: {reason}", origin, f"Remove {entry.key}.")
    return Problem(f"{label} is not a setting{did_you_mean(entry.key, known)}", origin)
