"""The pending scripts of a run, from the first look at them until they run."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import partial

from hook.core.execution.prepared import ParsedScript, place_script
from hook.core.scripts.script import Migration
from hook.core.sql.creations import Name
from hook.core.sql.statement_list import StatementList
from hook.core.sql.statements import parse_statements

# A script that takes no more is kept, as long as all of them together take no more.
_SMALL = 200_000
_ROOM = 2_500_000
# What a script takes besides its text, and at most for each byte of that.
_OVERHEAD = 1_000
_SHARE = 3


@dataclass(slots=True)
class _Kept:
    """The statements of a script, and which file they were read from.

    Attributes:
        placed: How they run, none as long as nobody has asked.
        in_transaction: What the script itself said of that, when *placed* was decided.
    """

    statements: StatementList
    stamp: int
    size: int
    placed: ParsedScript | None = None
    in_transaction: bool | None = None


class PendingScripts:
    """Reads the scripts and cuts them into statements; of small ones it does so once.

    A script is looked at when it is read, when the server parses it, and when it runs. One
    that is kept meanwhile is used as long as nobody has written into its file. The first one
    is kept however long it is: when it runs, no other one is held beside it.
    """

    def __init__(self, read: Callable[[Migration], bytes], *, allows_mixed: bool) -> None:
        """Have scripts read by *read*, which refuses one that is not what was resolved."""
        self.read = read
        self._allows_mixed = allows_mixed
        self._kept: dict[str, _Kept] = {}
        self._room = _ROOM

    def cut(self, script: Migration, text: bytes) -> StatementList:
        """Return the statements of *script*, whose *text* was read just now.

        Raises:
            SqlSyntaxError: As `hook.core.sql.statements.parse_statements`.
        """
        statements = parse_statements(text)
        size = len(text) * _SHARE + _OVERHEAD
        stamp = _stamp(script)
        self._forget(script)
        if stamp is not None and (not self._kept or size <= min(_SMALL, self._room)):
            self._kept[script.path] = _Kept(statements, stamp, size)
            self._room -= size
        return statements

    def place(
        self, script: Migration, statements: StatementList, partitioned: Collection[Name] = ()
    ) -> ParsedScript:
        """Decide how *statements*, those of *script*, run; it is kept with them.

        Raises:
            SqlSyntaxError: As `hook.core.execution.prepared.place_script`.
        """
        placed = place_script(
            script, statements, allows_mixed=self._allows_mixed, partitioned=partitioned
        )
        kept = self._kept.get(script.path)
        if kept is not None and kept.statements is statements:
            kept.placed, kept.in_transaction = placed, script.in_transaction
        return placed

    def body(self, script: Migration) -> StatementList:
        """Return what is sent of *script*, which runs later.

        Raises:
            HookError: As the reading of it.
            SqlSyntaxError: As `hook.core.execution.prepared.place_script`.
        """
        return self._find(script).body

    def take(self, script: Migration) -> ParsedScript:
        """Return how *script* runs, which it does now; its text is not kept any longer.

        Raises:
            HookError: As `body`.
            SqlSyntaxError: As `body`.
        """
        parsed = self._find(script)
        self._forget(script)
        parsed.body.source.can_be_read_by(partial(self.read, script))
        return parsed

    def _find(self, script: Migration) -> ParsedScript:
        kept = self._kept.get(script.path)
        if kept is None or kept.stamp != _stamp(script):
            return self.place(script, parse_statements(self.read(script)))
        # A group may have decided otherwise since.
        if kept.placed is not None and kept.in_transaction == script.in_transaction:
            return kept.placed
        return self.place(script, kept.statements)

    def _forget(self, script: Migration) -> None:
        kept = self._kept.pop(script.path, None)
        self._room += 0 if kept is None else kept.size


def _stamp(script: Migration) -> int | None:
    """Return what is another one once the file of *script* is another one; none without a file.

    The time is that of its last change, by a clock that nobody can set.
    """
    try:
        found = os.stat(script.path)  # noqa: PTH116 - text is what the path is
    except OSError:
        return None
    return hash((found.st_ctime_ns, found.st_size, found.st_ino))
