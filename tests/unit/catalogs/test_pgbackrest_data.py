"""Whether the data behind a manifest is there, on a store in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from hook.catalogs.object_store import Entry
from hook.catalogs.pgbackrest_data import MANIFEST_LIMIT, BackupData, Lack
from hook.core.backups.backup import Presence
from hook.demo.repository import Sections, read_sections, render_sections
from tests.testbed.memory_store import MemoryStore
from tests.testbed.pgbackrest_repository import FULL, INCREMENTAL, SAMPLES

FOLDER = "backup/app/"
STANZA = SAMPLES / "small-repo" / FOLDER
CHAIN = (INCREMENTAL, FULL)


def _key(label: str, name: str) -> str:
    return f"{FOLDER}{label}/{name}"


MANIFEST = _key(INCREMENTAL, "backup.manifest")


def _recorded() -> MemoryStore:
    return MemoryStore(
        {
            FOLDER + str(path.relative_to(STANZA)): path.read_bytes()
            for label in CHAIN
            for path in (STANZA / label).rglob("*")
            if path.is_file()
        }
    )


def _look(store: MemoryStore, *labels: str) -> tuple[Mapping[str, Lack], str]:
    """Look at the first of *labels*, which rests on the others."""
    keys = {label: _key(label, "backup.manifest") for label in labels or CHAIN}
    listed = {
        label: Entry(key, size=len(store.objects.get(key, b""))) for label, key in keys.items()
    }
    seen = BackupData(store, FOLDER).look_at(next(iter(listed)), listed)
    return seen.lacks, seen.remark


def _edit(store: MemoryStore, label: str, change: Callable[[Sections], object]) -> None:
    sections = read_sections((STANZA / INCREMENTAL / "backup.manifest").read_bytes())
    sections["backup"]["backup-label"] = label
    change(sections)
    store.objects[_key(label, "backup.manifest")] = render_sections(sections).encode()


def _set_files(store: MemoryStore, label: str, files: Mapping[str, Any]) -> None:
    _edit(store, label, lambda all_: all_.update({"target:file": dict(files)}))


def test_recorded_chain_is_whole() -> None:
    """Nothing is lacking, and nothing was left out."""
    assert _look(_recorded()) == ({}, "")


@pytest.mark.parametrize(
    ("label", "name"),
    [(INCREMENTAL, "pg_data/backup_label.zst"), (INCREMENTAL, "bundle/1"), (FULL, "bundle/1")],
)
def test_each_object_is_needed(label: str, name: str) -> None:
    """Deleted, cut, emptied or frozen: what is wrong is told of the backup that it belongs to."""
    key = _key(label, name)
    size = 12 if label == FULL else len(_recorded().objects[key])
    store = _recorded()
    del store.objects[key]
    missing = Lack(Presence.INCOMPLETE, f"{name} of {label} is missing")
    assert _look(store) == ({label: missing}, "")
    for left in (size - 1, 0):
        store.objects[key] = b"x" * left
        cut = Lack(Presence.INCOMPLETE, f"{name} of {label} has {left} of {size} bytes")
        assert _look(store) == ({label: cut}, "")
    frozen = _recorded()
    frozen.archived = frozenset({key})
    archived = Lack(Presence.ARCHIVED, f"{name} of {label} lies in an archive storage class")
    assert _look(frozen) == ({label: archived}, "")


def test_further_objects_are_counted() -> None:
    """One of them is named."""
    store = _recorded()
    del store.objects[_key(INCREMENTAL, "bundle/1")]
    del store.objects[_key(INCREMENTAL, "pg_data/backup_label.zst")]
    lacks, _ = _look(store)
    (lack,) = lacks.values()
    assert (lack.what, lack.more) == (f"bundle/1 of {INCREMENTAL} is missing", 1)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\xff\n", "not a text file"),
        (b"x" * 70_000, "no lines in it"),
        ((STANZA / INCREMENTAL / "backup.manifest").read_bytes()[:1500], "it has no end"),
        (b"Salted__" + bytes(40), "the passphrase does not decrypt it"),
    ],
)
def test_damaged_manifest_is_a_lack(data: bytes, reason: str) -> None:
    """As pgBackRest could not restore by it either."""
    store = _recorded()
    store.objects[MANIFEST] = data
    lacks, _ = _look(store)
    told = f"backup.manifest of {INCREMENTAL} is damaged: {reason}"
    assert lacks[INCREMENTAL].what.startswith(told)


def test_manifest_deleted_meanwhile_is_a_lack() -> None:
    """Between the listing and the reading, an expiration may have run."""
    store = _recorded()
    entry = Entry(MANIFEST, size=len(store.objects.pop(MANIFEST)))
    seen = BackupData(store, FOLDER).look_at(INCREMENTAL, {INCREMENTAL: entry})
    assert seen.lacks[INCREMENTAL].what.endswith("is damaged: empty")


def test_long_manifest_is_read_in_parts_and_listed_in_groups() -> None:
    """Many files without a bundle cost a request for some thousands of them."""
    files = {f"pg_data/base/5/{number}": {"size": 8192} for number in range(10_000, 22_000)}
    padding = {"checksum": "c" * 200}
    store = _recorded()
    _set_files(store, INCREMENTAL, {name: {**padding, **file} for name, file in files.items()})
    store.objects |= {_key(INCREMENTAL, f"{name}.zst"): bytes(8192) for name in files}
    assert _look(store, INCREMENTAL) == ({}, "")
    listed = [asked for asked in store.asked if asked.startswith(_key(INCREMENTAL, "pg_data"))]
    assert len([asked for asked in store.asked if " from " in asked]) == 2
    assert 3 <= len(listed) <= 24
    del store.objects[_key(INCREMENTAL, "pg_data/base/5/10007.zst")]
    del store.objects[_key(INCREMENTAL, "pg_data/base/5/21007.zst")]
    lacks, _ = _look(store, INCREMENTAL)
    first = f"pg_data/base/5/10007.zst of {INCREMENTAL} is missing"
    assert lacks == {INCREMENTAL: Lack(Presence.INCOMPLETE, first, 1)}


def test_objects_that_were_left_out_are_told() -> None:
    """A sample is said to be one."""
    files = {f"f{number:05}": {"size": 1} for number in range(50_002)}
    store = _recorded()
    _set_files(store, INCREMENTAL, files)
    store.objects |= {_key(INCREMENTAL, f"{name}.zst"): b"x" for name in files}
    told = "only 50000 of its 50002 objects were looked at"
    assert _look(store, INCREMENTAL) == ({}, told)


def test_manifest_beyond_the_limit_is_read_up_to_it() -> None:
    """What it names until then is looked for, and that there is more is told."""
    store = _recorded()
    recorded = (STANZA / INCREMENTAL / "backup.manifest").read_bytes()
    before, section, behind = recorded.partition(b"[target:file]\n")
    line = b'f={"checksum":"' + b"c" * 60_000 + b'","size":0}\n'
    many = line * (MANIFEST_LIMIT // len(line) + 100)
    store.objects[MANIFEST] = b"".join((before, section, behind.partition(b"[t")[0], many))
    told = "its manifest is longer than 64 MiB: only 3 objects were looked at"
    assert _look(store) == ({}, told)
    del store.objects[_key(FULL, "bundle/1")]
    lacks, _ = _look(store)
    assert lacks.keys() == {FULL}


def test_blocks_need_all_that_the_backups_before_keep() -> None:
    """Which of it is not told by the manifest, so each object that these name is looked for."""
    store = _recorded()
    _set_files(store, INCREMENTAL, {"file": {"size": 9, "bi": 1}})
    store.objects[_key(INCREMENTAL, "file.pgbi")] = bytes(9)
    assert _look(store) == ({}, "")
    needed = _key(FULL, "pg_data/backup_label.zst")
    kept = store.objects.pop(needed)
    lacks, _ = _look(store)
    assert lacks[FULL].what == f"pg_data/backup_label.zst of {FULL} is missing"
    store.objects[needed] = kept
    store.objects[_key(FULL, "backup.manifest")] = b"no\n"
    lacks, _ = _look(store)
    assert lacks[FULL].what.startswith(f"backup.manifest of {FULL} is damaged: line 1")


def test_manifests_before_are_not_read_without_end() -> None:
    """The room that one may take is that of all of them."""
    store = _recorded()
    _set_files(store, INCREMENTAL, {"file": {"size": 9, "bi": 1}})
    store.objects[_key(INCREMENTAL, "file.pgbi")] = bytes(9)
    entries = {
        INCREMENTAL: Entry(MANIFEST, size=len(store.objects[MANIFEST])),
        FULL: Entry(_key(FULL, "backup.manifest"), size=MANIFEST_LIMIT),
    }
    seen = BackupData(store, FOLDER).look_at(INCREMENTAL, entries)
    assert seen.remark == f"the manifest of {FULL}, which it builds on, was not read"
    assert not seen.lacks
