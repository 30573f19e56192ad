"""Finds the files of a release in its locations.

Folders are searched recursively. A folder whose name starts with a dot is passed
over, which is what makes a mounted ConfigMap work: its files are links into ``..data``.
"""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hook.core.scripts.problem import Problem
from hook.errors import Unsupported

# The last one is Flyway's own below its working directory.
DEFAULT_LOCATIONS = ("/migrations", "/flyway/sql", "migrations", "sql")
READ_HINT = "See that the user that presync runs as may read it, and that its volume is sound."
_ODD_HINT = "Put a file with the script in its place, or rename it."
_DANGLING = Problem(
    "is a link to nothing", "Put what the link points to in place, or remove the link."
)
_FILESYSTEM = "filesystem:"
_SCHEME = r"([A-Za-z][A-Za-z0-9]+):"
_WILDCARDS = frozenset("*?")


class FoundFile(NamedTuple):
    """A file in a location. *script* is its path below the location, with ``/``."""

    name: str
    script: str
    path: str
    location: str


class Search:
    """What searching one location has brought to light.

    Attributes:
        hint: The next step where the location itself is the wrong one.
        odd: What is there by name and cannot be read as a file, and why.
        problems: Folders that could not be searched, and why.
        is_missing: There is no such location.
        notes: What is worth telling and no problem.
    """

    def __init__(self, location: str, hint: str) -> None:
        self.location = location
        self.hint = hint
        self.files: list[FoundFile] = []
        self.odd: list[tuple[FoundFile, Problem]] = []
        self.problems: list[Problem] = []
        self.is_missing = False
        self.notes: list[str] = []


class _Folder(NamedTuple):
    """A folder to be searched. *links* are the linked folders that led to it, by inode."""

    path: str
    prefix: str = ""
    links: frozenset[tuple[int, int]] = frozenset()


def search_locations(
    locations: Sequence[str], working_directory: str, hint: str
) -> tuple[Search, ...]:
    """Search *locations*, the default one when there is none.

    A location inside of another one is searched once, as Flyway does. *hint* is the next
    step where one is not there.

    Raises:
        Unsupported: A location is not in the file system; all such are named.
    """
    _refuse_schemes(locations)
    names = locations or _default_location(working_directory)
    if not names:
        return (_without_default(working_directory, hint),)
    paths = {_absolute(_without_scheme(name), working_directory) for name in names}
    paths = {path.removesuffix("/**") or "/" for path in paths}
    searches: list[Search] = []
    for path in sorted(paths):
        if not any(path.startswith(f"{other}/") for other in paths):
            has_wildcards = _WILDCARDS.intersection(path)
            searches += _search_matching(path, hint) if has_wildcards else [_search(path, hint)]
    return tuple(searches)


def tolerate_missing(searches: Iterable[Search]) -> None:
    """Make a note of each location that is missing, as long as there is another one."""
    found = tuple(searches)
    if all(search.is_missing for search in found):
        return
    pass_over_missing(found)


def pass_over_missing(searches: Iterable[Search]) -> None:
    """Make a note of each location that is missing."""
    for search in searches:
        if search.is_missing:
            search.notes, search.problems = [item.text for item in search.problems], []


def _refuse_schemes(locations: Iterable[str]) -> None:
    refused = [
        name for name in locations if re.match(_SCHEME, name) and _without_scheme(name) == name
    ]
    if refused:
        raise Unsupported(
            f"not in the file system: {', '.join(refused)}",
            "Put the migrations into a folder of the image or of a volume, and name that folder.",
        )


def _without_scheme(name: str) -> str:
    """Return *name* without what says that it is in the file system, in whatever case."""
    return name[len(_FILESYSTEM) :] if name.lower().startswith(_FILESYSTEM) else name


def _default_location(working_directory: str) -> tuple[str, ...]:
    """Return the first of the default locations that is there, none when none is."""
    for name in DEFAULT_LOCATIONS:
        if os.access(_absolute(name, working_directory), os.F_OK):
            return (name,)
    return ()


def _without_default(working_directory: str, hint: str) -> Search:
    search = Search(DEFAULT_LOCATIONS[0], hint)
    *tried, last = (_absolute(name, working_directory) for name in DEFAULT_LOCATIONS)
    text = f"no location is set, and none of {', '.join(tried)} and {last} exists"
    search.problems.append(Problem(text, hint))
    search.is_missing = True
    return search


