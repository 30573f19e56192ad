"""What restores a dump: a program for each form that pg_dump writes, where any can."""

from __future__ import annotations

import re
from enum import Enum

_FIRST_STATEMENT = re.compile(
    rb"^(?:CREATE|COPY|INSERT INTO|DROP|ALTER TABLE) [^\n]*", re.MULTILINE
)
_DESTINATION = re.compile(
    rb"^(?:\\c(?:onnect)? |(?:CREATE|DROP) DATABASE |-- PostgreSQL database cluster dump)",
    re.MULTILINE,
)


class DumpForm(Enum):
    """How a dump is written; of a packed plain one the value is the program that unpacks it."""

    ARCHIVE = "a file that pg_restore reads"
    DIRECTORY = "a directory that pg_restore reads"
    PLAIN = "a script for psql"
    GZIP = "gzip"
    BZIP2 = "bzip2"
    XZ = "xz"
    LZ4 = "lz4"
    ZSTD = "zstd"


def fits_anywhere(script: bytes) -> bool:
    """Tell whether a plain dump that begins like *script* can go into any empty database.

    One of ``pg_dump --create`` or of ``pg_dumpall`` goes where it says itself, which may be
    the database in use. With ``--clean`` it begins by dropping what an empty database does not
    have, and with ``--data-only`` it fills what that does not have.
    """
    if _DESTINATION.search(script):
        return False
    first = _FIRST_STATEMENT.search(script)
    return first is None or first[0].startswith(b"CREATE ") or b" IF EXISTS " in first[0]
