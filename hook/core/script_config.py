"""What a script's own configuration file says: ``V1__add.sql.conf`` beside ``V1__add.sql``."""

from __future__ import annotations

from typing import NamedTuple

from hook.core.encoding import UnknownEncoding, canonical_encoding

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
    """

    encoding: str
    replaces_placeholders: bool
    in_transaction: bool | None = None


def parse_script_config(text: str, default: ScriptConfig) -> ScriptConfig:
    """Return *default* with what *text* sets.

    Raises:
        BadScriptConfig: An unknown key, or a value that it does not take.
    """
    from hook.core.properties import parse_properties  # noqa: PLC0415 - few scripts have a file

    config = default
    problems = []
    for key, value in parse_properties(text).items():
        try:
            config = _with_property(config, key, value.strip())
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise BadScriptConfig(tuple(problems))
    return config


def _with_property(config: ScriptConfig, key: str, value: str) -> ScriptConfig:
    match key:
        case "executeInTransaction":
            return config._replace(in_transaction=_parse_bool(key, value))
        case "placeholderReplacement":
            return config._replace(replaces_placeholders=_parse_bool(key, value))
        case "encoding":
            return config._replace(encoding=_parse_encoding(value))
        case "shouldExecute":
            raise ValueError("shouldExecute is not supported")
        case _:
            raise ValueError(f"unknown property {key!r}")


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
