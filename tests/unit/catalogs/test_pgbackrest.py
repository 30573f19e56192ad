"""How much the pgBackRest catalog looks at, on a store that counts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hook.catalogs.pgbackrest import PgBackRestCatalog
from hook.catalogs.pgbackrest_presence import DATA_LIMIT, LOOK_LIMIT
from hook.core.backups.backup import Evidence, Presence
from hook.demo.repository import Sections, read_sections, render_sections
from tests.testbed.memory_store import MemoryStore
from tests.testbed.pgbackrest_repository import ERRORED, FULL, INCREMENTAL, NEWEST_STOPPED, SAMPLES

REPOSITORY = SAMPLES / "small-repo"
STANZA = REPOSITORY / "backup/app"
SAMPLE = STANZA / "backup.info"


def _store(sections: Sections, *labels: str, clock: datetime | None = None) -> MemoryStore:
    """Return a store with the info file, and all that the recorded repository has of *labels*."""
    objects = {
        str(path.relative_to(REPOSITORY)): path.read_bytes()
        for label in labels
        for path in (STANZA / label).rglob("*")
        if path.is_file()
    }
    objects["backup/app/backup.info"] = render_sections(sections).encode()
    return MemoryStore(objects, clock)


def _sections() -> Sections:
    return read_sections(SAMPLE.read_bytes())


def _presence(evidence: Evidence) -> dict[str, Presence]:
    return {backup.label: backup.presence for backup in evidence.backups}


def test_catalog_stops_looking_at_the_first_proven_backup() -> None:
    """Two reads and two looks at the newest chain are all when the storage has a clock."""
    store = _store(_sections(), INCREMENTAL, FULL, clock=NEWEST_STOPPED + timedelta(hours=1))
    evidence = PgBackRestCatalog(store, "app").read_evidence()
    manifest = f"backup/app/{INCREMENTAL}/backup.manifest"
    assert sorted(store.asked) == sorted(
        [
            "backup/app/backup.info",
            manifest,
            f"backup/app/{FULL}/backup.manifest",
            manifest,
            f"backup/app/{INCREMENTAL}/",
            f"backup/app/{FULL}/bundle/1",
        ]
    )
    assert _presence(evidence) == {
        ERRORED: Presence.UNSEEN,
        FULL: Presence.UNSEEN,
        INCREMENTAL: Presence.WHOLE,
    }


def test_catalog_goes_on_when_the_newest_stopped_in_the_future() -> None:
    """A backup that the judgement will refuse must not hide the one before it."""
    sections = _sections()
    sections["backup:current"][FULL]["backup-reference"] = []
    other = dict(sections["backup:current"][FULL])
    sections["backup:current"] = {
        ERRORED: other | {"backup-timestamp-stop": 1_795_287_000},
        FULL: other | {"backup-timestamp-stop": 4_000_000_000},
    }
    store = _store(sections, FULL, ERRORED, clock=NEWEST_STOPPED)
    evidence = PgBackRestCatalog(store, "app").read_evidence()
    assert set(_presence(evidence).values()) == {Presence.WHOLE}


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


def test_catalog_looks_into_a_bounded_number_of_backups() -> None:
    """A repository whose data is all gone cannot cost a manifest for each backup ever."""
    sections = _sections()
    full: dict[str, Any] = sections["backup:current"][FULL]
    labels = [
        f"2026010{day}-0{hour}0000F" for day in range(1, 5) for hour in range(DATA_LIMIT // 2)
    ]
    sections["backup:current"] = dict.fromkeys(labels, full)
    store = _store(sections)
    store.objects |= {f"backup/app/{label}/backup.manifest": b"no\n" for label in labels}
    evidence = PgBackRestCatalog(store, "app").read_evidence()
    presence = sorted(_presence(evidence).values(), key=lambda item: item.value)
    assert presence == [Presence.INCOMPLETE] * DATA_LIMIT + [Presence.UNSEEN] * (
        len(labels) - DATA_LIMIT
    )


def test_lack_of_a_backup_is_told_once_of_each_that_rests_on_it() -> None:
    """What a later one was found to read is not looked for again."""
    sections = _sections()
    other = f"{FULL}_20261121-190800I"
    entry = sections["backup:current"][INCREMENTAL]
    sections["backup:current"][other] = entry | {"backup-timestamp-stop": 1_795_288_082}
    store = _store(sections, INCREMENTAL, FULL, clock=NEWEST_STOPPED)
    store.objects[f"backup/app/{other}/backup.manifest"] = b"never read"
    del store.objects[f"backup/app/{FULL}/bundle/1"]
    evidence = PgBackRestCatalog(store, "app").read_evidence()
    lacks = {item.label: item.lack for item in evidence.backups}
    assert lacks == {
        ERRORED: "",
        FULL: f"bundle/1 of {FULL} is missing",
        INCREMENTAL: "",
        other: "",
    }
    assert _presence(evidence)[FULL] is Presence.INCOMPLETE
