"""What a script's own configuration file says: ``V1__add.sql.conf`` beside ``V1__add.sql``."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from hook.core.scripts.encoding import UnknownEncoding, canonical_encoding
from hook.core.scripts.placeholders import UnresolvedPlaceholders

SUFFIX = ".conf"
_WORDS = {"true": True, "false": False}


class BadScriptConfig(ValueError):
    """A configuration file that cannot be obeyed; all problems at once."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        """Keep the *problems*."""
        super().__init__("; ".join(problems))
        self.problems = problems


class ScriptConfig(NamedTuple):
    """How one script is read and run.

    Attributes:
        in_transaction: None when it follows from its statements.
        condition: ``shouldExecute`` as written, empty for a script that always counts.
        executes: What the condition comes to.
    """

    encoding: str
    replaces_placeholders: bool
    in_transaction: bool | None = None
    condition: str = ""
    executes: bool = True


def parse_script_config(
    text: str, default: ScriptConfig, replace: Callable[[str], str]
) -> ScriptConfig:
    """Return *default* with what *text* sets.

    Args:
        text: The file.
        default: What applies without it.
        replace: Puts values in the place of a condition's placeholders.

    Raises:
        BadScriptConfig: An unknown key, or a value that it does not take.
    """
    from hook.core.scripts.properties import literal_lines, parse_properties  # noqa: PLC0415 - few scripts have a file

    config = default
    problems: list[str] = []
    for key, value in parse_properties("\n".join(literal_lines(text))).items():
        try:
            config = _with_property(config, key, value.strip(), replace)
        except UnresolvedPlaceholders as error:
            problems += (f"{key} {problem}" for problem in error.problems)
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise BadScriptConfig(tuple(problems))
    return config


def _with_property(
    config: ScriptConfig, key: str, value: str, replace: Callable[[str], str]
) -> ScriptConfig:
    match key:
        case "executeInTransaction":
            return config._replace(in_transaction=_parse_bool(key, value))
        case "placeholderReplacement":
            return config._replace(replaces_placeholders=_parse_bool(key, value))
        case "encoding":
            return config._replace(encoding=_parse_encoding(value))
        case "shouldExecute":
            executes = _evaluate(value, replace(value))
            return config._replace(condition=value, executes=executes)
        case _:
            raise ValueError(f"unknown property {key!r}")


def _evaluate(condition: str, expression: str) -> bool:
    from hook.core.scripts.script_condition import evaluate  # noqa: PLC0415 - few scripts have one

    try:
        return evaluate(expression)
    except ValueError as error:
        # As written: a value that was put in may be a secret.
        raise ValueError(f"shouldExecute={condition} cannot be understood") from error


def _parse_bool(key: str, value: str) -> bool:
    word = _WORDS.get(value.lower())
    if word is None:
        raise ValueError(f"{key} must be true or false, not {value!r}")
    return word


def _parse_encoding(value: str) -> str:
    try:
        return canonical_encoding(value)
    except UnknownEncoding as error:
        raise ValueError(f"encoding: {error}") from error
