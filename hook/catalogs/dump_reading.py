"""Looks into one dump, and proves as much of it as the storage lets one prove."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from hook.catalogs.dump_unpacking import find_unpacker, unpack_ends
from hook.catalogs.object_store import Entry, PartStore
from hook.catalogs.unpacking import Packing, Stream, detect_packing
from hook.core.backups.dump_archive import (
    MAGIC,
    DumpCut,
    DumpDamaged,
    DumpEntry,
    DumpHead,
    lacks_data,
    parse_dump_head,
)
from hook.core.backups.dump_blocks import block_begins, block_end, last_block, walk_blocks
from hook.core.backups.dump_form import DumpForm, fits_anywhere

# Whoever has longer ones lets pg_dump write into a file: then the end alone proves it.
FULL_READ_LIMIT = 128 * 2**20
_HEAD_LIMIT = 16 * 2**20
_FIRST_READ = 64 * 2**10
_WINDOW = 4 * 2**20
_TAIL = 4 * 2**10
_TAR_BLOCK = 512
_TAR_END = bytes(2 * _TAR_BLOCK)
_PLAIN = re.compile(rb"--\r?\n-- PostgreSQL database (cluster )?dump\r?\n")
_COMPLETE = re.compile(rb"^-- PostgreSQL database (cluster )?dump complete\r?$", re.MULTILINE)
_CONNECT = re.compile(rb"^\\connect ([A-Za-z0-9_]+)\r?$", re.MULTILINE)
_PACKED = re.compile(r"\.(gz|lz4|zst)$")
_UNPACKED_BY = {
    Packing.GZIP: DumpForm.GZIP,
    Packing.BZIP2: DumpForm.BZIP2,
    Packing.XZ: DumpForm.XZ,
    Packing.LZ4: DumpForm.LZ4,
    Packing.ZSTD: DumpForm.ZSTD,
}


class Inspected(NamedTuple):
    """What was seen of a dump.

    Attributes:
        problem: What stands against it, empty when all that can be proven is proven.
        database: Whose it is, empty when it does not tell.
        created_at: From its header, see `DumpHead`.
        clock: The storage's own time.
        form: What restores it, none where nothing that is known does.
    """

    problem: str = ""
    database: str = ""
    created_at: datetime | None = None
    clock: datetime | None = None
    form: DumpForm | None = None


class _Parts:
    """The bytes of an object from *at* on, read in windows."""

    def __init__(self, store: PartStore, key: str, at: int, size: int) -> None:
        self._store, self._key, self._at, self._size = store, key, at, size
        self._window = b""
        self._begin = at

    def read(self, size: int) -> bytes:
        """Return the next *size* bytes, fewer at the end."""
        found = self._window[self._at - self._begin :][:size] if self._window else b""
        while len(found) < size and self._at + len(found) < self._size:
            self._begin = self._at + len(found)
            stored = self._store.read_part(self._key, self._begin, _WINDOW)
            self._window = b"" if stored is None else stored.data
            if not self._window:
                break
            found += self._window[: size - len(found)]
        self._at += len(found)
        return found

    def skip(self, size: int) -> None:
        """Pass over *size* bytes, which need not all be there."""
        self._at += size
        if self._at > self._begin + len(self._window):
            self._window = b""


def inspect_file(store: PartStore, entry: Entry) -> Inspected:
    """Return what can be seen of the dump in the object *entry*."""
    stored = store.read_part(entry.key, 0, _FIRST_READ)
    if stored is None:
        return Inspected("was deleted meanwhile")
    first = stored.data
    if first.startswith(MAGIC):
        seen = _inspect_archive(store, entry, 0, lambda head: _judge_custom(store, entry, head))
        seen = seen._replace(form=DumpForm.ARCHIVE)
    elif first[257:262] == b"ustar" and first.startswith(b"toc.dat\x00"):
        seen = _inspect_archive(store, entry, _TAR_BLOCK, lambda _: _judge_tar(store, entry))
        seen = seen._replace(form=DumpForm.ARCHIVE)
    elif _PLAIN.match(first):
        seen = _judge_plain(first, _read_tail(store, entry), DumpForm.PLAIN)
    elif unpack := find_unpacker(first):
        seen = _inspect_packed(store, entry, unpack, _UNPACKED_BY[detect_packing(first)])
    else:
        seen = Inspected("is no dump of pg_dump (encrypted?)")
    return seen._replace(clock=stored.clock)


def inspect_folder(store: PartStore, entries: tuple[Entry, ...], folder: str) -> Inspected:
    """Return what can be seen of the directory-format dump in *folder*, which holds *entries*."""
    toc = Entry(f"{folder}toc.dat", size=next(e.size for e in entries if e.name == "toc.dat"))

    def judge(head: DumpHead) -> str:
        files = [entry.file for entry in head.data]
        for name in files[:]:
            files += _objects(store, folder + name) if name.endswith(".toc") else []
        there = {_PACKED.sub("", item.name) for item in entries if item.size}
        lost = [name for name in files if name not in there]
        return f"lacks the file {lost[0]}" if lost else ""

    stored = store.read_part(toc.key, 0, 1)
    seen = _inspect_archive(store, toc, 0, judge)
    clock = None if stored is None else stored.clock
    return seen._replace(clock=clock, form=DumpForm.DIRECTORY)


def _objects(store: PartStore, key: str) -> list[str]:
    """Return the files of the large objects that the list at *key* names."""
    stored = store.read_part(key, 0, _HEAD_LIMIT)
    text = b"" if stored is None else stored.data
    return [
        line.split()[-1].decode("utf-8", "replace") for line in text.splitlines() if line.strip()
    ]


def _inspect_archive(
    store: PartStore, entry: Entry, start: int, judge: Callable[[DumpHead], str]
) -> Inspected:
    try:
        head = _read_head(store, entry, start)
    except DumpCut:
        return Inspected("was cut within its table of contents")
    except DumpDamaged as error:
        return Inspected(str(error))
    if head is None:
        return Inspected(f"has a table of contents longer than {_HEAD_LIMIT // 2**20} MiB")
    return Inspected(lacks_data(head) or judge(head), head.database, head.created_at)


def _read_head(store: PartStore, entry: Entry, start: int) -> DumpHead | None:
    """Read as much as the head needs, none when that is too much."""
    if start >= (entry.size or 0):
        raise DumpCut
    length = _FIRST_READ
    while length <= _HEAD_LIMIT:
        stored = store.read_part(entry.key, start, length)
        try:
            return parse_dump_head(b"" if stored is None else stored.data)
        except DumpCut:
            if start + length >= (entry.size or 0):
                raise
        length *= 4
    return None


def _judge_custom(store: PartStore, entry: Entry, head: DumpHead) -> str:
    size = entry.size or 0
    if not head.is_custom:
        return "is the toc.dat of a directory-format dump without its files"
    if not head.data:
        return "" if head.end == size else "goes on behind its end"
    last = last_block(head)
    if last is None:
        return _walk_all(store, entry, head)
    if size - last.offset <= FULL_READ_LIMIT:
        return _walk(store, entry, head, last.offset, (last,))
    return _judge_ends(store, entry, head, last)


def _judge_ends(store: PartStore, entry: Entry, head: DumpHead, last: DumpEntry) -> str:
    """Look at both ends of the *last* block only, which is too long to be followed."""
    begin = store.read_part(entry.key, last.offset, _FIRST_READ)
    if begin is None or not begin.data.startswith(block_begins(head, last)):
        return "is damaged: its last data block is not where it should be"
    if not _read_tail(store, entry).endswith(block_end(head, begin.data)):
        return "was cut: its last data block does not end where the dump does"
    return ""


def _walk_all(store: PartStore, entry: Entry, head: DumpHead) -> str:
    """Follow all data blocks of a dump that was written into a pipe, or not to its end."""
    if (entry.size or 0) > FULL_READ_LIMIT:
        return (
            f"is not verified: it was written into a pipe, and is longer than"
            f" {FULL_READ_LIMIT // 2**20} MiB"
        )
    return _walk(store, entry, head, head.end, head.data)


def _walk(
    store: PartStore, entry: Entry, head: DumpHead, start: int, wanted: tuple[DumpEntry, ...]
) -> str:
    try:
        found = walk_blocks(_Parts(store, entry.key, start, entry.size or 0), head)
    except (DumpCut, DumpDamaged) as error:
        return f"was cut: it {error}"
    lost = [item for item in wanted if item.dump_id not in found]
    if not lost:
        return ""
    return f"was cut: data is missing ({len(lost)} of the {len(wanted)} blocks looked for)"


def _judge_tar(store: PartStore, entry: Entry) -> str:
    if _read_tail(store, entry)[-len(_TAR_END) :] == _TAR_END:
        return ""
    return "was cut: its tar archive has no end"


def _judge_plain(first: bytes, tail: bytes, form: DumpForm) -> Inspected:
    databases = {found[1].decode() for found in _CONNECT.finditer(first)}
    database = databases.pop() if len(databases) == 1 else ""
    is_complete = _COMPLETE.search(tail) is not None
    return Inspected(
        "" if is_complete else "was cut: it does not end as pg_dump ends",
        database,
        form=form if fits_anywhere(first) else None,
    )


def _inspect_packed(
    store: PartStore, entry: Entry, unpack: Callable[[], Stream], form: DumpForm
) -> Inspected:
    """Decompress all of it: nothing in the last bytes tells that the text before is whole."""
    if (entry.size or 0) > FULL_READ_LIMIT:
        return Inspected(
            f"is not verified: a compressed plain dump that is longer than"
            f" {FULL_READ_LIMIT // 2**20} MiB"
        )
    try:
        parts = _Parts(store, entry.key, 0, entry.size or 0)
        first, tail = unpack_ends(parts.read, unpack(), _FIRST_READ, _TAIL)
    except ValueError:
        return Inspected("was cut or damaged: it cannot be decompressed")
    if _PLAIN.match(first):
        return _judge_plain(first, tail, form)
    return Inspected("holds no plain SQL dump, and nothing else is looked for in a compressed file")


def _read_tail(store: PartStore, entry: Entry) -> bytes:
    start = max(0, (entry.size or 0) - _TAIL)
    stored = store.read_part(entry.key, start, _TAIL)
    return b"" if stored is None else stored.data
