"""Turns the files of a release into a migration set, or says why they are none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from hook.core.scripts.callback import Callback
from hook.core.scripts.migration_set import MigrationSet, build_set, find_duplicates, rejected_set
from hook.core.scripts.problem import Problem
from hook.engines.flyway.file_roles import Files, sort_callbacks, sort_migrations
from hook.engines.flyway.locations import (
    Search,
    pass_over_missing,
    search_locations,
    tolerate_missing,
)
from hook.engines.flyway.script_files import Reading, read_callbacks, read_migrations
from hook.settings.migrations import Sources

_FOLDER_HINT = (
    "Name the folder that holds the migrations of this release, by PRESYNC_LOCATIONS or as PATH"
    " of lint."
)
_CALLBACK_HINT = "Set FLYWAY_CALLBACK_LOCATIONS to folders that hold callbacks of this release."

_DEFAULT_LOCATION = "sql"

Notes = tuple[tuple[str, str], ...]


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
    locations = sources.locations or default
    searches = search_locations(locations, working_directory, _FOLDER_HINT)
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
    searches = search_locations(sources.callback_locations, working_directory, _CALLBACK_HINT)
    if sources.tolerates_missing:
        pass_over_missing(searches)
    return CallbackSources(searches, sources.skips_callbacks)


def resolve_release(
    searches: Iterable[Search],
    reading: Reading,
    sources: CallbackSources = CallbackSources(),  # noqa: B008 - immutable
) -> MigrationSet:
    """Return the migrations and callbacks among the files found, with all that is wrong."""
    files = Files()
    for search in searches:
        sort_migrations(search, reading.naming, files)
    if files.callbacks and not files.scripts and not files.problems:
        alone = "the locations hold callbacks and no migration"
        files.problems.append(Problem(alone, _FOLDER_HINT))
    migrations = read_migrations(files, reading)
    callbacks, notes = _read_callbacks(files, reading, sources)
    files.problems += find_duplicates(migrations)
    if files.problems or files.unsupported:
        return rejected_set(migrations, callbacks, files.problems, files.unsupported)
    return build_set(migrations, files.ignored, callbacks)._replace(notes=(*files.notes, *notes))


def resolve_callbacks(
    searches: Iterable[Search], reading: Reading, sources: CallbackSources
) -> MigrationSet:
    """Return the callbacks alone, for a command that has nothing to do with migrations."""
    files = sort_callbacks(searches, reading.naming)
    callbacks, notes = _read_callbacks(files, reading, sources)
    found = build_set((), (), callbacks)
    if files.problems or files.unsupported:
        found = rejected_set((), callbacks, files.problems, files.unsupported)
    return found._replace(notes=notes)


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
        notes = (*notes, *found.notes)
        files.problems += () if sources.is_skipped else found.problems
        files.unsupported += found.unsupported
    if sources.is_skipped:
        return (), callback_set.note_skipped([file.script for file, _ in found.callbacks])
    callbacks = read_callbacks(found, reading, files.problems)
    files.problems += callback_set.find_duplicates(callbacks)
    ordered = callback_set.order_callbacks(callbacks)
    return ordered, (*notes, *callback_set.note_never_run(ordered))
