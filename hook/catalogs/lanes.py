"""Asks a storage several things at a time: most of the time for an answer is the way to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import TypeVar

from hook.catalogs.object_store import Entry, ObjectStore
from hook.clock import Background

K = TypeVar("K")
T = TypeVar("T")

# More would not be faster in a pod with a fraction of a core, which reads the answers.
LANES = 8


def list_levels(store: ObjectStore, prefixes: Iterable[str]) -> Iterator[tuple[Entry, ...]]:
    """Yield what `ObjectStore.list_level` returns for each of *prefixes*, in their order.

    Raises:
        BackupSourceMissing: As that does, for the first that it does so for.
        BackupUnknown: Likewise.
    """
    return side_by_side(store.list_level, prefixes)


def side_by_side(ask: Callable[[K], T], keys: Iterable[K]) -> Iterator[T]:
    """Yield what *ask* returns for each of *keys*, in their order, some ahead of the reader.

    Raises:
        Exception: What *ask* raised, when its turn comes; nothing more is asked then.
    """
    waiting = iter(keys)
    asked = deque(_begin(ask, key) for key in islice(waiting, LANES))
    try:
        while asked:
            # In a list, as the answer itself may be none.
            answers = asked.popleft().wait() or []
            asked.extend(_begin(ask, key) for key in islice(waiting, 1))
            yield from answers
    finally:
        # The reader has seen enough, or one could not be answered.
        for rest in asked:
            rest.leave()


def _begin(ask: Callable[[K], T], key: K) -> Background[list[T]]:
    return Background(lambda: [ask(key)])
