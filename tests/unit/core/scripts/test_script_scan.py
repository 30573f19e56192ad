"""One pass over a script: its facts, or why it cannot be one."""

from __future__ import annotations

import hashlib

import pytest

from hook.core.scripts.script_scan import UnreadableScript, scan_script


def test_scan_returns_checksum_and_hash() -> None:
    """The checksum is of the text, the hash of the bytes."""
    facts = scan_script((b"SELECT", b" 1;\r\n"), "utf-8")
    assert facts.checksum == 78787420
    assert facts.content_hash == hashlib.sha256(b"SELECT 1;\r\n").hexdigest()
    assert not facts.is_blank


@pytest.mark.parametrize("text", ["", "\n", " \t\r\n", "\ufeff", "\ufeff\n \n"])
def test_scan_tells_a_blank_file(text: str) -> None:
    """White space and a byte order mark are no content."""
    assert scan_script((text.encode(),), "utf-8").is_blank
    assert not scan_script((text.encode(), b"-- x"), "utf-8").is_blank


@pytest.mark.parametrize(
    ("chunks", "problem"),
    [
        ((b"a\nb\n\xe9",), "line 3: byte 0xe9 is not utf-8"),
        ((b"a\r\nb\r\n", b"\xe9"), "line 3: byte 0xe9 is not utf-8"),
        ((b"a\rb\r\xe9",), "line 3: byte 0xe9 is not utf-8"),
        ((b"a\n\xc3",), "line 2: byte 0xc3 is not utf-8"),
        ((b"a\nb\0c",), "line 2 holds a NUL byte: not a text file"),
        ((b"\0SELECT 1;",), "line 1 holds a NUL byte: not a text file"),
        ((b"\x7fELF\0\0\xff",), "line 1 holds a NUL byte: not a text file"),
        (
            ("SELECT 1;".encode("utf-16"),),
            "starts with the byte order mark of utf-16 but is read as utf-8",
        ),
        (
            ("\ufeffSELECT 1;".encode("utf-16-be"),),
            "starts with the byte order mark of utf-16 but is read as utf-8",
        ),
        (("SELECT 1;".encode("utf-16-le"),), "line 1 holds a NUL byte: not a text file"),
    ],
)
def test_scan_names_the_line_of_what_is_not_text(chunks: tuple[bytes, ...], problem: str) -> None:
    """Binary files, other encodings and torn characters are told apart."""
    with pytest.raises(UnreadableScript) as raised:
        scan_script(chunks, "utf-8")
    assert str(raised.value) == problem
