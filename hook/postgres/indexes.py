"""Indexes that exist, be they of use or of none."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

from hook.core.sql.invalid_index import BuildScope, IndexBuild, InvalidIndex
from hook.postgres.queries import load_query

_ANYWHERE = IndexBuild(BuildScope.ANYWHERE)


class IndexMatter(NamedTuple):
    """What an index is made of, its own name and that of its table left out."""

    is_unique: bool
    definition: str


class ValidIndex(NamedTuple):
    """An index that the server uses; names are qualified, and quoted if need be."""

    name: str
    table: str
    matter: IndexMatter


class Fetches(Protocol):
    """A session that answers queries."""

    def fetch(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of *query*."""


def fetch_invalid_indexes(session: Fetches) -> frozenset[InvalidIndex]:
    """Return the invalid indexes of the database that nobody is at work on.

    Raises:
        HookError: The query failed.
    """
    return frozenset(index for index in _fetch(session, _ANYWHERE) if index.built_by is None)


def fetch_indexes_in_the_way(session: Fetches, build: IndexBuild) -> list[InvalidIndex]:
    """Return the invalid indexes that an earlier *build* may have left, in order.

    Raises:
        HookError: The query failed.
    """
    return sorted(_fetch(session, build))


def fetch_valid_index(session: Fetches, build: IndexBuild) -> ValidIndex | None:
    """Return the valid index of the name and on the table that *build* names, if there is one.

    Raises:
        HookError: The query failed.
    """
    rows = session.fetch(load_query("valid_index"), (build.relation, build.new_index))
    if not rows:
        return None
    is_unique, definition, table, name = rows[0]
    return ValidIndex(name, table, IndexMatter(is_unique, definition))


def is_there(session: Fetches, name: str) -> bool:
    """Tell whether there is a relation called *name*, as written in SQL.

    Raises:
        HookError: The query failed.
    """
    ((found,),) = session.fetch("SELECT pg_catalog.to_regclass(%s) IS NOT NULL", (name,))
    return bool(found)


def fetch_probed_matter(session: Fetches) -> IndexMatter:
    """Return what the index on the probe is made of.

    Raises:
        HookError: The query failed.
    """
    return IndexMatter(*session.fetch(load_query("probed_index"))[0])


def _fetch(session: Fetches, build: IndexBuild) -> list[InvalidIndex]:
    # An empty name is an error to the server, no name at all is not.
    wanted = (build.scope, build.relation or None, build.new_index or None)
    return [InvalidIndex(*row) for row in session.fetch(load_query("invalid_indexes"), wanted)]
