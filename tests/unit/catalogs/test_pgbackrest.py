"""How much the pgBackRest catalog looks at, on a store that counts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from hook.catalogs.object_store import Entry, StoredObject
from hook.catalogs.pgbackrest import LOOK_LIMIT, PgBackRestCatalog
from hook.core.backups.backup import Evidence, Presence
from hook.demo.repository import Sections, read_sections, render_sections
from tests.testbed.pgbackrest_repository import ERRORED, FULL, INCREMENTAL, NEWEST_STOPPED, SAMPLES

SAMPLE = SAMPLES / "small-repo/backup/app/backup.info"


@dataclass(slots=True)
class MemoryStore:
    """An `ObjectStore` that remembers what it was asked."""

    objects: dict[str, bytes]
    clock: datetime | None = None
    archived: frozenset[str] = frozenset()
    asked: list[str] = field(default_factory=list)

    def describe(self, key: str = "") -> str:
        """Name *key*."""
        return f"memory/{key}"

    def read(self, key: str, limit: int) -> StoredObject | None:
        """Return what is there; no test reads more than *limit*."""
        self.asked.append(key)
        data = self.objects.get(key)
        assert data is None or len(data) <= limit
        return None if data is None else StoredObject(data, self.clock)

    def list_level(self, prefix: str) -> tuple[Entry, ...]:
        """Return objects that begin with *prefix*; no test needs folders."""
        self.asked.append(prefix)
        keys = sorted(key for key in self.objects if key.startswith(prefix))
        return tuple(Entry(key, key in self.archived) for key in keys)


def _store(sections: Sections, *labels: str, clock: datetime | None = None) -> MemoryStore:
    objects = {f"backup/app/{label}/backup.manifest": b"" for label in labels}
    objects["backup/app/backup.info"] = render_sections(sections).encode()
    return MemoryStore(objects, clock)


def _sections() -> Sections:
    return read_sections(SAMPLE.read_bytes())


def _presence(evidence: Evidence) -> dict[str, Presence]:
    return {backup.label: backup.presence for backup in evidence.backups}


def test_catalog_stops_looking_at_the_first_proven_backup() -> None:
    """One read and the newest chain are all it takes when the storage has a clock."""
    store = _store(_sections(), INCREMENTAL, FULL, clock=NEWEST_STOPPED + timedelta(hours=1))
    evidence = PgBackRestCatalog(store, "app").read_evidence()
    assert store.asked == [
        "backup/app/backup.info",
        f"backup/app/{INCREMENTAL}/backup.manifest",
        f"backup/app/{FULL}/backup.manifest",
    ]
    assert _presence(evidence) == {
        ERRORED: Presence.UNSEEN,
        FULL: Presence.COMPLETE,
        INCREMENTAL: Presence.COMPLETE,
    }


def test_catalog_goes_on_when_the_newest_stopped_in_the_future() -> None:
    """A backup that the judgement will refuse must not hide the one before it."""
    sections = _sections()
    sections["backup:current"][FULL]["backup-reference"] = []
    other = dict(sections["backup:current"][FULL])
    sections["backup:current"] = {
        "20261121-190000F": other | {"backup-timestamp-stop": 1_795_287_000},
        FULL: other | {"backup-timestamp-stop": 4_000_000_000},
    }
    store = _store(sections, FULL, "20261121-190000F", clock=NEWEST_STOPPED)
    evidence = PgBackRestCatalog(store, "app").read_evidence()
    assert set(_presence(evidence).values()) == {Presence.COMPLETE}


def test_catalog_does_not_look_for_what_is_unusable_anyway() -> None:
    """A backup with damaged pages costs no request."""
    store = _store(_sections())
    evidence = PgBackRestCatalog(store, "app").read_evidence()
    assert not any(ERRORED in key for key in store.asked)
    assert _presence(evidence) == {
        ERRORED: Presence.UNSEEN,
        FULL: Presence.INCOMPLETE,
        INCREMENTAL: Presence.INCOMPLETE,
    }


def test_catalog_tells_an_archived_manifest_apart() -> None:
    """What is there and must be thawed first is neither complete nor missing."""
    store = _store(_sections(), INCREMENTAL, FULL)
    store.archived = frozenset({f"backup/app/{FULL}/backup.manifest"})
    evidence = PgBackRestCatalog(store, "app").read_evidence()
    assert _presence(evidence)[FULL] is Presence.ARCHIVED


def test_catalog_looks_for_a_bounded_number_of_backups() -> None:
    """A repository whose manifests are all gone cannot cost a request for each backup ever."""
    sections = _sections()
    full: dict[str, Any] = sections["backup:current"][FULL]
    start = datetime(2026, 1, 1, tzinfo=UTC)
    sections["backup:current"] = {
        f"{start + timedelta(hours=hour):%Y%m%d-%H%M%S}F": full
        | {"backup-timestamp-stop": int((start + timedelta(hours=hour)).timestamp())}
        for hour in range(LOOK_LIMIT + 50)
    }
    store = _store(sections)
    evidence = PgBackRestCatalog(store, "app").read_evidence()
    assert len(store.asked) == 1 + LOOK_LIMIT
    presence = list(_presence(evidence).values())
    assert presence == [Presence.UNSEEN] * 50 + [Presence.INCOMPLETE] * LOOK_LIMIT


def test_catalog_does_not_read_the_second_copy_of_a_good_file() -> None:
    """The copy is for when the first is damaged."""
    store = _store(_sections(), FULL, INCREMENTAL)
    PgBackRestCatalog(store, "app").read_evidence()
    assert "backup/app/backup.info.copy" not in store.asked
