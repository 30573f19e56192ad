"""Directory and bucket behave the same way towards a catalog."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hook.catalogs.object_store import Entry, TreeStore
from hook.catalogs.opening import open_store
from hook.errors import BackupSourceMissing, BackupUnknown
from hook.settings.backup_source import DirectoryLocation, S3Location, parse_backup_source
from tests.contract.conftest import Place

EVERYWHERE = pytest.mark.parametrize("place", ["directory", "s3", "tls"], indirect=True)
KIB = 2**10


def _open(place: Place, url: str = "") -> TreeStore:
    location = parse_backup_source(f"pgbackrest:{url or place.url}").location
    assert isinstance(location, DirectoryLocation | S3Location)
    return open_store(location, place.settings)


def _put(place: Place, key: str, data: bytes = b"x") -> Path:
    path = place.root / key
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


@EVERYWHERE
def test_read_returns_the_bytes(place: Place) -> None:
    """What was put there comes back unchanged, whatever the bytes are."""
    data = bytes(range(256)) * 9000
    _put(place, "backup/app/backup.info", data)
    stored = _open(place).read("backup/app/backup.info", len(data))
    assert stored is not None
    assert stored.data == data


@EVERYWHERE
def test_read_tells_the_storages_own_time_or_none(place: Place) -> None:
    """A bucket has a clock of its own; a directory has only the machine's."""
    _put(place, "a")
    stored = _open(place).read("a", KIB)
    assert stored is not None
    assert (stored.clock is None) == (place.settings.endpoint is None)
    assert stored.clock is None or stored.clock.utcoffset() is not None


@EVERYWHERE
def test_read_returns_none_for_what_is_not_there(place: Place) -> None:
    """An absent object is an answer, also where its folder is absent or is a file."""
    _put(place, "a")
    store = _open(place)
    assert store.read("b", KIB) is None
    assert store.read("no/such/folder", KIB) is None
    assert store.read("a/b", KIB) is None


@EVERYWHERE
def test_read_stops_at_the_limit(place: Place) -> None:
    """An object of the limit's size passes, one byte more is refused by name."""
    store = _open(place)
    _put(place, "a", b"x" * KIB)
    assert store.read("a", KIB) is not None
    with pytest.raises(BackupUnknown, match=r"/a is longer than"):
        store.read("a", KIB - 1)


@EVERYWHERE
def test_list_level_shows_objects_and_folders_of_one_level(place: Place) -> None:
    """Nothing from deeper down appears, folders end in a slash, the order is stable."""
    for key in ("b/2/x", "b/2/y", "b/10", "b/1/deep/er", "b.txt", "a/x"):
        _put(place, key)
    store = _open(place)
    assert store.list_level("b/") == (Entry("b/1/"), Entry("b/10"), Entry("b/2/"))
    assert store.list_level("") == (Entry("a/"), Entry("b.txt"), Entry("b/"))


@EVERYWHERE
def test_list_level_takes_any_beginning_of_a_name(place: Place) -> None:
    """A prefix without a slash at its end finds names that begin like it."""
    for key in ("b/one", "b/once/x", "b/two"):
        _put(place, key)
    assert _open(place).list_level("b/on") == (Entry("b/once/"), Entry("b/one"))


@EVERYWHERE
def test_list_level_of_nothing_is_empty(place: Place) -> None:
    """A folder that does not exist has nothing in it."""
    assert _open(place).list_level("nothing/") == ()
    assert _open(place).list_level("") == ()


@EVERYWHERE
def test_list_level_goes_on_after_a_full_page(place: Place) -> None:
    """More than a thousand names, the size of a page, all come back."""
    (place.root / "many").mkdir()
    names = [f"many/{number:05}" for number in range(1100)]
    for name in names:
        (place.root / name).touch()
    assert [entry.key for entry in _open(place).list_level("many/")] == names


@EVERYWHERE
def test_list_below_shows_objects_however_deep(place: Place) -> None:
    """Folders are looked into and not shown; a prefix may end amid a name."""
    for key in ("b/2/x", "b/1/deep/er", "b/10", "b.txt", "a/x"):
        _put(place, key, b"four")
    store = _open(place)
    assert sorted(item.key for item in store.list_below("b/")) == ["b/1/deep/er", "b/10", "b/2/x"]
    found = list(store.list_below("b/1"))
    assert sorted((item.key, item.size) for item in found) == [("b/1/deep/er", 4), ("b/10", 4)]
    assert list(store.list_below("nothing/")) == []


@EVERYWHERE
def test_list_below_goes_on_after_a_full_page(place: Place) -> None:
    """More than a thousand names, the size of a page, all come back."""
    names = [f"many/{number % 2}/{number:05}" for number in range(1100)]
    for name in names:
        _put(place, name)
    assert sorted(entry.key for entry in _open(place).list_below("many/")) == sorted(names)


def test_list_below_follows_no_link(directory_place: Place) -> None:
    """One that leads back would have no end."""
    _put(directory_place, "b/x")
    (directory_place.root / "b/back").symlink_to(directory_place.root)
    assert [item.key for item in _open(directory_place).list_below("b/")] == ["b/x"]


@EVERYWHERE
def test_names_with_odd_characters_survive(place: Place) -> None:
    """Blanks, plus and percent signs and other letters are not mangled on the way."""
    key = "b/a b+c%20d&é"
    _put(place, key, b"odd")
    store = _open(place)
    assert store.list_level("b/") == (Entry(key),)
    stored = store.read(key, KIB)
    assert stored is not None
    assert stored.data == b"odd"


@EVERYWHERE
def test_a_place_that_does_not_exist_is_told_apart_from_an_empty_one(place: Place) -> None:
    """Reading and listing both name the bucket or directory that is not there."""
    store = _open(place, place.outside)
    missing = place.outside.removeprefix("s3://").removesuffix("/repo")
    with pytest.raises(BackupSourceMissing, match=missing):
        store.read("a", KIB)
    with pytest.raises(BackupSourceMissing, match=missing):
        store.list_level("")


@EVERYWHERE
def test_describe_names_the_object_as_the_settings_do(place: Place) -> None:
    """Messages use the words that the operator wrote."""
    store = _open(place)
    assert store.describe() == place.url
    assert store.describe("backup/app") == f"{place.url}/backup/app"


def test_a_directory_that_may_not_be_read_is_unknown(directory_place: Place) -> None:
    """A file mode that keeps us out says nothing about what is inside."""
    secret = _put(directory_place, "closed/a")
    loop = directory_place.root / "loop"
    loop.symlink_to(loop)
    store = _open(directory_place)
    with pytest.raises(BackupUnknown, match="loop cannot be read"):
        store.read("loop", KIB)
    with pytest.raises(BackupUnknown, match="loop cannot be read"):
        store.list_level("loop/")
    with pytest.raises(BackupUnknown, match="closed cannot be read"):
        store.read("closed", KIB)
    if os.geteuid() != 0:
        secret.parent.chmod(0)
        with pytest.raises(BackupUnknown, match="closed/a cannot be read: Permission denied"):
            store.read("closed/a", KIB)
        secret.parent.chmod(0o700)
