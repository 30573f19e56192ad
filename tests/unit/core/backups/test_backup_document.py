"""The document of a user's own command: what it may hold, and every mistake in it."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.backups.backup import BackupType, RestoreWindow
from hook.core.backups.backup_document import ToldRun, load_json, parse_document
from hook.core.backups.origin import Origin
from hook.errors import BackupUnknown
from tests.testbed.told_backups import Document, edited, own_document

MOMENT = "2026-11-29T01:12:09Z"
Change = Callable[[Document], object]


def _backup(key: str, value: object) -> Change:
    return lambda document: document["backups"][0].update({key: value})


def _set(key: str, value: object) -> Change:
    return lambda document: document.update({key: value})


def test_all_that_is_told_is_read() -> None:
    """Times in UTC, and the WAL as it stands there."""
    document = own_document()
    document["backups"][0]["stopped_at"] = "2026-11-29T09:12:09+08:00"
    told = parse_document(document)
    full, incremental = told.backups
    assert (full.label, full.type) == ("monday", BackupType.FULL)
    assert full.stopped_at == datetime(2026, 11, 29, 1, 12, 9, tzinfo=UTC)
    assert full.started_at is not None
    assert (full.wal_start, full.lsn_stop) == ("000000010000000000000020", "0/20000100")
    assert incremental.references == ("monday",)
    assert incremental.error is False
    assert told.origin == Origin("7710702599933426604")
    assert told.runs == (ToldRun("000000010000000000000020", "00000001000000000000003C"),)


def _chain(**more: Document) -> dict[str, tuple[bool | None, tuple[str, ...], str]]:
    """Return damage, bases and the damaged one of a chain of four, with *more* told of some."""
    document = own_document()
    first, last = document["backups"]
    names = ["monday", "tuesday", "wednesday", "thursday"]
    document["backups"] = [first] + [
        {**last, "label": name, "needs": [before]} for before, name in itertools.pairwise(names)
    ]
    for backup in document["backups"]:
        backup.update(more.get(backup["label"], {}))
    told = parse_document(document).backups
    return {item.label: (item.error, item.references, item.damaged_base) for item in told}


def test_damage_is_in_all_that_rests_on_it() -> None:
    """A page that has not changed since is damaged in every later restore."""
    found = _chain(tuesday={"error": True})
    assert [error for error, _, _ in found.values()] == [False, True, True, True]
    assert [base for _, _, base in found.values()] == ["", "", "tuesday", "tuesday"]


def test_what_a_base_lacks_all_that_rests_on_it_lacks() -> None:
    """Whether it names the lost one itself or a backup that does; once, and what is there not."""
    found = _chain(tuesday={"needs": ["sunday"]}, thursday={"needs": ["wednesday", "sunday"]})
    assert [bases for _, bases, _ in found.values()] == [
        (),
        ("sunday",),
        ("tuesday", "sunday"),
        ("wednesday", "sunday"),
    ]


def test_backups_that_rest_on_each_other_end_the_reading() -> None:
    """Nothing is followed twice."""
    found = _chain(monday={"needs": ["thursday"], "error": True})
    assert [error for error, _, _ in found.values()] == [True] * 4


def test_origin_may_be_told_by_each_backup() -> None:
    """The newest one says whose backups these are."""
    document = own_document()
    del document["system_identifier"]
    document["backups"][1]["system_identifier"] = "42"
    told = parse_document(document)
    assert told.origin == Origin("42")
    assert [item.system_identifier for item in told.backups] == [None, "42"]


def test_origin_may_be_hosts_or_databases() -> None:
    """For what is no cluster of one's own."""
    told = parse_document({"backups": [], "hosts": ["a", "b"], "databases": ["shop"]})
    assert told.origin == Origin(None, ("a", "b"), ("shop",))
    assert told.runs is None


