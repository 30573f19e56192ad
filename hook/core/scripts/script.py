"""Scripts: what a file name says, and the migration that a script is.

The conventions are Flyway's, every prefix, separator and suffix configurable.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum, StrEnum
from functools import lru_cache
from typing import NamedTuple, Protocol

from hook.core.scripts.callback import CALLBACK_EVENTS
from hook.core.scripts.version import InvalidVersion, Version


class Kind(StrEnum):
    """How a migration takes part in the schema history."""

    VERSIONED = "versioned"
    REPEATABLE = "repeatable"
    BASELINE = "baseline"
    UNDO = "undo"


# The values of the history's column "type" for scripts in SQL.
_ROW_TYPES = {
    Kind.VERSIONED: "SQL",
    Kind.REPEATABLE: "SQL",
    Kind.BASELINE: "SQL_BASELINE",
    Kind.UNDO: "UNDO_SQL",
}


class ScriptFile(Protocol):
    """A file of SQL as it was resolved: a migration or a callback."""

    @property
    def script(self) -> str:
        """Return its path below its location."""

    @property
    def path(self) -> str:
        """Return its absolute path."""

    @property
    def content_hash(self) -> str:
        """Return SHA-256 of the file, hex."""

    @property
    def encoding(self) -> str:
        """Return how to read the file."""

    @property
    def replaces_placeholders(self) -> bool:
        """Tell whether placeholders are replaced in it."""

    @property
    def in_transaction(self) -> bool | None:
        """Return what its ``.conf`` demands, none to detect it."""


class Migration(NamedTuple):
    """A migration as resolved from its file. The text is not kept.

    Attributes:
        version: None for repeatables.
        script: Path below *location*, with ``/``; what the history stores.
        path: Absolute path, for messages and for reading the script again.
        checksum: As the history stores it; of a repeatable after its placeholders
            were replaced.
        raw_checksum: Of the text as it is in the file.
        in_transaction: What the script's ``.conf`` demands, none to detect it.
        location: Absolute path of the folder that was searched.
        content_hash: SHA-256 of the file, hex.
        encoding: How to read the file.
        replaces_placeholders: Whether placeholders are replaced in this script.
        is_blank: The file holds nothing but white space.
        condition: ``shouldExecute`` of its ``.conf`` as written, empty when it has none.
        executes: False when the condition says that it does not count here.
    """

    kind: Kind
    version: Version | None
    description: str
    script: str
    path: str
    checksum: int
    raw_checksum: int
    in_transaction: bool | None = None
    location: str = ""
    content_hash: str = ""
    encoding: str = "utf-8"
    replaces_placeholders: bool = True
    is_blank: bool = False
    condition: str = ""
    executes: bool = True

    @property
    def type(self) -> str:
        """Return the value of the history's column ``type``."""
        return _ROW_TYPES[self.kind]

    @property
    def name(self) -> str:
        """Return how people call it: its version, or the repeatable's description."""
        if self.version is None:
            return f"repeatable {self.description!r}"
        name = f"version {self.version.text}"
        return f"the undo script of {name}" if self.kind is Kind.UNDO else name


class Naming(NamedTuple):
    """The naming convention of a release's files.

    Attributes:
        suffixes: Compared without regard to case; prefixes are compared exactly.
        is_strict: A script that follows no convention is an error, not a remark.
    """

    versioned_prefix: str = "V"
    repeatable_prefix: str = "R"
    baseline_prefix: str = "B"
    undo_prefix: str = "U"
    separator: str = "__"
    suffixes: tuple[str, ...] = (".sql",)
    is_strict: bool = False


class Role(Enum):
    """What a file in a location is."""

    MIGRATION = "migration"
    CALLBACK = "callback"
    IGNORED = "a script whose name follows no convention"
    REFUSED = "something that Flyway would run and presync cannot"
    FOREIGN = "not a script"


class ScriptName(NamedTuple):
    """A parsed file name.

    Attributes:
        reason: Why the file is ignored or refused.
        event: Of a callback.
    """

    role: Role
    kind: Kind | None = None
    version: Version | None = None
    description: str = ""
    reason: str = ""
    event: str = ""


