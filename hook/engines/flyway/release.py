"""Turns the files of a release into migrations, reading each of them once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping

from hook.core.checksum import BYTE_ORDER_MARK, checksum_of_texts
from hook.core.encoding import decode_chunks
from hook.core.migration_set import MigrationSet, build_set
from hook.core.placeholders import (
    PlaceholderSyntax,
    UnresolvedPlaceholders,
    builtin_name,
    replace_placeholders,
)
from hook.core.script import Kind, Migration, Naming, Role, ScriptName, parse_file_name
from hook.core.script_config import (
    SUFFIX,
    BadScriptConfig,
    ScriptConfig,
    parse_script_config,
)
from hook.core.script_scan import ScriptFacts, UnreadableScript, hashed, scan_script
from hook.engines.flyway.locations import FoundFile, Search
from hook.errors import BadMigrationSet, Unsupported

# Below glibc's threshold for mmap: one page fault per page of a small file, not of the buffer.
_CHUNK = 64 * 1024
_FOLDER_HINT = "Set PRESYNC_LOCATIONS to the folder that holds the migrations of this release."
_FILE_HINT = "Correct the named files; nothing was run."


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

    def replace(self, text: str, file_name: str) -> str:
        """Return *text* of the script *file_name* with its placeholders replaced.

        Raises:
            UnresolvedPlaceholders: Names without value.
        """
        own = {builtin_name("filename", self.syntax): file_name}
        return replace_placeholders(text, {**self.values, **own}, self.syntax)


class _Files:
    """The files of all locations by what their names say."""

    def __init__(self) -> None:
        self.scripts: list[tuple[FoundFile, ScriptName]] = []
        self.configs: dict[str, FoundFile] = {}
        self.ignored: list[str] = []
        self.unsupported: list[str] = []
        self.problems: list[str] = []

    @property
    def count(self) -> int:
        """Return how many files make a location one that is in use."""
        return len(self.scripts) + len(self.unsupported)

    def add(self, file: FoundFile, name: ScriptName) -> None:
        """Put *file* where its *name* says it belongs."""
        match name.role:
            case Role.MIGRATION:
                self.scripts.append((file, name))
            case Role.CALLBACK:
                self.unsupported.append(f"{file.script} (callback)")
            case Role.REFUSED:
                self.unsupported.append(f"{file.script} ({name.reason})")
            case Role.IGNORED:
                self.ignored.append(f"{file.script}: {name.reason}")
            case Role.FOREIGN:
                if file.name.lower().endswith(SUFFIX):
                    self.configs[file.script.lower()] = file


def resolve_release(searches: Iterable[Search], reading: Reading) -> MigrationSet:
    """Return the migrations among the files found.

    Raises:
        BadMigrationSet: Files or folders that cannot be read, are missing or contradict
            each other; every problem is named.
        Unsupported: Files that Flyway would run and presync cannot.
    """
    files = _Files()
    for search in searches:
        _sort_files(search, reading.naming, files)
    has_folder_problems = bool(files.problems)
    migrations = list(_read_all(files, reading))
    if files.problems:
        hint = _FOLDER_HINT if has_folder_problems else _FILE_HINT
        raise BadMigrationSet(tuple(sorted(files.problems)), hint)
    if files.unsupported:
        names = ", ".join(sorted(files.unsupported))
        raise Unsupported(
            f"not supported: {names}", "Remove these files, or turn them into migrations in SQL."
        )
    return build_set(migrations, files.ignored)


def _sort_files(search: Search, naming: Naming, files: _Files) -> None:
    files.problems += search.problems
    before, ignored_before = files.count, len(files.ignored)
    for file in search.files:
        name = parse_file_name(file.name, naming)
        if name.role is Role.FOREIGN or _is_printable(file.script):
            files.add(file, name)
        else:
            files.problems.append(f"{_shown(file.script)}: the name is not utf-8")
    for file, reason in search.odd:
        if parse_file_name(file.name, naming).role is not Role.FOREIGN:
            files.problems.append(f"{_shown(file.script)} {reason}")
    ignored = sorted(files.ignored[ignored_before:])
    if naming.is_strict:
        files.problems += ignored
    elif files.count == before and not search.problems:
        only = f", only {', '.join(ignored)}" if ignored else ""
        files.problems.append(f"location {search.location} holds no migration{only}")


def _is_printable(script: str) -> bool:
    """Tell whether the name was decoded; Python smuggles other bytes in as surrogates."""
    return script.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in script)


def _shown(script: str) -> str:
    return script.encode("utf-8", "backslashreplace").decode()


def _read_all(files: _Files, reading: Reading) -> Iterator[Migration]:
    for file, name in files.scripts:
        try:
            yield _read_migration(file, name, files.configs, reading)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            files.problems.append(f"{file.script} cannot be read: {reason}")
        except UnreadableScript as error:
            files.problems.append(f"{file.script} {error}")
        except UnicodeDecodeError:
            files.problems.append(f"{file.script}{SUFFIX} is not utf-8")
        except (UnresolvedPlaceholders, BadScriptConfig) as error:
            files.problems += (f"{file.script} {problem}" for problem in error.problems)


def _read_migration(
    file: FoundFile, name: ScriptName, configs: Mapping[str, FoundFile], reading: Reading
) -> Migration:
    config = reading.default
    if configs:
        config = _read_config(configs.get(file.script.lower() + SUFFIX), config)
    facts = scan_script(read_chunks(file.path), config.encoding)
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
    )


def _read_config(file: FoundFile | None, default: ScriptConfig) -> ScriptConfig:
    if file is None:
        return default
    text = "".join(decode_chunks(read_chunks(file.path), "utf-8"))
    return parse_script_config(text, default)


def _checksum(
    file: FoundFile, name: ScriptName, facts: ScriptFacts, config: ScriptConfig, reading: Reading
) -> int:
    """Return the checksum for the history: a repeatable counts as what will be sent."""
    if name.kind is not Kind.REPEATABLE or not config.replaces_placeholders:
        return facts.checksum
    text = "".join(decode_chunks(read_chunks(file.path), config.encoding))
    return checksum_of_texts((reading.replace(text, file.name),))


def read_script(migration: Migration, reading: Reading) -> str:
    """Return the text of *migration*, ready to be sent.

    Raises:
        BadMigrationSet: It is not what was resolved, or a placeholder has no value.
    """
    digest = hashlib.sha256()
    try:
        chunks = hashed(read_chunks(migration.path), digest.update)
        text = "".join(decode_chunks(chunks, migration.encoding))
        if digest.hexdigest() != migration.content_hash:
            raise _changed(migration)
        text = text.removeprefix(BYTE_ORDER_MARK)
        if not migration.replaces_placeholders:
            return text
        return reading.replace(text, migration.script.rpartition("/")[2])
    except UnresolvedPlaceholders as error:
        problems = tuple(f"{migration.script} {problem}" for problem in error.problems)
        raise BadMigrationSet(
            problems, "Set FLYWAY_PLACEHOLDERS_<NAME> for each of them."
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise _changed(migration) from error


def _changed(migration: Migration) -> BadMigrationSet:
    return BadMigrationSet(
        (f"{migration.script} is not what it was when the run began",),
        "Run again when nobody writes into the folder of the migrations.",
    )


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
