"""The states of a pgBackRest repository, and what the gate must say of each.

Whether the WAL behind a backup is complete is a criterion of its own and not judged here.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hook.catalogs.pgbackrest_files import INFO_LIMIT
from hook.demo.repository import Sections
from tests.contract.verdict import cannot_tell, passes, refuses, warns
from tests.testbed.pgbackrest_repository import (
    ERRORED,
    FULL,
    INCREMENTAL,
    SYSTEM_IDENTIFIER,
    Repository,
)

Make = Callable[[Repository], object]

NEWEST = f"newest usable backup {INCREMENTAL} (incr) stopped 19m"


def _edit(change: Callable[[Sections], object]) -> Make:
    def make(repository: Repository) -> None:
        sections = repository.sections()
        change(sections)
        repository.save(sections)

    return make


def _write_infos(data: bytes) -> Make:
    def make(repository: Repository) -> None:
        for path in repository.infos:
            path.write_bytes(data)

    return make


def _truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:700])


def _truncate_main(repository: Repository) -> None:
    _truncate(repository.infos[0])


def _truncate_both(repository: Repository) -> None:
    for path in repository.infos:
        _truncate(path)


def _remove_main(repository: Repository) -> None:
    repository.infos[0].unlink()


def _remove_both(repository: Repository) -> None:
    for path in repository.infos:
        path.unlink()


def _remove_main_truncate_copy(repository: Repository) -> None:
    main, second = repository.infos
    main.unlink()
    _truncate(second)


def _bloat(repository: Repository) -> None:
    for path in repository.infos:
        with path.open("r+b") as file:
            file.truncate(INFO_LIMIT + 1)


def _tamper(repository: Repository) -> None:
    for path in repository.infos:
        path.write_text(path.read_text().replace('"backup-error":true', '"backup-error":false'))


def _to_the_future(sections: Sections) -> None:
    for entry in sections["backup:current"].values():
        entry["backup-timestamp-stop"] += 400 * 86_400


def _keep_only(label: str) -> Callable[[Sections], None]:
    def change(sections: Sections) -> None:
        sections["backup:current"] = {label: sections["backup:current"][label]}

    return change


def _upgrade_stanza(sections: Sections) -> None:
    sections["db"]["db-id"] = 2
    sections["db:history"]["2"] = dict(sections["db:history"]["1"])


def _start_another(repository: Repository) -> None:
    folder = repository.stanza / "20261121-200000F"
    folder.mkdir()
    (folder / "backup.manifest.copy").touch()


def _remove_wal(repository: Repository, segment: str) -> None:
    (found,) = (repository.root / "archive").rglob(f"{segment}-*")
    found.unlink()


def _cut(label: str, name: str) -> Make:
    def make(repository: Repository) -> None:
        path = repository.stanza / label / name
        path.write_bytes(path.read_bytes()[:-1])

    return make


def _delete(label: str, name: str) -> Make:
    return lambda repository: (repository.stanza / label / name).unlink()


def _delete_data(repository: Repository) -> None:
    for name in ("bundle", "pg_data"):
        shutil.rmtree(repository.stanza / INCREMENTAL / name)


def _set_newest(field: str, value: object) -> Make:
    return _edit(lambda all_: all_["backup:current"][INCREMENTAL].update({field: value}))


CASES = [
    passes("good", lambda _: None, NEWEST),
    refuses(
        "empty-place",
        lambda repository: shutil.rmtree(repository.root / "backup"),
        "there is no pgBackRest stanza app in ",
        "no stanza is there, folders: archive",
    ),
    warns(
        "truncated-info-good-copy",
        _truncate_main,
        "backup.info: line 6: the value is not JSON (truncated?)",
        NEWEST,
    ),
    warns("missing-info-good-copy", _remove_main, "backup.info is missing", NEWEST),
    refuses("missing-both-infos", _remove_both, "pgBackRest stanza app in ", " has no backup.info"),
    cannot_tell(
        "missing-info-truncated-copy",
        _remove_main_truncate_copy,
        "backup.info is missing; backup.info.copy: line 6",
    ),
    cannot_tell("both-truncated", _truncate_both, "backup.info and backup.info.copy: line 6: "),
    cannot_tell(
        "tampered", _tamper, "backup.info.copy: its checksum does not match (truncated or edited)"
    ),
    cannot_tell("zero-bytes-info", _write_infos(b""), "backup.info and backup.info.copy: empty"),
    cannot_tell(
        "html-error-page",
        _write_infos(b"<html><body>502 Bad Gateway</body></html>\n"),
        "backup.info and backup.info.copy: line 1: text before the first section",
    ),
    cannot_tell(
        "encrypted",
        _write_infos(b"Salted__" + bytes(64)),
        "backup.info and backup.info.copy: encrypted, and no passphrase is known",
    ),
    cannot_tell("huge-info", _bloat, "backup.info is longer than 16 MiB"),
    refuses(
        "no-backups-listed",
        _edit(lambda all_: all_.pop("backup:current")),
        "no completed backup is listed in pgBackRest stanza app in ",
    ),
    passes(
        "wal-gap-is-another-criterion",
        lambda repository: _remove_wal(repository, "00000001000000000000002E"),
        NEWEST,
    ),
    passes(
        "wal-needed-missing-is-another-criterion",
        lambda repository: _remove_wal(repository, "000000010000000000000025"),
        NEWEST,
    ),
    refuses(
        "manifest-deleted-by-lifecycle",
        lambda repository: repository.manifest(FULL).unlink(),
        "none of 3 backups is usable",
        f"{INCREMENTAL} backup.manifest is missing for {FULL}",
        f"{FULL} backup.manifest is missing for {FULL}",
        f"{ERRORED} contains damaged pages",
    ),
    warns(
        "newest-manifest-deleted",
        lambda repository: repository.manifest(INCREMENTAL).unlink(),
        f"{INCREMENTAL} backup.manifest is missing",
        f"newest usable backup {FULL} (full)",
    ),
    warns(
        "newest-manifest-truncated",
        _cut(INCREMENTAL, "backup.manifest"),
        f"{INCREMENTAL} backup.manifest of {INCREMENTAL} is damaged: it has no end (truncated?)",
        f"newest usable backup {FULL} (full)",
    ),
    refuses(
        "bundle-of-full-deleted",
        _delete(FULL, "bundle/1"),
        f"{INCREMENTAL} bundle/1 of {FULL} is missing",
        f"{FULL} bundle/1 of {FULL} is missing",
    ),
    warns(
        "bundle-of-newest-cut",
        _cut(INCREMENTAL, "bundle/1"),
        f"{INCREMENTAL} bundle/1 of {INCREMENTAL} has 180 of 181 bytes",
        f"newest usable backup {FULL} (full)",
    ),
    warns(
        "file-of-newest-deleted",
        _delete(INCREMENTAL, "pg_data/backup_label.zst"),
        f"{INCREMENTAL} pg_data/backup_label.zst of {INCREMENTAL} is missing",
        f"newest usable backup {FULL} (full)",
    ),
    warns(
        "all-data-of-newest-deleted",
        _delete_data,
        f"{INCREMENTAL} bundle/1 of {INCREMENTAL} is missing (and 1 more of its objects cannot",
        f"newest usable backup {FULL} (full)",
    ),
    passes(
        "file-of-full-deleted-that-newest-does-not-read",
        _delete(FULL, "pg_data/backup_label.zst"),
        NEWEST,
    ),
    refuses(
        "full-expired-incr-left",
        _edit(lambda all_: all_["backup:current"].pop(FULL)),
        f"{INCREMENTAL} needs {FULL}, which is not listed (expired?)",
        f"{ERRORED} contains damaged pages",
    ),
    refuses(
        "future-times",
        _edit(_to_the_future),
        f"{INCREMENTAL} stopped in the future",
        f"{FULL} stopped in the future",
        f"{ERRORED} contains damaged pages, stopped in the future",
    ),
    warns(
        "newest-in-the-future",
        _set_newest("backup-timestamp-stop", 4_000_000_000),
        f"{INCREMENTAL} stopped in the future",
        f"newest usable backup {FULL} (full)",
    ),
    refuses(
        "only-errored",
        _edit(_keep_only(ERRORED)),
        "the only backup is not usable",
        f"{ERRORED} contains damaged pages",
    ),
    warns(
        "newest-errored",
        _set_newest("backup-error", value=True),
        f"{INCREMENTAL} contains damaged pages",
        f"newest usable backup {FULL} (full)",
    ),
    passes("in-progress-dir", _start_another, NEWEST),
    refuses(
        "pg-upgraded-stanza",
        _edit(_upgrade_stanza),
        f"{INCREMENTAL} was taken from an older cluster (db-id 1, now 2)",
        f"{FULL} was taken from an older cluster (db-id 1, now 2)",
        f"{ERRORED} was taken from an older cluster (db-id 1, now 2), contains damaged pages",
    ),
    refuses(
        "another-cluster",
        _edit(lambda all_: all_["db"].update({"db-system-id": 42})),
        "holds backups of cluster 42",
        SYSTEM_IDENTIFIER,
    ),
    refuses(
        "stale",
        lambda repository: repository.stop_newest_at(datetime.now(UTC) - timedelta(hours=31)),
        f"newest usable backup {INCREMENTAL} (incr) stopped 31h",
        "(limit 24h)",
    ),
]