def _absolute(name: str, working_directory: str) -> str:
    path = name if name.startswith("/") else f"{working_directory}/{name}"
    # What is above a linked folder is known to the system alone.
    return os.path.realpath(path) if ".." in path.split("/") else os.path.normpath(path)


def _search_matching(pattern: str, hint: str) -> list[Search]:
    """Search every folder that *pattern* names; one below another is part of that."""
    parts = pattern.split("/")
    first = next(index for index, part in enumerate(parts) if _WILDCARDS.intersection(part))
    root = "/".join(parts[:first]) or "/"
    matcher = re.compile(_regex(parts[first:]))
    searches = []
    waiting = [_Folder(root)]
    while waiting:
        search = Search(root, hint)
        for folder in _folders(waiting.pop(), search):
            if matcher.fullmatch(folder.prefix):
                searches.append(_search(folder.path, hint))
            else:
                waiting.append(folder)
        if search.problems:
            searches.append(search)
    if not searches:
        nothing = Search(pattern, hint)
        nothing.problems.append(Problem(f"location {pattern} matches no folder", hint))
        nothing.is_missing = True
        searches.append(nothing)
    return searches


def _regex(parts: Sequence[str]) -> str:
    """Return the expression for a folder's path below the fixed part, ``/`` at its end."""
    pieces = []
    for part in parts:
        if part == "**":
            pieces.append("(?:[^/]+/)*?")
            continue
        # As in Flyway, a star stands for one letter at least: sql* is not sql.
        escaped = re.escape(part).replace(r"\*", "[^/]+").replace(r"\?", "[^/]")
        pieces.append(f"{escaped}/")
    return "".join(pieces)


def _folders(folder: _Folder, search: Search) -> list[_Folder]:
    return [found for found in _entries(folder, search) if isinstance(found, _Folder)]


def _search(location: str, hint: str) -> Search:
    search = Search(location, hint)
    waiting = [_Folder(location)]
    while waiting:
        for found in _entries(waiting.pop(), search):
            if isinstance(found, _Folder):
                waiting.append(found)
            else:
                search.files.append(found)
    return search


def _entries(folder: _Folder, search: Search) -> list[FoundFile | _Folder]:
    """Return the files and folders in *folder*; note in *search* what is neither."""
    try:
        with os.scandir(folder.path) as entries:
            found = [_found(entry, folder, search) for entry in entries]
    except OSError as error:
        kind = "folder" if folder.prefix else "location"
        reason = _explain(error, folder.path, search.hint)
        search.problems.append(reason._replace(text=f"{kind} {folder.path} {reason.text}"))
        search.is_missing = not folder.prefix and isinstance(error, FileNotFoundError)
        return []
    return [item for item in found if item is not None]


def _found(entry: os.DirEntry[str], folder: _Folder, search: Search) -> FoundFile | _Folder | None:
    file = FoundFile(entry.name, folder.prefix + entry.name, entry.path, search.location)
    try:
        if entry.is_file():
            return file
        if entry.is_dir():
            search.odd.append((file, Problem("is a folder", _ODD_HINT)))
            return _below(entry, folder, search)
    except OSError as error:
        search.odd.append((file, _explain(error, entry.path, _ODD_HINT)))
        return None
    search.odd.append(
        (file, _DANGLING if entry.is_symlink() else Problem("is not a regular file", _ODD_HINT))
    )
    return None


def _below(entry: os.DirEntry[str], folder: _Folder, search: Search) -> _Folder | None:
    if entry.name.startswith("."):
        return None
    links = folder.links
    if entry.is_symlink():
        status = entry.stat()
        inode = (status.st_dev, status.st_ino)
        if inode in links:
            text = f"folder {entry.path} is a link that leads in a circle"
            search.problems.append(Problem(text, "Remove the link."))
            return None
        links |= {inode}
    return _Folder(entry.path, f"{folder.prefix}{entry.name}/", links)


def _explain(error: OSError, path: str, hint: str) -> Problem:
    """Return what is wrong with *path*; *hint* is the next step where it is the wrong one."""
    if isinstance(error, FileNotFoundError):
        is_link = os.path.lexists(path)
        return _DANGLING if is_link else Problem("does not exist", hint)
    if isinstance(error, NotADirectoryError):
        return Problem("is not a folder", hint)
    if error.errno == errno.ELOOP:
        return Problem("is a link that leads in a circle", "Remove the link.")
    return Problem(f"cannot be read: {(error.strerror or str(error)).lower()}", READ_HINT)