# Run by Flyway as child processes; a name without a dot counts as well.
_PROGRAM_SUFFIXES = (".sh", ".bash", ".py", ".ps1", ".cmd", ".bat", ".class", ".java")


def parse_file_name(name: str, naming: Naming) -> ScriptName:
    """Return what the file *name* (without folders) says under *naming*."""
    lower = name.lower()
    for suffix in naming.suffixes:
        if lower.endswith(suffix.lower()):
            return _parse_stem(name[: len(name) - len(suffix)], naming)
    return _parse_without_suffix(name, naming)


def _parse_stem(stem: str, naming: Naming) -> ScriptName:
    prefixes = _prefixes(naming)
    for prefix, kind in prefixes.get(stem[:1], prefixes[""]):
        if stem.startswith(prefix):
            version, separator, description = stem[len(prefix) :].partition(naming.separator)
            if kind is Kind.REPEATABLE and not separator:
                return ScriptName(Role.IGNORED, reason="a repeatable needs the separator")
            parsed = _parse_parts(kind, version, description.replace("_", " "))
            if parsed.role is Role.IGNORED and not separator:
                reason = f"{parsed.reason}; {naming.separator} goes before the description"
                return parsed._replace(reason=reason)
            return parsed._replace(event=prefix) if parsed.role is Role.CALLBACK else parsed
    return ScriptName(Role.IGNORED, reason=_wrong_prefix(naming))


def _wrong_prefix(naming: Naming) -> str:
    known = (
        naming.versioned_prefix,
        naming.repeatable_prefix,
        naming.baseline_prefix,
        naming.undo_prefix,
    )
    return f"it begins with neither {', '.join(known)} nor the name of an event"


def _parse_parts(kind: Kind | None, version: str, description: str) -> ScriptName:
    """Return the name of *kind*, none for a callback, from its two parts."""
    if kind in {Kind.REPEATABLE, None}:
        if version:
            return ScriptName(Role.IGNORED, reason=f"there is {version!r} before the separator")
        role = Role.MIGRATION if kind else Role.CALLBACK
        return ScriptName(role, kind, None, description)
    try:
        return ScriptName(Role.MIGRATION, kind, Version.parse(version), description)
    except InvalidVersion as error:
        # Flyway runs such a script, and cannot read its row afterwards.
        is_run = error.is_word and kind is not Kind.UNDO
        return ScriptName(Role.REFUSED if is_run else Role.IGNORED, reason=str(error))


def _parse_without_suffix(name: str, naming: Naming) -> ScriptName:
    stem, dot, extension = name.rpartition(".")
    if dot and f".{extension.lower()}" not in _PROGRAM_SUFFIXES:
        return ScriptName(Role.FOREIGN)
    parsed = _parse_stem(stem if dot else name, naming)
    if parsed.role is Role.IGNORED:
        return ScriptName(Role.FOREIGN)
    return ScriptName(Role.REFUSED, reason="only scripts in SQL are run", event=parsed.event)


@lru_cache(maxsize=8)
def _prefixes(naming: Naming) -> Mapping[str, tuple[tuple[str, Kind | None], ...]]:
    """Return every prefix by its first letter, longest first; callbacks have no kind.

    An empty prefix, which may be configured, is there under every letter.
    """
    pairs: list[tuple[str, Kind | None]] = [
        (naming.versioned_prefix, Kind.VERSIONED),
        (naming.repeatable_prefix, Kind.REPEATABLE),
        (naming.baseline_prefix, Kind.BASELINE),
        (naming.undo_prefix, Kind.UNDO),
        *((event, None) for event in CALLBACK_EVENTS),
    ]
    pairs.sort(key=lambda pair: len(pair[0]), reverse=True)
    initials = {prefix[:1] for prefix, _ in pairs} | {""}
    return {
        initial: tuple(pair for pair in pairs if pair[0][:1] in {initial, ""})
        for initial in initials
    }
