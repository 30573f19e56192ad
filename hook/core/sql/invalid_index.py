"""Indexes that exist and are of no use, and where to look for them."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import NamedTuple

_COPY = re.compile(r'_cc(new|old)[0-9]*"?$')
TOAST = "pg_toast"


class BuildScope(StrEnum):
    """Where a command may have left an invalid index."""

    ANYWHERE = "anywhere"
    NAMED = "named"
    ON_TABLE = "on table"
    OF_INDEX = "of index"
    OF_TABLE = "of table"
    OF_SCHEMA = "of schema"
    OF_DATABASE = "of database"
    ITSELF = "itself"


class IndexBuild(NamedTuple):
    """What a command builds.

    Attributes:
        relation: Table, index or schema that the command names, as written.
        new_index: Name of the index to be, as written; empty where the server finds one.
    """

    scope: BuildScope
    relation: str = ""
    new_index: str = ""


class InvalidIndex(NamedTuple):
    """An index that the server does not use for queries; names are quoted if need be.

    Attributes:
        table: Its table; of a TOAST table, of which nobody knows the name, in words.
        built_by: Process that is at work on it, none when nobody is.
    """

    name: str
    table: str
    built_by: int | None = None

    def describe(self) -> str:
        """Return index and table."""
        return f"{self.name} on {self.table}"

    @property
    def is_of_toast(self) -> bool:
        """Tell whether it lies in the schema that only superusers may use unless granted."""
        return self.name.startswith(f"{TOAST}.")

    @property
    def is_copy(self) -> bool:
        """Tell whether REINDEX CONCURRENTLY has made it beside an index that is still there."""
        return _COPY.search(self.name) is not None
