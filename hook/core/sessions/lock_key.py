"""The key of the advisory lock that Flyway takes, so that both exclude each other.

Source: flyway-database-postgresql, ``PostgreSQLAdvisoryLockTemplate.java``.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

# "Flyway" in ASCII, the high part of the key.
_FLYWAY = 0x466C79776179
# "presync" in ASCII: a distance at which no key of Flyway's is.
_AT_WORK = 0x70726573796E63
_UINT32 = 1 << 32


class LockAddress(NamedTuple):
    """How ``pg_locks`` shows a lock on one bigint key."""

    classid: int
    objid: int
    objsubid: int = 1


@lru_cache(maxsize=1)  # asked for with each script
def migration_lock_key(schema: str, table: str) -> int:
    """Return the bigint key for the schema history *table* in *schema*.

    Advisory locks belong to one database, so its name is no part of the key.
    """
    return _FLYWAY + _java_hash_code(f"{_quote(schema)}.{_quote(table)}")


def work_mark_key(key: int) -> int:
    """Return the bigint key that whoever works under the migration lock *key* holds, shared.

    The lock itself is on another connection, and may be gone before the work is.
    """
    return key + _AT_WORK


def lock_address(key: int) -> LockAddress:
    """Return where ``pg_locks`` shows *key*: its high half, its low half.

    Source: manual, "pg_locks".
    """
    high, low = divmod(key, _UINT32)
    return LockAddress(high % _UINT32, low)


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _java_hash_code(text: str) -> int:
    """Return ``String.hashCode()``: 31·h + unit over UTF-16 code units, signed 32 bits."""
    units = text.encode("utf-16-be", "surrogatepass")
    value = 0
    for index in range(0, len(units), 2):
        value = (31 * value + (units[index] << 8 | units[index + 1])) % _UINT32
    return value - _UINT32 if value >= _UINT32 // 2 else value
