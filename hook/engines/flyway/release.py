"""Turns the files of a release into migrations, reading each of them once."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from hook.core.scripts.callback import Callback
from hook.core.scripts.checksum import checksum
from hook.core.scripts.encoding import decode_chunks, decode_script
from hook.core.scripts.migration_set import UNIQUE, MigrationSet, build_set, find_duplicates
from hook.core.scripts.placeholders import (
    PlaceholderSyntax,
    UnresolvedPlaceholders,
    builtin_name,
    replace_placeholders,
)
from hook.core.scripts.script import Kind, Migration, Naming, ScriptName
from hook.core.scripts.script_config import (
    SUFFIX,
    BadScriptConfig,
    ScriptConfig,
    parse_script_config,
)
from hook.core.scripts.script_scan import ScriptFacts, UnreadableScript, scan_script
from hook.engines.flyway.file_roles import Files, Found, sort_callbacks, sort_migrations
from hook.engines.flyway.locations import FoundFile, Search, search_locations, tolerate_missing
from hook.errors import BadMigrationSet, Unsupported
from hook.settings.migrations import Sources

# Below glibc's threshold for mmap: one page fault per page of a small file, not of the buffer.
_CHUNK = 64 * 1024
_FOLDER_HINT = "Set PRESYNC_LOCATIONS to the folder that holds the migrations of this release."
_CALLBACK_HINT = "Set FLYWAY_CALLBACK_LOCATIONS to folders that hold callbacks of this release."
_FILE_HINT = "Correct the named files; nothing was run."

_DEFAULT_LOCATION = "sql"

T = TypeVar("T")
Notes = tuple[tuple[str, str], ...]


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


class CallbackSources(NamedTuple):
    """Where callbacks are looked for.

    Attributes:
        searches: None for the locations of the migrations.
        is_skipped: The callbacks in SQL are left alone.
    """

    searches: Sequence[Search] | None = None
    is_skipped: bool = False


def search_release(sources: Sources, working_directory: str) -> tuple[Search, ...]:
    """Return what is in the locations of the migrations.

    Raises:
        Unsupported: A location is not in the file system.
    """
    # Flyway's default for a working directory that is told; without one see the search.
    default = (_DEFAULT_LOCATION,) if sources.working_directory else ()
    searches = search_locations(sources.locations or default, working_directory)
    if sources.tolerates_missing:
        tolerate_missing(searches)
    return searches


def callback_sources(sources: Sources, working_directory: str) -> CallbackSources:
    """Return where the settings say that callbacks are.

    Raises:
        Unsupported: A location is not in the file system.
    """
    if not sources.callback_locations:
        return CallbackSources(is_skipped=sources.skips_callbacks)
    searches = search_locations(sources.callback_locations, working_directory)
    return CallbackSources(searches, sources.skips_callbacks)


def resolve_release(
    searches: Iterable[Search],
    reading: Reading,
    sources: CallbackSources = CallbackSources(),  # noqa: B008 - immutable
) -> MigrationSet:
    """Return the migrations and callbacks among the files found.

    Raises:
        BadMigrationSet: Files or folders that cannot be read, are missing or contradict
            each other; every problem is named.
        Unsupported: Files that Flyway would run and presync cannot.
    """
    files = Files()
    for search in searches:
        sort_migrations(search, reading.naming, files)
    if files.callbacks and not files.scripts and not files.problems:
        files.problems.append("the locations hold callbacks and no migration")
    hint = _FOLDER_HINT if files.problems else _hint_for(sources)

    def read(file: FoundFile, name: ScriptName) -> Migration:
        return _read_migration(file, name, files.configs, reading)

    migrations = list(_read_each(files.scripts, read, files.problems))
    callbacks, notes = _read_callbacks(files, reading, sources)
    if duplicates := find_duplicates(migrations):
        hint = hint if files.problems else UNIQUE
        files.problems += duplicates
    _refuse(files, hint)
    return build_set(migrations, files.ignored, callbacks)._replace(notes=(*files.notes, *notes))


def _hint_for(sources: CallbackSources) -> str:
    has_folder_problems = any(search.problems for search in sources.searches or ())
    return _CALLBACK_HINT if has_folder_problems else _FILE_HINT


def _refuse(files: Files, hint: str) -> None:
    if files.problems:
        unsupported = (f"not supported: {name}" for name in files.unsupported)
        raise BadMigrationSet(tuple(sorted((*files.problems, *unsupported))), hint)
    if files.unsupported:
        message = f"not supported: {', '.join(sorted(files.unsupported))}"
        raise Unsupported(message, "Remove these files, or turn them into scripts in SQL.")


def resolve_callbacks(
    searches: Iterable[Search], reading: Reading, sources: CallbackSources
) -> MigrationSet:
    """Return the callbacks alone, for a command that has nothing to do with migrations.

    Raises:
        HookError: As `resolve_release`, but of the callbacks.
    """
    files = sort_callbacks(searches, reading.naming)
    callbacks, notes = _read_callbacks(files, reading, sources)
    _refuse(files, _hint_for(sources))
    return build_set((), (), callbacks)._replace(notes=notes)


def _read_callbacks(
    files: Files, reading: Reading, sources: CallbackSources
) -> tuple[tuple[Callback, ...], Notes]:
    """Return the callbacks and what is to be told of those that will not run."""
    if not files.callbacks and sources.searches is None:
        return (), ()
    from hook.core.scripts import callback_set  # noqa: PLC0415 - many releases have no callback

    found = files
    notes: Notes = ()
    if sources.searches is not None:
        notes = callback_set.note_elsewhere([file.script for file, _ in files.callbacks])
        found = sort_callbacks(sources.searches, reading.naming)
        files.problems += () if sources.is_skipped else found.problems
        files.unsupported += found.unsupported
    if sources.is_skipped:
        return (), callback_set.note_skipped([file.script for file, _ in found.callbacks])

    def read(file: FoundFile, name: ScriptName) -> Callback:
        return _read_callback(file, name, found.configs, reading)

    callbacks = list(_read_each(found.callbacks, read, files.problems))
    if files.problems:
        return (), ()
    ordered = callback_set.order_callbacks(callbacks)
    return ordered, (*notes, *callback_set.note_never_run(ordered))


def _read_each(
    found: Iterable[Found], read: Callable[[FoundFile, ScriptName], T], problems: list[str]
) -> Iterator[T]:
    for file, name in found:
        try:
            yield read(file, name)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            problems.append(f"{file.script} cannot be read: {reason}")
        except UnreadableScript as error:
            problems.append(f"{file.script} {error}")
        except UnicodeDecodeError:
            problems.append(f"{file.script}{SUFFIX} is not utf-8")
        except (UnresolvedPlaceholders, BadScriptConfig) as error:
            problems += (f"{file.script} {problem}" for problem in error.problems)


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
    finally:
        os.close(descriptor)
