"""Decrypts the metadata of a repository with ``repo-cipher-type=aes-256-cbc``.

pgBackRest writes what ``openssl enc -aes-256-cbc -md sha1`` writes: a magic word, a salt,
and the text under a key that OpenSSL derives from passphrase and salt. Only metadata is
read here; it holds the key of everything else, so a decrypted text is never shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from itertools import chain

from hook.core.backups.pgbackrest_lines import InfoDamaged
from hook.errors import BackupUnknown

_MAGIC = b"Salted__"
_BLOCK = 16
_HEADER = len(_MAGIC) + 8
_KEY = 32
# Every info file begins so; what a wrong passphrase makes of it does not.
_INFO_START = b"[backrest]\n"


def is_encrypted(data: bytes) -> bool:
    """Tell whether *data* is encrypted."""
    return data.startswith(_MAGIC)


def reveal_info(data: bytes, passphrase: str | None) -> bytes:
    """Return the text of an info file, *data* itself if it is not encrypted.

    Raises:
        BackupUnknown: There is no passphrase, or it does not fit.
    """
    if not is_encrypted(data):
        return data
    if passphrase is None:
        raise BackupUnknown(
            "encrypted, and no passphrase is known",
            "Set PRESYNC_BACKUP_CIPHER_PASS, or PRESYNC_BACKUP_CIPHER_PASS_FILE, to pgBackRest's"
            " repo-cipher-pass.",
        )
    text = decrypt(data, passphrase)
    if text is None or not text.startswith(_INFO_START):
        raise BackupUnknown(
            "the passphrase does not decrypt it (wrong, or the file is damaged)",
            "Set PRESYNC_BACKUP_CIPHER_PASS to the repo-cipher-pass of this very repository.",
        )
    return text


def decrypt(data: bytes, passphrase: str) -> bytes | None:
    """Return the text of *data*, none when *passphrase* cannot be the right one."""
    try:
        return b"".join(decrypt_parts(iter((data,)), passphrase))
    except InfoDamaged:
        return None


def decrypt_parts(parts: Iterator[bytes], passphrase: str) -> Iterator[bytes]:
    """Yield the text of what comes in *parts*, the first of which holds more than the salt.

    Raises:
        InfoDamaged: At the end, when *passphrase* cannot be the right one.
    """
    # 12 MB and an own OpenSSL: only who has an encrypted repository pays for it.
    from cryptography.hazmat.primitives.ciphers import (  # noqa: PLC0415 - expensive
        Cipher,
        algorithms,
        modes,
    )

    first = next(parts)
    derived = _derive(passphrase.encode(), first[len(_MAGIC) : _HEADER])
    decryptor = Cipher(algorithms.AES256(derived[:_KEY]), modes.CBC(derived[_KEY:])).decryptor()
    # The last block tells how much of it is padding.
    length, held = 0, b""
    for secret in chain((first[_HEADER:],), parts):
        length += len(secret)
        text = held + decryptor.update(secret)
        yield text[:-_BLOCK]
        held = text[-_BLOCK:]
    padding = held[-1] if held and not length % _BLOCK else 0
    if not 1 <= padding <= _BLOCK or held[-padding:] != bytes([padding]) * padding:
        raise InfoDamaged("the passphrase does not decrypt it (wrong, or the file is damaged)")
    yield held[:-padding]


def _derive(passphrase: bytes, salt: bytes) -> bytes:
    """Return key and initialisation vector, by OpenSSL's ``EVP_BytesToKey``, one round."""
    derived = block = b""
    while len(derived) < _KEY + _BLOCK:
        block = hashlib.sha1(block + passphrase + salt, usedforsecurity=False).digest()
        derived += block
    return derived[: _KEY + _BLOCK]
