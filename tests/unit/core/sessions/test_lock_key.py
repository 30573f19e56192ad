"""The advisory lock key is Flyway's, bit for bit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.sessions.lock_key import (
    LockAddress,
    lock_address,
    migration_lock_key,
    work_mark_key,
)


@pytest.mark.parametrize(
    ("schema", "table", "key"),
    [
        ("public", "flyway_schema_history", 77433833903597),
        ("app", "flyway_schema_history", 77431436970681),
        ("flyway", "flyway_schema_history", 77432057852442),
        ("public", "schema_version", 77430801598678),
        ("public", "my_history", 77431724908399),
        ('my"s', "t", 77433699203704),
        ("Schéma", "flyway_schema_history", 77429622744721),
    ],
)
def test_migration_lock_key_is_the_one_of_flyway(schema: str, table: str, key: int) -> None:
    """The keys that Flyway itself took, a quote and an accent among the names."""
    assert migration_lock_key(schema, table) == key


def test_lock_address_is_what_pg_locks_shows() -> None:
    """Both halves of the key are shown unsigned."""
    assert lock_address(77433833903597) == LockAddress(18028, 4163491309, 1)


@given(st.integers(-(2**63), 2**63 - 1))
def test_lock_address_keeps_every_bit(key: int) -> None:
    """The two halves make the key again, whatever its sign."""
    address = lock_address(key)
    assert 0 <= address.classid < 2**32
    assert 0 <= address.objid < 2**32
    assert ((address.classid << 32) | address.objid) - key in {0, 2**64}


def test_work_is_marked_far_from_every_key_of_flyway() -> None:
    """Nobody who takes the lock, or asks who has it, meets the mark."""
    key = migration_lock_key("public", "flyway_schema_history")
    assert lock_address(work_mark_key(key)).classid != lock_address(key).classid
    assert abs(work_mark_key(key) - 0x466C79776179) > 2**32
    assert work_mark_key(key) != work_mark_key(migration_lock_key("app", "h"))


@given(st.text(), st.text())
def test_migration_lock_key_fits_a_bigint(schema: str, table: str) -> None:
    """Any name, also outside the basic plane, makes a key near Flyway's constant."""
    assert abs(migration_lock_key(schema, table) - 0x466C79776179) <= 2**31
