"""Text made safe to print."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hook.core.text import clip, clip_bytes, listed, one_line


def test_one_line_shows_newlines_and_terminal_escapes() -> None:
    """A hostile message can neither break the line nor colour the terminal."""
    assert one_line("a\nb\r\x1b[31mc\u2028d\te") == "a\\nb\\r\\u001b[31mc\\u2028d e"


def test_one_line_keeps_other_languages() -> None:
    """Letters of any script stay readable."""
    assert one_line("列 “имя” 🙂") == "列 “имя” 🙂"


def test_many_names_are_told_by_their_ends() -> None:
    """A release of thousands of scripts is one line of a log all the same."""
    assert listed(["a", "b", "c", "d"]) == "a, b, c, d"
    assert listed(["a", "b", "c", "d", "e"]) == "a … e"


def test_clip_shows_the_cut() -> None:
    """A cut text ends in an ellipsis and fills the room."""
    assert clip("abcdef", 4) == "abc…"
    assert clip("abcd", 4) == "abcd"


def test_clip_bytes_never_halves_a_character() -> None:
    """The cut falls before a character whose bytes do not all fit."""
    assert clip_bytes("a" * 5 + "🙂" * 3, 10) == b"aaaaa" + "…".encode()


@given(st.text(), st.integers(min_value=3, max_value=50))
def test_clip_bytes_is_valid_and_bounded(text: str, size: int) -> None:
    """Any text gives UTF-8 of at most the size asked for."""
    data = clip_bytes(text, size)
    assert len(data) <= size
    data.decode()
