"""What ``pgbackrest info --output=json`` printed, and what it never prints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from hook.core.backups.backup_document import load_json
from hook.core.backups.pgbackrest_list import ArchiveRange, parse_pgbackrest_list
from hook.errors import BackupSourceMissing, BackupUnknown, HookError
from tests.testbed.pgbackrest_repository import SYSTEM_IDENTIFIER
from tests.testbed.told_backups import recorded

Stanza = dict[str, Any]


def _read(name: str) -> Any:
    return load_json(recorded(name))


def test_both_repositories_are_read() -> None:
    """Each backup is of the cluster that its repository knows, each archive has two ends."""
    told = parse_pgbackrest_list(_read("two-repos"), None)
    assert told.name == "app"
    assert told.system_identifier == SYSTEM_IDENTIFIER
    assert {item.system_identifier for item in told.backups} == {SYSTEM_IDENTIFIER}
    assert [item.repo for item in told.backups] == [1, 1, 1, 2, 2]
    last = told.backups[2]
    assert last.references == ("20261121-190434F", "20261121-190434F_20261121-190507D")
    assert (last.wal_start, last.lsn_stop) == ("000000010000000000000010", "0/10000100")
    archive = ArchiveRange("000000010000000000000001", "000000010000000000000019")
    assert told.archives == (archive, archive)
    assert told.warnings == ()


def test_only_repository_has_no_number() -> None:
    """There is none to choose from."""
    told = parse_pgbackrest_list(_read("repo1"), None)
    assert {item.repo for item in told.backups} == {None}


def test_archive_without_wal_is_none() -> None:
    """Both of its ends are null."""
    assert parse_pgbackrest_list(_read("2.60-bundle-block"), None).archives == ()


def test_repository_that_cannot_be_read_is_told_without_its_bytes() -> None:
    """What pgBackRest repeats of a file may be the key of everything."""
    told = parse_pgbackrest_list(_read("one-repo-unreadable"), "app")
    (warning,) = told.warnings
    assert warning == (
        "repo2: [FormatError] unable to load info file '/srv/enc/backup/app/backup.info' or"
        " '/srv/enc/backup/app/backup.info.copy': / FormatError: key/value found outside of"
        " section at line 1 (99)"
    )
    assert len(told.backups) == 3


def test_archive_of_an_older_cluster_does_not_count() -> None:
    """After an upgrade of the stanza it stays listed."""
    value = _read("repo1")
    value[0]["db"].append({"id": 2, "repo-key": 1, "system-id": 42, "version": "16"})
    told = parse_pgbackrest_list(value, None)
    assert told.system_identifier == "42"
    assert told.archives == ()


@pytest.mark.parametrize("code", [1, 3])
def test_missing_stanza_is_an_answer(code: int) -> None:
    """The exit status is 0 all the same."""
    value = _read("missing-stanza")
    value[0]["status"]["code"] = code
    with pytest.raises(BackupSourceMissing, match="pgBackRest has no stanza nope: repo1: missing"):
        parse_pgbackrest_list(value, None)


@pytest.mark.parametrize("code", [5, 99, 1000, None, "0", True])
def test_any_other_status_is_unknown(code: object) -> None:
    """Also one that a later version adds, and one of another type."""
    value = _read("repo1")
    value[0]["status"]["code"] = code
    with pytest.raises(BackupUnknown, match="pgBackRest cannot tell of stanza app: status"):
        parse_pgbackrest_list(value, None)


def _in_backup(key: str, value: object) -> Callable[[Stanza], object]:
    return lambda stanza: stanza["backup"][0].update({key: value})


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda stanza: stanza.update(status=7), "status is not an object"),
        (lambda stanza: stanza.pop("backup"), "a list is missing"),
        (lambda stanza: stanza.update(repo=[7]), "repo is not an object"),
        (_in_backup("label", "a\nb"), "a backup has no label"),
        (_in_backup("type", "copy"), "backup 20261121-190434F is of another type"),
        (_in_backup("type", []), "backup 20261121-190434F is of another type"),
        (_in_backup("lsn", None), "lsn of backup 20261121-190434F is not an object"),
        (_in_backup("database", None), "database is not an object"),
        (_in_backup("reference", "x"), "a list is missing"),
    ],
)
def test_another_shape_is_refused(change: Callable[[Stanza], object], reason: str) -> None:
    """A list of something else is not taken for pgBackRest's."""
    value = _read("repo1")
    change(value[0])
    with pytest.raises(BackupUnknown) as caught:
        parse_pgbackrest_list(value, None)
    told = f"what it printed is not like the output of pgbackrest info: {reason}"
    assert caught.value.message.startswith(told)


@pytest.mark.parametrize(
    ("wanted", "problem"), [(None, BackupUnknown), ("app", BackupSourceMissing)]
)
def test_repository_without_a_stanza_is_the_one_to_correct(
    wanted: str | None, problem: type[HookError]
) -> None:
    """No name of a stanza helps where there is none."""
    with pytest.raises(problem, match="pgBackRest tells of no stanza") as caught:
        parse_pgbackrest_list([], wanted)
    assert caught.value.hint.startswith("Correct the repository in the command")


def test_facts_of_another_type_are_not_known() -> None:
    """A time or position that is none is none."""
    value = _read("repo1")
    value[0]["backup"][0].update(
        error="no", timestamp={"stop": 10**18}, archive={"start": "x"}, lsn={"stop": 7}
    )
    first = parse_pgbackrest_list(value, None).backups[0]
    assert (first.error, first.stopped_at, first.wal_start, first.lsn_stop) == (None,) * 4


def test_database_that_does_not_tell_its_identifier_is_not_known() -> None:
    """Then nothing proves whose backups these are."""
    value = _read("repo1")
    value[0]["db"][0].pop("system-id")
    assert parse_pgbackrest_list(value, None).system_identifier is None
