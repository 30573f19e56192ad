"""The parser of pgBackRest's info file, on recorded files and on damaged ones."""

from __future__ import annotations

import contextlib
import copy
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.backups.backup import Backup, BackupType
from hook.core.backups.pgbackrest_info import parse_backup_info
from hook.demo.repository import Sections, read_sections, render_sections
from hook.errors import BackupUnknown
from tests.testbed.pgbackrest_repository import FULL, INCREMENTAL, SAMPLES, SYSTEM_IDENTIFIER

GOOD = SAMPLES / "small-repo/backup/app/backup.info"
UNPROVEN_WAL = "was taken without archive check, so its WAL may be missing"

Change = Callable[[Sections], object]


def _changed(change: Change) -> bytes:
    sections = read_sections(GOOD.read_bytes())
    change(sections)
    return render_sections(sections).encode()


def _with_entry(**values: Any) -> Backup:
    """Return the parsed full backup after *values* replaced some of its fields."""
    text = _changed(lambda sections: sections["backup:current"][FULL].update(values))
    return next(item for item in parse_backup_info(text).backups if item.label == FULL)


def _without(key: str) -> Backup:
    text = _changed(lambda sections: sections["backup:current"][FULL].pop(key))
    return next(item for item in parse_backup_info(text).backups if item.label == FULL)


def test_parse_reads_every_field_of_a_recorded_incremental() -> None:
    """All that the gate judges comes out of the file as pgBackRest wrote it."""
    info = parse_backup_info(GOOD.read_bytes())
    newest = info.backups[-1]
    assert (info.db_id, info.system_identifier) == (1, SYSTEM_IDENTIFIER)
    assert newest == Backup(
        label=INCREMENTAL,
        type=BackupType.INCREMENTAL,
        started_at=datetime(2026, 11, 21, 19, 8, 32, tzinfo=UTC),
        stopped_at=datetime(2026, 11, 21, 19, 8, 34, tzinfo=UTC),
        error=False,
        prior=FULL,
        references=(FULL,),
        system_identifier=SYSTEM_IDENTIFIER,
        wal_start="000000010000000000000025",
        wal_stop="000000010000000000000025",
        lsn_stop="0/25000100",
    )


@pytest.mark.parametrize(
    ("sample", "labels"),
    [
        ("full-diff-incr", ["190434F", "190507D", "190510I"]),
        ("with-error", ["190434F", "190507D", "190510I", "190643F"]),
        ("after-expire", ["190643F", "190733F"]),
        ("decrypted", ["190513F", "190521I"]),
        ("2.60-bundle-block-annotations", ["192226F", "192227D", "192228I"]),
    ],
)
def test_parse_verifies_the_checksum_of_recorded_files(sample: str, labels: list[str]) -> None:
    """Files of both recorded versions pass with all their backups, in order."""
    info = parse_backup_info((SAMPLES / f"backup.info.{sample}").read_bytes())
    assert [backup.label[-7:] for backup in info.backups] == labels


def test_parse_does_not_tell_the_passphrase_of_the_data() -> None:
    """A decrypted info file holds the key to everything; it stays out of the value."""
    info = parse_backup_info((SAMPLES / "backup.info.decrypted").read_bytes())
    assert "h+EbwkG0" not in repr(info)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"\x00\x01\xff\xfe", "not a text file"),
        (b"<html>\n<body>503</body>", "line 1: text before the first section"),
        (b"[backrest]\nbackrest-format=4\n", "format 4 is not 5"),
        (b"[backrest]\nbackrest-version=", "line 2: the value is not JSON (truncated?)"),
        (b"[backrest]\nx=" + b"[" * 100_000, "line 2: the value is not JSON (truncated?)"),
        (b"[backup:current]\n", "format None is not 5"),
    ],
)
def test_parse_names_what_is_wrong_with_other_texts(data: bytes, reason: str) -> None:
    """What a proxy, a full disk or another version leaves in place is told apart."""
    with pytest.raises(BackupUnknown, match=f"^{re.escape(reason)}$"):
        parse_backup_info(data)


def test_parse_notices_a_cut_at_any_line() -> None:
    """However many whole lines are missing at the end, the file is refused."""
    lines = GOOD.read_text().splitlines(keepends=True)
    last = max(number for number, line in enumerate(lines) if line.strip())
    for count in range(last):
        with pytest.raises(BackupUnknown):
            parse_backup_info("".join(lines[:count]).encode())


