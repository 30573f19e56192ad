"""Lock modes of tables, which of them conflict, and what a statement asks for.

Source: the manual's page "Explicit Locking", tables "Table-Level Lock Modes" and
"Conflicting Lock Modes".
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import Enum, StrEnum
from typing import NamedTuple


class LockMode(StrEnum):
    """A table-level lock mode, named as in ``pg_locks.mode``; weakest first."""

    ACCESS_SHARE = "AccessShareLock"
    ROW_SHARE = "RowShareLock"
    ROW_EXCLUSIVE = "RowExclusiveLock"
    SHARE_UPDATE_EXCLUSIVE = "ShareUpdateExclusiveLock"
    SHARE = "ShareLock"
    SHARE_ROW_EXCLUSIVE = "ShareRowExclusiveLock"
    EXCLUSIVE = "ExclusiveLock"
    ACCESS_EXCLUSIVE = "AccessExclusiveLock"


_ORDER = list(LockMode)
_FROM_ROW_EXCLUSIVE = frozenset(_ORDER[2:])
CONFLICTS: Mapping[LockMode, frozenset[LockMode]] = {
    LockMode.ACCESS_SHARE: frozenset({LockMode.ACCESS_EXCLUSIVE}),
    LockMode.ROW_SHARE: frozenset({LockMode.EXCLUSIVE, LockMode.ACCESS_EXCLUSIVE}),
    LockMode.ROW_EXCLUSIVE: frozenset(_ORDER[4:]),
    LockMode.SHARE_UPDATE_EXCLUSIVE: frozenset(_ORDER[3:]),
    LockMode.SHARE: _FROM_ROW_EXCLUSIVE - {LockMode.SHARE},
    LockMode.SHARE_ROW_EXCLUSIVE: _FROM_ROW_EXCLUSIVE,
    LockMode.EXCLUSIVE: frozenset(_ORDER[1:]),
    LockMode.ACCESS_EXCLUSIVE: frozenset(_ORDER),
}


class LockTarget(Enum):
    """What of the named relation is locked."""

    RELATION = "relation"
    INDEXED_TABLE = "the table of the index"


class LockRequest(NamedTuple):
    """A lock that a statement will ask for.

    Attributes:
        relation: The name as written, quotes kept, fit for ``to_regclass()``.
        target: The named relation itself, or the table that the named index is on, which
            only the catalog can tell.
    """

    relation: str
    mode: LockMode
    target: LockTarget = LockTarget.RELATION


def strongest(modes: Iterable[LockMode]) -> LockMode:
    """Return the strongest of *modes*, by the server's own order."""
    return max(modes, key=_ORDER.index)


def merge_requests(requests: Iterable[LockRequest]) -> tuple[LockRequest, ...]:
    """Drop each request that another one for the same name makes redundant.

    A stronger mode takes its place only if it conflicts with all that the weaker one
    does: ShareUpdateExclusiveLock and ShareLock are both kept.
    """
    modes: dict[tuple[str, LockTarget], dict[LockMode, None]] = {}
    for item in requests:
        modes.setdefault((item.relation, item.target), {})[item.mode] = None
    return tuple(
        LockRequest(relation, mode, target)
        for (relation, target), wanted in modes.items()
        for mode in wanted
        if not any(CONFLICTS[other] > CONFLICTS[mode] for other in wanted)
    )


def requests_for(relations: Iterable[str], mode: LockMode) -> list[LockRequest]:
    """Return a request for *mode* on each named one of *relations*; an empty name is none."""
    return [LockRequest(relation, mode) for relation in relations if relation]


def requests_for_index(index: str, index_mode: LockMode, table_mode: LockMode) -> list[LockRequest]:
    """Return the requests on the named *index* and on its table."""
    on_table = LockRequest(index, table_mode, LockTarget.INDEXED_TABLE)
    return [LockRequest(index, index_mode), on_table] if index else []
