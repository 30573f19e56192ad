"""The states of a WAL-G prefix, and what the gate must say of each."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta

from tests.contract.verdict import cannot_tell, passes, refuses, warns
from tests.testbed.walg_damage import (
    add_strangers,
    bloat,
    disable_list,
    each,
    empty,
    forget_all_times,
    forget_and_damage,
    forget_times,
    remove,
    set_in,
    to_the_future,
    touch,
    truncate,
    upgrade,
    write,
)
from tests.testbed.walg_repository import (
    DELTA,
    ERRORED,
    FULL,
    KILLED,
    NEWEST,
    SYSTEM_IDENTIFIER,
)

USABLE = f"newest usable backup {NEWEST} (incr) stopped 19m"
# The full backup is the third newest, each some two seconds after the one before.
PASSED_OVER = f"newest usable backup {FULL} (full) stopped 19m"

CASES = [
    passes("good", lambda _: None, USABLE),
    refuses(
        "empty-place",
        empty,
        "there is no WAL-G in ",
        "folders there: none",
    ),
    refuses(
        "no-backups-listed",
        lambda prefix: shutil.rmtree(prefix.backups),
        "no completed backup is listed in WAL-G in ",
    ),
    refuses(
        "only-unfinished",
        each(lambda prefix, label: prefix.sentinel(label).unlink()),
        "no completed backup is listed in WAL-G in ",
        f"and 5 backups without a sentinel ({ERRORED}, {FULL}, ",
        KILLED,
    ),
    warns(
        "truncated-sentinel",
        lambda prefix: truncate(prefix.sentinel(NEWEST)),
        f"{NEWEST} its sentinel is damaged: not JSON (truncated?)",
        f"newest usable backup {DELTA} (incr)",
    ),
    cannot_tell(
        "zero-bytes-sentinels",
        each(lambda prefix, label: prefix.sentinel(label).write_bytes(b"")),
        "of 4 backups none can be read: ",
        "its sentinel is damaged: not JSON",
    ),
    cannot_tell(
        "html-error-page",
        each(lambda prefix, label: prefix.sentinel(label).write_text("<html>502</html>")),
        "of 4 backups none can be read: ",
        "its sentinel is damaged: not JSON",
    ),
    warns(
        "huge-sentinel",
        lambda prefix: bloat(prefix.sentinel(NEWEST)),
        f"{NEWEST} its sentinel is longer than 8 MiB",
        f"newest usable backup {DELTA} (incr)",
    ),
    passes(
        "huge-list-of-files",
        lambda prefix: bloat(prefix.file(NEWEST, "files_metadata.json")),
        USABLE,
    ),
    warns(
        "truncated-list-of-files",
        lambda prefix: truncate(prefix.file(NEWEST, "files_metadata.json")),
        f"{NEWEST} its files_metadata.json is damaged: not JSON (truncated?)",
        f"newest usable backup {DELTA} (incr)",
    ),
    warns(
        "missing-list-of-files",
        remove(NEWEST, "files_metadata.json"),
        f"{NEWEST} part of the data is missing for {NEWEST}",
    ),
    passes(
        "list-of-files-disabled",
        disable_list,
        USABLE,
    ),
    warns(
        "archive-deleted-by-lifecycle",
        remove(NEWEST, "tar_partitions/part_001.tar.lz4"),
        f"{NEWEST} part of the data is missing for {NEWEST}",
    ),
    warns(
        "archive-without-content",
        write(NEWEST, "tar_partitions/part_001.tar.lz4", b""),
        f"{NEWEST} part of the data is missing for {NEWEST}",
    ),
    warns(
        "control-file-deleted",
        remove(NEWEST, "tar_partitions/pg_control.tar.lz4"),
        f"{NEWEST} part of the data is missing for {NEWEST}",
    ),
    refuses(
        "archives-of-the-full-deleted",
        lambda prefix: shutil.rmtree(prefix.backups / FULL / "tar_partitions"),
        "none of 4 backups is usable",
        f"{NEWEST} part of the data is missing for {FULL}",
        f"{DELTA} part of the data is missing for {FULL}",
    ),
    refuses(
        "full-expired-deltas-left",
        lambda prefix: prefix.sentinel(FULL).unlink(),
        f"{NEWEST} needs {FULL}, which is not listed (expired?)",
        f"{DELTA} needs {FULL}, which is not listed (expired?)",
        f"{ERRORED} contains damaged pages",
    ),
    warns(
        "link-of-the-chain-deleted",
        lambda prefix: prefix.sentinel(DELTA).unlink(),
        f"{NEWEST} needs {DELTA}, which is not listed (expired?)",
        PASSED_OVER,
    ),
    warns(
        "link-of-the-chain-damaged",
        lambda prefix: truncate(prefix.sentinel(DELTA)),
        f"{NEWEST} needs {DELTA}: its sentinel is damaged",
        PASSED_OVER,
    ),
    refuses(
        "future-times",
        each(to_the_future),
        "none of 4 backups is usable",
        f"{NEWEST} stopped in the future",
    ),
    warns(
        "newest-in-the-future",
        lambda prefix: to_the_future(prefix, NEWEST),
        f"{NEWEST} stopped in the future",
        f"newest usable backup {DELTA} (incr)",
    ),
    refuses(
        "only-errored",
        lambda prefix: [prefix.sentinel(label).unlink() for label in (FULL, DELTA, NEWEST)],
        "the only backup is not usable",
        f"{ERRORED} contains damaged pages",
    ),
    warns(
        "newest-errored",
        lambda prefix: shutil.copy(
            prefix.file(ERRORED, "files_metadata.json"), prefix.file(NEWEST, "files_metadata.json")
        ),
        f"{NEWEST} contains damaged pages",
        f"newest usable backup {DELTA} (incr)",
    ),
    refuses(
        "full-of-the-chain-errored",
        lambda prefix: shutil.copy(
            prefix.file(ERRORED, "files_metadata.json"), prefix.file(FULL, "files_metadata.json")
        ),
        f"{NEWEST} rests on {FULL}, which contains damaged pages",
        f"{FULL} contains damaged pages",
    ),
    passes(
        "in-progress-dir",
        lambda prefix: shutil.copytree(
            prefix.backups / KILLED, prefix.backups / "base_0000000100000000000000FF"
        ),
        USABLE,
    ),
    passes("old-sentinel-with-metadata", lambda prefix: forget_times(prefix, NEWEST), USABLE),
    warns(
        "old-sentinel-without-metadata",
        forget_all_times,
        f"{NEWEST} does not tell when it stopped",
        f"newest usable backup {NEWEST} (incr) stopped 10m",
    ),
    warns(
        "old-sentinel-damaged-metadata",
        forget_and_damage,
        f"{NEWEST}: its metadata.json is damaged: not JSON",
        "does not tell when it stopped",
    ),
    refuses(
        "another-cluster",
        each(lambda prefix, label: prefix.set(label, SystemIdentifier=42)),
        "holds backups of cluster 42",
        SYSTEM_IDENTIFIER,
    ),
    cannot_tell(
        "no-cluster-told",
        each(lambda prefix, label: prefix.set(label, SystemIdentifier=None)),
        "does not tell its system identifier",
    ),
    passes("upgraded-in-place", upgrade, USABLE),
    passes("strangers-beside", add_strangers, USABLE),
    warns(
        "name-that-leads-elsewhere",
        set_in(NEWEST, DeltaFrom="../../etc"),
        f"{NEWEST} its sentinel is damaged: '../../etc' is not the name of a backup",
    ),
    refuses(
        "rests-on-itself",
        set_in(FULL, DeltaFrom=NEWEST, DeltaFullName=FULL),
        f"{NEWEST} rests on no full backup",
    ),
    warns(
        "number-as-time", set_in(NEWEST, FinishTime=7), "its sentinel is damaged: FinishTime is 7"
    ),
    warns(
        "text-as-number", set_in(NEWEST, FinishLSN="0/8"), "its sentinel is damaged: FinishLSN is"
    ),
    refuses(
        "stale",
        lambda prefix: prefix.stop_newest_at(datetime.now(UTC) - timedelta(hours=31)),
        f"newest usable backup {NEWEST} (incr) stopped 31h",
        "(limit 24h)",
    ),
    refuses(
        "stale-in-a-copied-bucket",
        touch,
        f"newest usable backup {NEWEST} (incr) stopped 31h",
    ),
]
