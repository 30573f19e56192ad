"""Small files in every packing: their content, or why there is none."""

from __future__ import annotations

import bz2
import gzip
import lzma
from io import BytesIO

import lz4.frame
import pytest
import zstandard

from hook.catalogs.unpacking import Packing, detect_packing, unpack

CONTENT = b"1\t0/33000000\tno recovery target specified\n" * 4
LIMIT = len(CONTENT)


def _zstd_stream(data: bytes) -> bytes:
    """Return a frame that does not tell how much it holds, as a writer of streams makes it."""
    output = BytesIO()
    with zstandard.ZstdCompressor().stream_writer(output, closefd=False) as writer:
        writer.write(data)
    return output.getvalue()


PACKED = {
    "gzip": (Packing.GZIP, gzip.compress(CONTENT)),
    "bzip2": (Packing.BZIP2, bz2.compress(CONTENT)),
    "xz": (Packing.XZ, lzma.compress(CONTENT)),
    "lz4": (Packing.LZ4, lz4.frame.compress(CONTENT)),
    "zstd": (Packing.ZSTD, zstandard.compress(CONTENT)),
    "zstd stream": (Packing.ZSTD, _zstd_stream(CONTENT)),
}
EACH = pytest.mark.parametrize(("packing", "data"), PACKED.values(), ids=PACKED)


@EACH
def test_packing_is_seen_and_undone(packing: Packing, data: bytes) -> None:
    """Up to the limit, and as it was."""
    assert detect_packing(data) is packing
    assert unpack(data, packing, LIMIT) == CONTENT


def test_what_is_not_packed_stays() -> None:
    """Nothing is guessed."""
    assert detect_packing(CONTENT) is Packing.NONE
    assert unpack(CONTENT, Packing.NONE, LIMIT) == CONTENT


def test_older_format_of_xz_is_read() -> None:
    """It has no beginning to be known by."""
    data = lzma.compress(CONTENT, lzma.FORMAT_ALONE)
    assert unpack(data, Packing.XZ, LIMIT) == CONTENT


@EACH
def test_more_than_the_limit_is_an_error(packing: Packing, data: bytes) -> None:
    """Also when only the last byte is too much."""
    with pytest.raises(ValueError, match=r"."):
        unpack(data, packing, LIMIT - 1)


@EACH
def test_what_is_cut_off_or_damaged_is_an_error(packing: Packing, data: bytes) -> None:
    """At whatever byte: never half a file, and no other exception."""
    for length in range(len(data)):
        with pytest.raises(ValueError, match=r"."):
            unpack(data[:length], packing, LIMIT)
    with pytest.raises(ValueError, match=r"."):
        unpack(b"-----BEGIN PGP MESSAGE-----", packing, LIMIT)
