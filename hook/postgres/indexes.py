"""Indexes that exist and are of no use."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from hook.postgres.queries import load_query


class Fetches(Protocol):
    """A session that answers queries."""

    def fetch(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of *query*."""


def fetch_invalid_indexes(session: Fetches) -> frozenset[str]:
    """Return the invalid indexes of the database, each as ``schema.index on table``.

    Raises:
        HookError: The query failed.
    """
    return frozenset(name for (name,) in session.fetch(load_query("invalid_indexes")))
