"""Reads the files of migrations and callbacks, each of them once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TypeVar

from hook.core.scripts.callback import Callback
from hook.core.scripts.checksum import checksum
from hook.core.scripts.encoding import decode_chunks, decode_script
from hook.core.scripts.placeholders import (
    PlaceholderSyntax,
    UnresolvedPlaceholders,
    builtin_name,
    replace_placeholders,
)
from hook.core.scripts.problem import Problem
from hook.core.scripts.script import Kind, Migration, Naming, ScriptName
from hook.core.scripts.script_config import (
    SUFFIX,
    BadScriptConfig,
    ScriptConfig,
    parse_script_config,
)
from hook.core.scripts.script_scan import ScriptFacts, UnreadableScript, scan_script
from hook.engines.flyway.file_roles import Files, Found
from hook.engines.flyway.locations import READ_HINT, FoundFile

# Below glibc's threshold for mmap: one page fault per page of a small file, not of the buffer.
_CHUNK = 64 * 1024
PLACEHOLDER_HINT = (
    "Set FLYWAY_PLACEHOLDERS_<NAME> for each of them, or FLYWAY_PLACEHOLDER_REPLACEMENT=false if"
    " the scripts mean what they say."
)
_TEXT_HINT = (
    "Save it as text in the encoding that FLYWAY_ENCODING names, UTF-8 unless it is set, or set it"
    " to the one that the file is in."
)
_FILE_HINT = "Correct the named files."

T = TypeVar("T")


class Reading:
    """How the scripts of a release are read.

    Attributes:
        default: What applies to a script without a configuration file.
        values: Placeholders by name in lower case, those of the single script left out.
    """

    def __init__(
        self,
        naming: Naming,
        default: ScriptConfig,
        syntax: PlaceholderSyntax,
        values: Mapping[str, str],
    ) -> None:
        self.naming = naming
        self.default = default
        self.syntax = syntax
        self.values = values

    def replace(self, text: bytes, file_name: str) -> bytes:
        """Return *text*, UTF-8, of the script *file_name* with its placeholders replaced.

        Raises:
            UnresolvedPlaceholders: Names without value.
        """
        own = {builtin_name("filename", self.syntax): file_name}
        return replace_placeholders(text, {**self.values, **own}, self.syntax)


def read_migrations(files: Files, reading: Reading) -> list[Migration]:
    """Return the migrations among *files* that can be read; take down why others cannot."""

    def read(file: FoundFile, name: ScriptName) -> Migration:
        return _read_migration(file, name, files.configs, reading)

    return list(_read_each(files.scripts, read, files.problems))


def read_callbacks(files: Files, reading: Reading, problems: list[Problem]) -> list[Callback]:
    """Return the callbacks among *files* that can be read; add to *problems* why others cannot."""

    def read(file: FoundFile, name: ScriptName) -> Callback:
        return _read_callback(file, name, files.configs, reading)

    return list(_read_each(files.callbacks, read, problems))


def _read_each(
    found: Iterable[Found], read: Callable[[FoundFile, ScriptName], T], problems: list[Problem]
) -> Iterator[T]:
    for file, name in found:
        try:
            yield read(file, name)
        except OSError as error:
            unread = file.script if error.filename == file.path else f"{file.script}{SUFFIX}"
            reason = (error.strerror or str(error)).lower()
            problems.append(Problem(f"{unread} cannot be read: {reason}", READ_HINT))
        except UnreadableScript as error:
            problems.append(Problem(f"{file.script} {error}", _TEXT_HINT))
        except UnicodeDecodeError:
            problems.append(Problem(f"{file.script}{SUFFIX} is not utf-8", _FILE_HINT))
        except UnresolvedPlaceholders as error:
            texts = (f"{file.script} {problem}" for problem in error.problems)
            problems += (Problem(text, PLACEHOLDER_HINT) for text in texts)
        except BadScriptConfig as error:
            texts = (f"{file.script}{SUFFIX}: {problem}" for problem in error.problems)
            problems += (Problem(text, _FILE_HINT) for text in texts)


def _read_migration(
    file: FoundFile, name: ScriptName, configs: Mapping[str, FoundFile], reading: Reading
) -> Migration:
    config, facts = _read_file(file, configs, reading)
    return Migration(
        kind=name.kind or Kind.VERSIONED,
        version=name.version,
        description=name.description,
        script=file.script,
        path=file.path,
        checksum=_checksum(file, name, facts, config, reading),
        raw_checksum=facts.checksum,
        in_transaction=config.in_transaction,
        location=file.location,
        content_hash=facts.content_hash,
        encoding=config.encoding,
        replaces_placeholders=config.replaces_placeholders,
        is_blank=facts.is_blank,
        condition=config.condition,
        executes=config.executes,
    )


def _read_callback(
    file: FoundFile, name: ScriptName, configs: Mapping[str, FoundFile], reading: Reading
) -> Callback:
    config, facts = _read_file(file, configs, reading)
    if config.condition:
        raise BadScriptConfig(("shouldExecute is for migrations, not for callbacks",))
    return Callback(
        event=name.event,
        description=name.description,
        script=file.script,
        path=file.path,
        content_hash=facts.content_hash,
        in_transaction=config.in_transaction,
        encoding=config.encoding,
        replaces_placeholders=config.replaces_placeholders,
    )


def _read_file(
    file: FoundFile, configs: Mapping[str, FoundFile], reading: Reading
) -> tuple[ScriptConfig, ScriptFacts]:
    config = reading.default
    if configs:
        config = _read_config(file, configs.get(file.script.lower() + SUFFIX), reading)
    return config, scan_script(read_chunks(file.path), config.encoding)


def _read_config(script: FoundFile, config: FoundFile | None, reading: Reading) -> ScriptConfig:
    if config is None:
        return reading.default
    text = "".join(decode_chunks(read_chunks(config.path), "utf-8"))

    def replace(value: str) -> str:
        is_replacing = reading.default.replaces_placeholders
        return reading.replace(value.encode(), script.name).decode() if is_replacing else value

    return parse_script_config(text, reading.default, replace)


def _checksum(
    file: FoundFile, name: ScriptName, facts: ScriptFacts, config: ScriptConfig, reading: Reading
) -> int:
    """Return the checksum for the history: a repeatable counts as what will be sent."""
    if name.kind is not Kind.REPEATABLE or not config.replaces_placeholders:
        return facts.checksum
    text = decode_script(read_chunks(file.path), config.encoding)
    return checksum(reading.replace(text, file.name))


def read_chunks(path: str) -> Iterator[bytes]:
    """Yield the bytes of the file *path* in pieces.

    Raises:
        OSError: It cannot be read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        while chunk := os.read(descriptor, _CHUNK):
            yield chunk
    except OSError as error:
        error.filename = path  # which only one that cannot be opened tells
        raise
    finally:
        os.close(descriptor)
