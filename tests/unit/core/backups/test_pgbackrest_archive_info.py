"""The parser of ``archive.info``, on recorded files and on damaged ones."""

from __future__ import annotations

import pytest

from hook.core.backups.pgbackrest_info import parse_archive_info
from hook.demo.repository import read_sections, render_sections
from hook.errors import BackupUnknown
from tests.testbed.pgbackrest_repository import SAMPLES, SYSTEM_IDENTIFIER

PLAIN = (SAMPLES / "small-repo/archive/app/archive.info").read_bytes()
ENCRYPTED = (SAMPLES / "archive.info.decrypted").read_bytes()


def test_folder_and_cluster_come_out_of_a_recorded_file() -> None:
    """Version and number of the cluster as it is now make the name of the folder."""
    info = parse_archive_info(PLAIN)
    assert (info.archive_id, info.system_identifier) == ("15-1", SYSTEM_IDENTIFIER)
    assert info.passphrase is None


def test_key_of_an_encrypted_archive_is_read_and_never_shown() -> None:
    """It opens the timeline history files, and all data besides."""
    info = parse_archive_info(ENCRYPTED)
    assert info.passphrase
    assert info.passphrase not in repr(info)


@pytest.mark.parametrize(
    "values",
    [
        {"db-id": "1"},
        {"db-system-id": None},
        {"db-version": "../15"},
        {"db-version": 15.1234},
    ],
)
def test_file_without_a_cluster_is_damaged(values: dict[str, object]) -> None:
    """The version becomes part of a path, so it has to be one."""
    sections = read_sections(PLAIN)
    sections["db"] |= values
    with pytest.raises(BackupUnknown, match="does not say which cluster"):
        parse_archive_info(render_sections(sections).encode())


@pytest.mark.parametrize("data", [b"", PLAIN[:-20], PLAIN.replace(b'"15"', b'"16"', 1)])
def test_damaged_file_is_unknown(data: bytes) -> None:
    """Empty, truncated or edited."""
    with pytest.raises(BackupUnknown):
        parse_archive_info(data)
