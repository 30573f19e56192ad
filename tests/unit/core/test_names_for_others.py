"""The two functions that other programs import by name, wherever the code itself lies."""

from __future__ import annotations

from hook.core.checksum import checksum
from hook.core.statements import split_statements


def test_script_is_cut_by_name() -> None:
    """With text, line and kind of each statement."""
    cut = split_statements("SELECT ';';\n\\set x 1\nSELECT $$;$$")
    assert [(item.text, item.line, str(item.kind)) for item in cut] == [
        ("SELECT ';'", 1, "sql"),
        ("\\set x 1", 2, "meta"),
        ("SELECT $$;$$", 3, "sql"),
    ]


def test_checksum_is_taken_by_name() -> None:
    """Signed, and the same for all line endings."""
    assert checksum(b"CREATE TABLE t (id int);\n") == checksum(b"CREATE TABLE t (id int);\r\n")
    assert checksum(b"CREATE TABLE t (id bigint)") == -1359961793
