"""Flyway's own arguments, ``-key=value``, as they stand in manifests.

Source: Flyway's ``CommandLineArguments``. Each key is that of ``flyway.conf`` without its
prefix, so that everything that is true of a key in a file is true of the argument too. An
argument is stronger than the variable that sets the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from hook.settings.flyway_entry import Entry, FlywayArguments
from hook.settings.flyway_files import CONFIG_FILES, PLACEHOLDER
from hook.settings.flyway_keys import (
    PLACEHOLDERS,
    PREFIX,
    has_references,
    known_keys,
    may_be_empty,
    variable_of,
    why_harmless,
    why_refused,
)
from hook.settings.secrets import find_secrets, is_secret_name
from hook.settings.setting import Given, Origin, Problem
from hook.settings.suggestion import did_you_mean

_ENVIRONMENTS = "environments"
_ENVIRONMENT = "environment"
# Read before any key is looked at, so that a variable has to stand for them.
_AS_VARIABLES = {
    "configFiles": CONFIG_FILES,
    "configFileEncoding": "FLYWAY_CONFIG_FILE_ENCODING",
}


def _variable(key: str) -> str:
    """Return the variable that sets the same as *key*, in upper case."""
    if key.startswith(PLACEHOLDERS):
        return PLACEHOLDER + key.removeprefix(PLACEHOLDERS).upper()
    return (variable_of(key) or "").upper()


def parse_flyway_arguments(
    arguments: Sequence[str], notes: tuple[str, ...] = ()
) -> FlywayArguments:
    """Return what *arguments* say, each of them ``-key=value``, and pass on *notes*."""
    entries: dict[str, Entry] = {}
    tables: list[tuple[tuple[str, ...], Given]] = []
    variables: dict[str, str] = {}
    problems: list[Problem] = []
    secrets: list[str] = []
    for argument in arguments:
        name, _, text = argument.removeprefix("-").partition("=")
        given = Given(text, Origin.FLAG, f"-{name}")
        secrets += _secrets_of(name, text)
        if found := tuple(_judge(name, given, entries)):
            problems += found
        elif name in _AS_VARIABLES:
            variables[_AS_VARIABLES[name]] = text
        elif name == _ENVIRONMENT and text:
            tables.append((("flyway", _ENVIRONMENT), given))
        elif name.startswith(f"{_ENVIRONMENTS}."):
            tables.append((tuple(name.split(".", 2)), given))
        else:
            key = PREFIX + name
            entries[key] = Entry(key, given, has_references=has_references(key))
    return FlywayArguments(
        tuple(entries.values()),
        tuple(tables),
        variables,
        frozenset(_variable(entry.key) for entry in entries.values() if _is_value(entry)),
        tuple(problems),
        tuple(secrets),
        notes,
    )


def _is_value(entry: Entry) -> bool:
    """Tell whether *entry* counts, rather than leave what others say."""
    key = entry.key
    return bool(entry.given.text) or key.startswith(PLACEHOLDERS) or may_be_empty(variable_of(key))


def _secrets_of(name: str, text: str) -> Iterator[str]:
    yield from find_secrets({}, [text])
    if text and is_secret_name(name):
        yield text


def _judge(name: str, given: Given, entries: Mapping[str, Entry]) -> Iterator[Problem]:
    """Yield what is wrong with an argument, whatever its value means."""
    key = PREFIX + name
    if key in entries:
        yield Problem(f"{given.label} is given twice", given.origin)
    elif _is_secret(name) and given.text:
        yield _exposed(given.label, _secret_variable(name))
    elif name.partition(".")[2] and name.startswith(f"{_ENVIRONMENTS}."):
        yield from _judge_environment(name, given)
    elif find_secrets({}, [given.text]) and variable_of(key):
        yield _exposed(given.label, _secret_variable(name))
    elif not _is_known(name):
        names = [*(key.removeprefix(PREFIX) for key in known_keys()), *_AS_VARIABLES]
        guess = did_you_mean(given.label, [f"-{item}" for item in names])
        yield Problem(
            f"{given.label} is not a flag{guess}",
            given.origin,
            "Run `presync config` for the settings that there are.",
        )


def _judge_environment(name: str, given: Given) -> Iterator[Problem]:
    if not all(name.split(".", 2)[1:]) or name.count(".") < len(("environments", "id")):
        text = f"{given.label} names no key: -environments.<id>.<key>=<value>"
        yield Problem(text, given.origin)
    elif find_secrets({}, [given.text]):
        yield _exposed(given.label, _secret_variable(name))


def _is_secret(name: str) -> bool:
    key = PREFIX + name
    return is_secret_name(name) and not (key.startswith(PLACEHOLDERS) or why_harmless(key))


def _secret_variable(name: str) -> str:
    """Return the variable that takes a secret from where only the process can read it."""
    return variable_of(PREFIX + name) or name.replace(".", "_")


def _is_known(name: str) -> bool:
    key = PREFIX + name
    is_placeholder = key.startswith(PLACEHOLDERS) and key != PLACEHOLDERS
    return bool(
        is_placeholder
        or name in _AS_VARIABLES
        or name == _ENVIRONMENT
        or variable_of(key)
        or why_harmless(key)
        or why_refused(key)
    )


def _exposed(label: str, variable: str) -> Problem:
    return Problem(
        f"{label} holds a password, which every process of the machine can read",
        hint=f"Set {variable} from a Secret instead, or PRESYNC_PASSWORD_FILE to a mounted one.",
    )