@given(st.integers(min_value=0), st.integers(min_value=0, max_value=255))
def test_parse_notices_any_changed_byte(position: int, value: int) -> None:
    """One other byte anywhere makes the file unreadable, or it changed nothing."""
    data = bytearray(GOOD.read_bytes())
    original = parse_backup_info(bytes(data))
    data[position % len(data)] = value
    with contextlib.suppress(BackupUnknown):
        assert parse_backup_info(bytes(data)) == original


@given(st.one_of(st.binary(), st.text().map(str.encode)))
def test_parse_returns_or_raises_its_own_error(data: bytes) -> None:
    """No text whatsoever ends in another exception."""
    with pytest.raises(BackupUnknown):
        parse_backup_info(data)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
_FIELD = st.sampled_from(sorted(read_sections(GOOD.read_bytes())["backup:current"][INCREMENTAL]))


@given(_FIELD, _JSON)
def test_parse_survives_any_value_in_any_field(field: str, value: object) -> None:
    """A checksummed file with nonsense in a field is read or refused, never a crash."""
    sections = copy.deepcopy(read_sections(GOOD.read_bytes()))
    sections["backup:current"][INCREMENTAL][field] = value
    text = render_sections(sections).encode()
    with contextlib.suppress(BackupUnknown):
        parse_backup_info(text)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda all_: all_.pop("db"), "it does not say which cluster it belongs to"),
        (lambda all_: all_["db"].pop("db-system-id"), "which cluster it belongs to"),
        (lambda all_: all_["db"].update({"db-id": True}), "which cluster it belongs to"),
        (
            lambda all_: all_["backup:current"].update({"../../x": {}}),
            "'../../x' is not an entry for a backup",
        ),
        (lambda all_: all_["backup:current"].update({FULL: 1}), "is not an entry for a backup"),
        (
            lambda all_: all_["backup:current"][FULL].update({"backup-type": "copy"}),
            f"{FULL} is of unknown type 'copy'",
        ),
        (
            lambda all_: all_["backup:current"][FULL].update({"backup-reference": ["../x"]}),
            f"{FULL}: '../x' is not a backup label",
        ),
        (
            lambda all_: all_["backup:current"][FULL].update({"backup-reference": "x"}),
            f"{FULL}: its references are not a list",
        ),
    ],
)
def test_parse_refuses_a_verified_file_of_another_shape(change: Change, reason: str) -> None:
    """A matching checksum does not make up for content that the gate cannot judge."""
    with pytest.raises(BackupUnknown) as caught:
        parse_backup_info(_changed(change))
    assert reason in caught.value.message


def test_parse_accepts_a_stanza_without_backups() -> None:
    """After stanza-create there is a good file that lists nothing."""
    text = _changed(lambda sections: sections.pop("backup:current"))
    assert parse_backup_info(text).backups == ()


def test_parse_keeps_an_absent_error_flag_apart_from_false() -> None:
    """Old versions wrote no flag, which says nothing about damaged pages."""
    assert _with_entry(**{"backup-error": True}).error is True
    assert _without("backup-error").error is None


@pytest.mark.parametrize("value", [None, 0, -5, 1.5, "1795288034", True, 10**15])
def test_parse_takes_no_stop_time_from_nonsense(value: object) -> None:
    """What is not a plausible second has no stop time, and no invented one."""
    assert _with_entry(**{"backup-timestamp-stop": value}).stopped_at is None


def test_parse_marks_a_backup_of_an_older_cluster() -> None:
    """After an upgrade of the stanza the older backups stay listed under their own id."""

    def upgrade(sections: Sections) -> None:
        sections["db"].update({"db-id": 2, "db-system-id": 42})
        sections["db:history"]["2"] = {"db-system-id": 42}

    info = parse_backup_info(_changed(upgrade))
    assert info.system_identifier == "42"
    assert {backup.system_identifier for backup in info.backups} == {SYSTEM_IDENTIFIER}
    assert info.backups[0].problems == ("was taken from an older cluster (db-id 1, now 2)",)


@pytest.mark.parametrize(
    ("online", "check", "copied", "problems"),
    [
        (True, True, False, ()),
        (True, False, False, (UNPROVEN_WAL,)),
        (True, False, True, ()),
        (False, False, False, ()),
        (None, None, None, (UNPROVEN_WAL,)),
    ],
)
def test_parse_marks_a_backup_whose_wal_nobody_waited_for(
    online: object, check: object, copied: object, problems: tuple[str, ...]
) -> None:
    """Without archive check only a backup that holds its WAL, or needs none, counts."""
    backup = _with_entry(
        **{
            "option-online": online,
            "option-archive-check": check,
            "option-archive-copy": copied,
        }
    )
    assert backup.problems == problems
