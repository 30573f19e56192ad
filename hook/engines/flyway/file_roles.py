"""Sorts the files of a release by what their names say."""

from __future__ import annotations

from collections.abc import Iterable

from hook.core.scripts.problem import Problem
from hook.core.scripts.script import Naming, Role, ScriptName, parse_file_name
from hook.core.scripts.script_config import SUFFIX
from hook.engines.flyway.locations import FoundFile, Search

_CONVENTION_HINT = "Rename the named files by the convention, or remove them."
_OTHER_FOLDER = "If they are not those of the release: "
_NAME_HINT = "Rename the file; the schema history stores names as UTF-8."

Found = tuple[FoundFile, ScriptName]


class Files:
    """The files of all locations by what their names say."""

    def __init__(self) -> None:
        self.scripts: list[Found] = []
        self.callbacks: list[Found] = []
        self.configs: dict[str, FoundFile] = {}
        self.ignored: list[str] = []
        self.unsupported: list[str] = []
        self.problems: list[Problem] = []
        self.notes: list[tuple[str, str]] = []

    @property
    def count(self) -> int:
        """Return how many files make a location one that is in use."""
        return len(self.scripts) + len(self.callbacks) + len(self.unsupported)

    def add(self, file: FoundFile, name: ScriptName) -> None:
        """Put *file* where its *name* says it belongs."""
        match name.role:
            case Role.MIGRATION:
                self.scripts.append((file, name))
            case Role.CALLBACK:
                self.callbacks.append((file, name))
            case Role.REFUSED:
                self.unsupported.append(f"{file.script} ({name.reason})")
            case Role.IGNORED:
                self.ignored.append(f"{file.script}: {name.reason}")
            case Role.FOREIGN:
                if file.name.lower().endswith(SUFFIX):
                    self.configs[file.script.lower()] = file


def sort_migrations(search: Search, naming: Naming, files: Files) -> None:
    """Add the files of *search* to *files*, with all that is wrong with them."""
    _note_search(search, files)
    before, ignored_before = files.count, len(files.ignored)
    for file in search.files:
        name = parse_file_name(file.name, naming)
        if name.role is Role.FOREIGN or _is_printable(file.script):
            files.add(file, name)
        else:
            files.problems.append(_undecodable(file))
    for file, reason in search.odd:
        name = parse_file_name(file.name, naming)
        if name.role is Role.IGNORED:
            files.add(file, name)
        elif name.role is not Role.FOREIGN:
            files.problems.append(_about(file, reason))
    ignored = sorted(files.ignored[ignored_before:])
    if naming.is_strict:
        files.problems += (Problem(text, _CONVENTION_HINT) for text in ignored)
    elif files.count == before and not search.problems and not search.notes:
        only = f", only {', '.join(ignored)}" if ignored else ""
        text = f"location {search.location} holds no migration{only}"
        hint = f"{_CONVENTION_HINT} {_OTHER_FOLDER}{search.hint}" if ignored else search.hint
        files.problems.append(Problem(text, hint))


def _note_search(search: Search, files: Files) -> None:
    files.problems += search.problems
    files.notes += (("location-missing", note) for note in search.notes)


def _is_printable(script: str) -> bool:
    """Tell whether the name was decoded; Python smuggles other bytes in as surrogates."""
    return script.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in script)


def _about(file: FoundFile, reason: Problem) -> Problem:
    return reason._replace(text=f"{_shown(file.script)} {reason.text}")


def _undecodable(file: FoundFile) -> Problem:
    return Problem(f"{_shown(file.script)}: the name is not utf-8", _NAME_HINT)


def _shown(script: str) -> str:
    return script.encode("utf-8", "backslashreplace").decode()


def sort_callbacks(searches: Iterable[Search], naming: Naming) -> Files:
    """Return the callbacks in folders of which nothing else is wanted."""
    files = Files()
    for search in searches:
        _note_search(search, files)
        for file in search.files:
            name = parse_file_name(file.name, naming)
            if not (name.event or name.role is Role.FOREIGN):
                continue
            if name.role is Role.FOREIGN or _is_printable(file.script):
                files.add(file, name)
            else:
                files.problems.append(_undecodable(file))
        for file, reason in search.odd:
            if parse_file_name(file.name, naming).event:
                files.problems.append(_about(file, reason))
    return files
