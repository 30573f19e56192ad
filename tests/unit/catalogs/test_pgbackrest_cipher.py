"""Encrypted info files: what the right passphrase, a wrong one and none at all make of them."""

from __future__ import annotations

import pytest

from hook.catalogs.pgbackrest_cipher import decrypt, reveal_info
from hook.core.backups.pgbackrest_info import parse_backup_info
from hook.errors import BackupUnknown
from tests.testbed.pgbackrest_repository import SAMPLES

ENCRYPTED = (SAMPLES / "backup.info.encrypted").read_bytes()
DECRYPTED = (SAMPLES / "backup.info.decrypted").read_bytes()
PASSPHRASE = "lab-only-passphrase-change-me"


def test_recorded_file_is_decrypted_byte_for_byte() -> None:
    """What pgBackRest encrypted is what `openssl enc -d` makes of it, checksum included."""
    text = reveal_info(ENCRYPTED, PASSPHRASE)
    assert text == DECRYPTED
    assert parse_backup_info(text).backups


def test_plain_file_is_left_alone() -> None:
    """A passphrase that is not needed does no harm."""
    assert reveal_info(DECRYPTED, PASSPHRASE) == DECRYPTED
    assert reveal_info(b"", None) == b""


def test_encrypted_file_without_passphrase_is_unknown() -> None:
    """Never taken for good: the hint names both settings."""
    with pytest.raises(BackupUnknown, match="encrypted, and no passphrase is known") as caught:
        reveal_info(ENCRYPTED, None)
    assert "PRESYNC_BACKUP_CIPHER_PASS_FILE" in caught.value.hint


@pytest.mark.parametrize("passphrase", ["", "wrong", PASSPHRASE + "\n"])
def test_wrong_passphrase_is_unknown_and_not_repeated(passphrase: str) -> None:
    """Nothing of what it decrypts to, nor the passphrase itself, is told."""
    with pytest.raises(BackupUnknown) as caught:
        reveal_info(ENCRYPTED, passphrase)
    assert caught.value.message == (
        "the passphrase does not decrypt it (wrong, or the file is damaged)"
    )


def test_wrong_passphrase_with_a_padding_by_chance_is_unknown() -> None:
    """One in 256 wrong passphrases leaves a padding that looks right."""
    lucky = next(
        text for number in range(5000) if decrypt(ENCRYPTED, text := f"wrong-{number}") is not None
    )
    with pytest.raises(BackupUnknown, match="does not decrypt it"):
        reveal_info(ENCRYPTED, lucky)


@pytest.mark.parametrize("length", [0, 7, 8, 15, 16, 17, 31])
def test_truncated_file_is_unknown(length: int) -> None:
    """Cut anywhere, at a block or within the salt."""
    with pytest.raises(BackupUnknown):
        reveal_info(b"Salted__" + ENCRYPTED[8 : 8 + length], PASSPHRASE)