def test_window_of_a_service_is_read() -> None:
    """Instead of the WAL, which such a service keeps to itself."""
    document = own_document()
    del document["wal"]
    assert parse_document(document).window is None
    document["restorable_until"] = MOMENT
    until = datetime(2026, 11, 29, 1, 12, 9, tzinfo=UTC)
    assert parse_document(document).window == RestoreWindow(None, until)
    document["restorable_from"] = "2026-11-22T03:00:00+02:00"
    since = datetime(2026, 11, 22, 1, 0, tzinfo=UTC)
    assert parse_document(document).window == RestoreWindow(None, until, since)
    document["restorable_from"] = "2026-11-29T01:12:10Z"
    with pytest.raises(BackupUnknown, match="restorable_from lies behind restorable_until"):
        parse_document(document)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda document: document.pop("backups"), "backups is missing, not a list"),
        (_set("backups", {}), "backups is {}, not a list"),
        (_set("backups", [7]), "backups[0] is 7, not an object"),
        (
            _set("backup", []),
            "backup is no key of the document; it may have backups, system_identifier,",
        ),
        (
            _set("system_identifier", value=True),
            "system_identifier is true, not a system identifier",
        ),
        (_set("system_identifier", "x"), 'system_identifier is "x", not a system identifier'),
        (_set("hosts", "db"), 'hosts is "db", not a list'),
        (_set("hosts", [" "]), 'hosts[0] is " ", not a name'),
        (_set("wal", [{"first": "x"}]), 'wal[0].first is "x", not the name of a WAL segment'),
        (_set("wal", [{"start": 1}]), "wal[0].start is no key of the document"),
        (_set("wal", [[]]), "wal[0] is [], not an object"),
        (_backup("label", None), "backups[0].label is missing, not a name"),
        (_backup("label", "a\nb"), 'backups[0].label is "a\\nb", not a name'),
        (_backup("label", "x" * 201), 'backups[0].label is "xxx'),
        (_backup("type", "delta"), 'backups[0].type is "delta", not full, diff, incr or dump'),
        (_backup("type", ["full"]), 'backups[0].type is ["full"], not full, diff, incr or dump'),
        (_backup("error", "no"), 'backups[0].error is "no", not true or false'),
        (_backup("error", None), "backups[0].error is missing, not true or false"),
        (_backup("stopped_at", None), "backups[0].stopped_at is missing, not a time with its"),
        (_backup("stopped_at", 1795287881), "backups[0].stopped_at is 1795287881, not a time"),
        (_backup("stopped_at", "soon"), 'backups[0].stopped_at is "soon", not a time'),
        (_backup("stopped_at", "2026-11-29T01:12:09"), "backups[0].stopped_at is"),
        (_backup("stopped_at", "0001-01-01T00:00:00+14:00"), "backups[0].stopped_at is"),
        (_backup("started_at", value=False), "backups[0].started_at is false, not a time"),
        (_backup("needs", "monday"), 'backups[0].needs is "monday", not a list'),
        (_backup("needs", [1]), "backups[0].needs[0] is 1, not a name"),
        (_backup("wal_start", "0/1"), 'backups[0].wal_start is "0/1", not the name of a WAL'),
        (_backup("lsn_stop", 7), "backups[0].lsn_stop is 7, not a position in the WAL"),
        (_set("restorable_until", "soon"), 'restorable_until is "soon", not a time with its'),
        (_set("restorable_until", MOMENT), "wal and restorable_until are there, of which one can"),
        (_set("restorable_from", MOMENT), "restorable_from is there, and restorable_until is not"),
        (_backup("size", 7), "backups[0].size is no key of the document; backups[0] may have"),
    ],
)
def test_mistake_is_named_by_its_place(change: Change, message: str) -> None:
    """Every one is told with the path to it, and what belongs there."""
    with pytest.raises(BackupUnknown) as caught:
        parse_document(json.loads(edited(change)))
    assert caught.value.message.startswith(message)
    assert "docs/backup-sources.md" in caught.value.hint
    assert "\n" not in caught.value.message
    assert len(caught.value.message) < 250


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: (
            st.lists(inner)
            | st.dictionaries(st.sampled_from(["backups", "wal", "label", "type", "x"]), inner)
        ),
    )
)
def test_no_document_ends_in_another_exception(value: object) -> None:
    """Whatever is printed, it is read or refused."""
    try:
        backups: object = parse_document(value).backups
    except BackupUnknown:
        backups = ()
    assert backups == ()


def test_text_that_is_no_utf_8_is_read_all_the_same() -> None:
    """A file that could not be decrypted is repeated by pgBackRest, whatever is in it."""
    assert load_json(b'{"a": "\xff\x11"}') == {"a": "\ufffd\x11"}


@pytest.mark.parametrize("data", [b"{", b"[" * 100_000, b"\xff\xfe"])
def test_what_is_no_json_is_shown(data: bytes) -> None:
    """Its beginning tells what it is."""
    with pytest.raises(BackupUnknown, match="what it printed is no JSON: '"):
        load_json(data)


@pytest.mark.parametrize("data", [b"", b" \n"])
def test_what_printed_nothing_is_told_so(data: bytes) -> None:
    """Quotes with nothing between them tell nobody that."""
    with pytest.raises(BackupUnknown, match="it printed nothing"):
        load_json(data)
