"""The migrations of a release as one set: their order, and what may not be in it."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable, Iterable
from typing import NamedTuple

from hook.core.scripts.callback import Callback
from hook.core.scripts.problem import Problem
from hook.core.scripts.script import Kind, Migration
from hook.core.scripts.version import EMPTY, Version, highest


class MigrationSet(NamedTuple):
    """The migrations of a release.

    Attributes:
        migrations: In running order: by version, then repeatables by description.
        digest: ``sha256:`` and hex; the same for the same files in any folder. Callbacks
            count: they are SQL that the release runs, so that a changed one makes another
            release of it, and a failure that it has mended is not held against it.
        ignored: Scripts whose names follow no convention, sorted.
        undo: Scripts that would undo a version; they are never run.
        callbacks: In the order in which those of one event run.
        notes: What else is worth telling of the files, by rule.
        problems: Why they are no set at all. What they are then is only what could be read
            of them, in running order, for whoever wants to say more of what is wrong.
        unsupported: Files that Flyway would run and presync cannot; likewise.
    """

    migrations: tuple[Migration, ...]
    digest: str
    ignored: tuple[str, ...] = ()
    undo: tuple[Migration, ...] = ()
    callbacks: tuple[Callback, ...] = ()
    notes: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = ()
    unsupported: tuple[str, ...] = ()

    @property
    def newest(self) -> Version | None:
        """Return the highest version, none when there are only repeatables."""
        newest = highest(item.version for item in self.migrations)
        return None if newest is EMPTY else newest

    def digest_without(self, pending: Iterable[Migration]) -> str:
        """Return the digest of the release that would lack *pending*, and what undoes it."""
        scripts, versions = set(), set()
        for item in pending:
            scripts.add(item.script)
            versions.add(item.version)
        kept = [item for item in self.migrations if item.script not in scripts]
        kept += (item for item in self.undo if item.version not in versions)
        return _digest(sorted(kept, key=_running_order), self.callbacks)


_UNIQUE = "Give each of the files a {} of its own."


def build_set(
    migrations: Iterable[Migration],
    ignored: Iterable[str] = (),
    callbacks: tuple[Callback, ...] = (),
) -> MigrationSet:
    """Return *migrations*, found in any order, as a set with *callbacks*.

    Of copies the first one counts; there are no other duplicates, see `find_duplicates`.
    """
    found = sorted(migrations, key=_by_name)
    unique = {_place(migration): migration for migration in reversed(found)}
    ordered = sorted(unique.values(), key=_running_order)
    return MigrationSet(
        migrations=tuple(item for item in ordered if item.kind is not Kind.UNDO),
        digest=_digest(ordered, callbacks),
        ignored=tuple(sorted(ignored)),
        undo=tuple(item for item in ordered if item.kind is Kind.UNDO),
        callbacks=callbacks,
    )


def rejected_set(
    migrations: Iterable[Migration],
    callbacks: tuple[Callback, ...],
    problems: Iterable[Problem],
    unsupported: Iterable[str],
) -> MigrationSet:
    """Return what could be read of files that are no set; it has no digest."""
    ordered = sorted(migrations, key=lambda item: (*_running_order(item), *_by_name(item)))
    return MigrationSet(
        migrations=tuple(item for item in ordered if item.kind is not Kind.UNDO),
        digest="",
        callbacks=callbacks,
        problems=tuple(sorted(problems)),
        unsupported=tuple(sorted(unsupported)),
    )


def find_duplicates(migrations: Iterable[Migration]) -> list[Problem]:
    """Return a problem for each of *migrations* that claims the place of another one."""
    problems = []
    unique: dict[Hashable, Migration] = {}
    for migration in sorted(migrations, key=_by_name):
        first = unique.setdefault(_place(migration), migration)
        if first is not migration and not _are_copies(first, migration):
            text = f"{first.path} and {migration.path} both are {first.name}"
            claimed = "description" if migration.version is None else "version"
            problems.append(Problem(text, _UNIQUE.format(claimed)))
    return problems


def _by_name(migration: Migration) -> tuple[str, str]:
    return migration.script, migration.location


def _place(migration: Migration) -> Hashable:
    version = migration.version
    return (migration.kind, migration.description if version is None else version.parts)


def _are_copies(one: Migration, other: Migration) -> bool:
    return (one.script, one.checksum, one.content_hash) == (
        other.script,
        other.checksum,
        other.content_hash,
    )


def _running_order(migration: Migration) -> tuple[bool, tuple[int, ...], bytes, bool, bool]:
    """Return the sort key; repeatables as Java orders strings, by UTF-16 code units."""
    version = migration.version
    return (
        version is None,
        () if version is None else version.parts,
        migration.description.encode("utf-16-be") if version is None else b"",
        migration.kind is Kind.BASELINE,
        migration.kind is Kind.UNDO,
    )


def _digest(ordered: Iterable[Migration], callbacks: Iterable[Callback]) -> str:
    digest = hashlib.sha256()
    for item in ordered:
        fields = (
            item.kind.value,
            "" if item.version is None else item.version.text,
            item.description,
            item.script,
            item.content_hash,
            f"{item.in_transaction} {item.encoding} {item.replaces_placeholders}"
            # As written: what it comes to depends on the database.
            + (f" {item.condition}" if item.condition else ""),
        )
        digest.update("\0".join(fields).encode() + b"\n")
    for each in callbacks:
        how = f"{each.in_transaction} {each.encoding} {each.replaces_placeholders}"
        fields = ("callback", each.event, each.description, each.script, each.content_hash, how)
        digest.update("\0".join(fields).encode() + b"\n")
    return f"sha256:{digest.hexdigest()}"
