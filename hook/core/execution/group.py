"""Which scripts share a transaction: each has its own, or all pending ones have one.

Source: Flyway's documentation, "Group" and "Mixed", and its ``DbMigrate``.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from itertools import pairwise

from hook.core.execution.attempt import Attempt
from hook.core.execution.prepared import PreparedScript
from hook.core.sql.locks import LockRequest
from hook.errors import BadMigrationSet

Unit = tuple[PreparedScript, ...]
"""Scripts that are applied at once: all of them with their rows, or none."""

_SWITCH = "FLYWAY_GROUP=true"
_WITHOUT = f"{_SWITCH} and FLYWAY_MIXED=true, and a script of the group refuses a transaction"


def requests_of(unit: Unit) -> tuple[LockRequest, ...]:
    """Return the locks that *unit* will ask for, each once."""
    return tuple(dict.fromkeys(item for script in unit for item in script.requests))


def durations_of(unit: Unit, whole: int, last: Attempt | None) -> tuple[int, ...]:
    """Return the milliseconds of each script: *whole* for one, else of the attempt *last*."""
    if len(unit) == 1 or last is None:
        return (whole,) * len(unit)
    ends = (*last.script_ends_ms, last.duration_ms)[: len(unit)]
    ends += (ends[-1],) * (len(unit) - len(ends))
    return tuple(after - before for before, after in pairwise((0, *ends)))


class Grouping(Enum):
    """How many pending scripts make a unit."""

    EACH = "each alone"
    ALL = "all together"


def grouped(scripts: Sequence[PreparedScript], *, allows_mixed: bool) -> Unit:
    """Return *scripts* as they run when they belong together.

    If one refuses a transaction, none has one: they then run one by one.

    Raises:
        BadMigrationSet: Some refuse a transaction and some do not, and nothing allows that.
    """
    first = next((script for script in scripts if script.in_transaction), None)
    refusing = [script for script in scripts if not script.in_transaction]
    if first is None or not refusing:
        return tuple(scripts)
    if not allows_mixed:
        problems = tuple(
            f"{script.migration.script}: {script.reason}, and {_SWITCH} puts it into one"
            f" transaction with {first.migration.script}"
            for script in refusing
        )
        hint = "Give them a release of their own, or set FLYWAY_MIXED=true: none has one then."
        raise BadMigrationSet(problems, hint)
    return tuple(_without_transaction(script) for script in scripts)


def _without_transaction(script: PreparedScript) -> PreparedScript:
    if not script.in_transaction:
        return script
    migration = script.migration._replace(in_transaction=False)
    return script._replace(migration=migration, in_transaction=False, reason=_WITHOUT)


def units_of(scripts: Sequence[PreparedScript], grouping: Grouping) -> tuple[Unit, ...]:
    """Return *scripts*, which are as `grouped` leaves them if they belong together, as units."""
    is_one = grouping is Grouping.ALL and all(script.in_transaction for script in scripts)
    if is_one and scripts:
        return (tuple(scripts),)
    return tuple((script,) for script in scripts)
