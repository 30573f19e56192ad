"""LZ4 frames: what WAL-G wrote, made by hand, and everything that is none."""

from __future__ import annotations

import pytest

from hook.core.lz4 import decode_lz4
from tests.testbed.walg_repository import SAMPLES

LIMIT = 4096
MAGIC = b"\x04\x22\x4d\x18"
# Version 01, independent blocks; 64 KiB blocks; any header checksum.
HEADER = MAGIC + b"\x60\x40\x00"
END = b"\0\0\0\0"


def _block(data: bytes, flag: int = 0) -> bytes:
    return (len(data) | flag).to_bytes(4, "little") + data


def _frame(*blocks: bytes, header: bytes = HEADER) -> bytes:
    return header + b"".join(map(_block, blocks)) + END


def test_file_of_walg_is_decoded() -> None:
    """As recorded after a promotion."""
    data = (SAMPLES / "00000002.history.lz4").read_bytes()
    assert decode_lz4(data, LIMIT) == b"1\t0/E0000A0\tno recovery target specified\n"


@pytest.mark.parametrize(
    ("data", "content"),
    [
        (_frame(), b""),
        (_frame(b"\x30abc"), b"abc"),
        (_frame(b"\x30abc", b"\x10d"), b"abcd"),
        (HEADER + _block(b"stored", 0x80000000) + END, b"stored"),
        # A match of five from three bytes back, which overlaps itself, then one literal.
        (_frame(b"\x31abc\x03\x00\x10!"), b"abcabcab!"),
        # Counts that go on in further bytes: 15 + 255 + 1 literals, 4 + 15 + 2 matched.
        (
            _frame(b"\xff\xff\x01" + b"x" * 271 + b"\x01\x00\x02\x10y"),
            b"x" * (271 + 21) + b"y",
        ),
        # With a content size in the header, and a checksum behind each block.
        (MAGIC + b"\x68\x40" + bytes(8) + b"\x00" + _block(b"\x10a") + END, b"a"),
        (MAGIC + b"\x70\x40\x00" + _block(b"\x10a") + b"csum" + END, b"a"),
        # What follows the end is a checksum of the content, or nothing.
        (_frame(b"\x10a") + b"csum", b"a"),
    ],
)
def test_frame_is_decoded(data: bytes, content: bytes) -> None:
    """Literals, copies, stored blocks, and each field that may be there or not."""
    assert decode_lz4(data, LIMIT) == content


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "cut off"),
        (MAGIC, "cut off"),
        (b"-----BEGIN PGP MESSAGE", "not an LZ4 frame that can be read"),
        (MAGIC + b"\x20\x40\x00" + END, "not an LZ4 frame that can be read"),
        (MAGIC + b"\x61\x40\x00" + END, "not an LZ4 frame that can be read"),
        (HEADER, "cut off"),
        (HEADER + b"\x05\0\0\0ab", "cut off"),
        (_frame(b"\x30abc")[:-4], "cut off"),
        (_frame(b"\x50abc"), "cut off"),
        (_frame(b"\xff\xff"), "cut off"),
        (_frame(b"\x31abc\x03"), "cut off"),
        (_frame(b"\x31abc\x04\x00\x10!"), "a copy from before the beginning"),
        (_frame(b"\x31abc\x00\x00\x10!"), "a copy from before the beginning"),
        (_frame(b"\x1fa\x01\x00" + b"\xff" * 20 + b"\x00\x10!"), "longer than 4096 bytes"),
        (HEADER + _block(bytes(4097), 0x80000000) + END, "longer than 4096 bytes"),
    ],
)
def test_what_is_no_frame_is_refused(data: bytes, reason: str) -> None:
    """Nothing is decoded by half, and nothing fills the memory."""
    with pytest.raises(ValueError, match=reason):
        decode_lz4(data, LIMIT)
