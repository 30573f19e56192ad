"""The states of a place with dumps of a database, and what the gate must say of each."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from lz4 import frame as lz4
from zstandard import compress as zstd

from tests.contract.verdict import Case, cannot_tell, passes, refuses, warns
from tests.testbed.dump_place import SAMPLES, DumpPlace, sample

Make = Callable[[DumpPlace], object]

NAME = "shop-{}.dump"
GOOD = (".dump (dump) started 19m", "; a restore loses everything after that")
LONG_AGO = timedelta(hours=31)
MINUTES = timedelta(minutes=19)
HOUR = timedelta(hours=1)
PLAIN = (SAMPLES / "plain.sql").read_bytes()
NO_END = PLAIN[: PLAIN.index(b"-- PostgreSQL database dump complete")]


def _add(recorded: str, name: str = NAME, age: timedelta = MINUTES) -> Make:
    return lambda place: place.add(name, recorded, age)


def _put(data: bytes, name: str = NAME, age: timedelta = MINUTES) -> Make:
    return lambda place: place.put(name, data, age)


def _cut(recorded: str, left: float, name: str = NAME) -> Make:
    """Keep a share of the recorded dump, or all but as many bytes as *left* is below zero."""

    def make(place: DumpPlace) -> None:
        data = sample(recorded, datetime.now(UTC) - MINUTES)
        place.put(name, data[: int(left if left < 0 else left * len(data))], MINUTES)

    return make


def _with_older(newest: Make, older: str = "custom.dump", count: int = 3) -> Make:
    def make(place: DumpPlace) -> None:
        for number in range(count):
            place.add(NAME, older, HOUR * (number + 1))
        newest(place)

    return make


def _of_database(name: bytes) -> bytes:
    return sample("custom.dump", datetime.now(UTC) - MINUTES).replace(
        b"\x04\x00\x00\x00shop", b"\x04\x00\x00\x00" + name, 1
    )


def _reuse_old_dump(place: DumpPlace) -> None:
    """Store an old dump under a new name, as a job does whose pg_dump failed unnoticed."""
    place.put(NAME, sample("custom.dump", datetime.now(UTC) - timedelta(days=9)), MINUTES)


def _name_the_future(place: DumpPlace) -> None:
    moment = datetime.now(UTC) + timedelta(hours=2)
    place.add(f"shop-{moment:%Y%m%dT%H%M%SZ}.dump", "custom.dump")


def _lose(pattern: str, content: bytes | None = None) -> Make:
    def make(place: DumpPlace) -> None:
        (path,) = place.add_directory("shop-{}").glob(pattern)
        path.unlink() if content is None else path.write_bytes(content)

    return make


def _bury(place: DumpPlace) -> None:
    for number in range(201):
        (place.root / f"folder{number}").mkdir(parents=True)
        (place.root / f"folder{number}" / "x").touch()


def _unfinished(place: DumpPlace) -> None:
    """Leave what pg_dump leaves that was killed between two tables: whole blocks, not all."""
    data = sample("piped.dump", datetime.now(UTC) - MINUTES)
    cut = data.rindex(bytes(10))  # the end of a large object and of all large objects
    begin = data.rindex(b"\x03\x00", 0, cut)
    place.put(NAME, data[:begin], MINUTES)


CASES: list[Case[DumpPlace]] = [
    passes("custom", _add("custom.dump"), *GOOD),
    passes("piped", _add("piped.dump"), *GOOD),
    passes("tar", _add("dump.tar", "shop-{}.tar"), "(dump) started 19m"),
    passes("directory", lambda place: place.add_directory("shop-{}"), "(dump) started 19m"),
    passes("deep", _add("custom.dump", "2026/11/29/shop-{}.dump"), "2026/11/29/shop-", *GOOD),
    passes("plain-create", _add("plain-create.sql", "shop-{}.sql"), "(dump) started 19m"),
    passes("with-companion", _with_older(_put(b"ab12", "shop-{}.dump.sha256")), "started 1h"),
    passes(
        "undated",
        _add("custom.dump", "latest.dump"),
        "latest.dump (dump) started 19m",
        "that is by its last modification, and a restore loses everything after it began",
    ),
    refuses(
        "plain",
        _add("plain.sql", "shop-{}.sql"),
        "does not tell its database, and PRESYNC_BACKUP_STANZA is not set",
    ),
    refuses("empty-place", lambda _: None, "no completed backup is listed in the dumps in "),
    refuses("stale", _add("custom.dump", age=LONG_AGO), "started 31h", "(limit 24h)"),
    refuses(
        "old-dump-under-a-new-name",
        _reuse_old_dump,
        "that is by its header at the latest",
        "(limit 24h)",
    ),
    refuses(
        "name-of-the-future",
        _name_the_future,
        "started in the future",
    ),
    refuses(
        "last-modified-in-the-future",
        _add("custom.dump", "latest.dump", timedelta(hours=-2)),
        "latest.dump started in the future",
    ),
    refuses(
        "another-database",
        _put(_of_database(b"crmx")),
        "there are dumps of crmx only, the database is shop",
    ),
    warns(
        "beside-another-database",
        _with_older(_put(_of_database(b"crmx"), "crm-{}.dump"), count=1),
        ".dump is of database crmx",
        "started 1h",
    ),
    refuses("empty", _put(b""), ".dump is empty"),
    refuses("schema-only", _add("schema.dump"), "defines 2 tables and holds the data of none"),
    warns(
        "suddenly-small",
        _with_older(_add("schema.dump")),
        "has 1879 bytes, less than half of what the dumps before it have (median 9047)",
        "started 1h",
    ),
    refuses("cut-header", _cut("custom.dump", 0.01), "was cut within its table of contents"),
    refuses("cut-contents", _cut("custom.dump", 0.1), "was cut within its table of contents"),
    refuses("cut-half", _cut("custom.dump", 0.5), "(1 of the 1 blocks looked for)"),
    refuses("cut-last-byte", _cut("custom.dump", -1), "was cut: it ends within a data block"),
    refuses("cut-piped-half", _cut("piped.dump", 0.5), "was cut: it ends within a data block"),
    refuses("cut-piped-byte", _cut("piped.dump", -1), "was cut: it ends within a data block"),
    refuses("killed-between-tables", _unfinished, "data is missing (1 of the 3 blocks looked for)"),
    refuses("cut-tar", _cut("dump.tar", 0.9), "was cut: its tar archive has no end"),
    refuses("cut-tar-contents", _cut("dump.tar", 0.05), "was cut within its table of contents"),
    refuses("directory-lacks-table", _lose("3346.dat.gz"), "lacks the file 3346.dat"),
    refuses("directory-empty-table", _lose("3346.dat.gz", b""), "lacks the file 3346.dat"),
    refuses("directory-lacks-object", _lose("blob_*"), "lacks the file blob_16398.dat"),
    refuses("directory-damaged", _lose("toc.dat", b"PGDMP\x01"), "was cut within its table of"),
    refuses(
        "toc-alone",
        _put((SAMPLES / "directory/toc.dat").read_bytes()),
        "is the toc.dat of a directory-format dump without its files",
    ),
    refuses("cut-plain", _put(NO_END, "shop.sql"), "was cut: it does not end as pg_dump ends"),
    refuses("odd-zstd", _put(b"\x28\xb5\x2f\xfdx", "shop.zst"), "it cannot be decompressed"),
    refuses("cut-zstd", _put(zstd(PLAIN)[:-5], "shop.zst"), "it cannot be decompressed"),
    refuses("zstd-of-cut", _put(zstd(NO_END), "shop.zst"), "was cut: it does not end as"),
    refuses("zstd-and-more", _put(zstd(PLAIN) + b"x", "shop.zst"), "cannot be decompressed"),
    refuses("zstd-bomb", _put(zstd(bytes(2**27)), "shop.zst"), "holds no plain SQL dump"),
    refuses("odd-lz4", _put(b"\x04\x22\x4d\x18x", "shop.lz4"), "it cannot be decompressed"),
    refuses("cut-lz4", _put(lz4.compress(PLAIN)[:-5], "shop.lz4"), "it cannot be decompressed"),
    refuses("lz4-of-cut", _put(lz4.compress(NO_END), "shop.lz4"), "was cut: it does not end as"),
    refuses("lz4-and-more", _put(lz4.compress(PLAIN) + b"x", "shop.lz4"), "cannot be decompressed"),
    refuses("cut-gz", _put(gzip.compress(PLAIN)[:-9], "shop.gz"), "it cannot be decompressed"),
    refuses("cut-bz2", _put(bz2.compress(PLAIN)[:-9], "shop.bz2"), "it cannot be decompressed"),
    refuses("gz-of-cut", _put(gzip.compress(NO_END), "shop.gz"), "was cut: it does not end as"),
    refuses("gz-and-more", _put(gzip.compress(PLAIN) + b"x", "shop.gz"), "cannot be decompressed"),
    refuses("gz-of-else", _put(gzip.compress(b"else"), "shop.gz"), "holds no plain SQL dump"),
    refuses("html-error-page", _put(b"<html>", "shop.dump"), "is no dump of pg_dump (encrypted?)"),
    refuses("future-version", _put(b"PGDMP\x01\x63\x00\x04\x08\x01"), "is of archive version 1.99"),
    refuses("odd-format", _put(b"PGDMP\x01\x0e\x00\x04\x08\x09"), "has a damaged header"),
    cannot_tell("folders-without-end", _bury, "there are more than 200 folders in "),
]

NAMED_CASES: list[Case[DumpPlace]] = [
    passes("plain", _add("plain.sql", "shop-{}.sql"), ".sql (dump) started 19m"),
    passes("gz", _put(gzip.compress(PLAIN), "shop-{}.sql.gz"), "started 19m"),
    passes("bz2", _put(bz2.compress(PLAIN), "shop-{}.sql.bz2"), "started 19m"),
    passes("xz", _put(lzma.compress(PLAIN), "shop-{}.sql.xz"), "started 19m"),
    passes("zstd", _put(zstd(PLAIN), "shop-{}.sql.zst"), "started 19m"),
    passes("lz4", _put(lz4.compress(PLAIN), "shop-{}.sql.lz4"), "started 19m"),
    passes("other-name-aside", _with_older(_put(b"<html>", "crm-{}.dump"), count=1), "started 1h"),
    refuses(
        "other-name",
        _add("custom.dump", "crm-{}.dump"),
        "no completed backup is listed in the dumps of shop in ",
    ),
]
