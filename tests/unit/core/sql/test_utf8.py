"""Characters counted in UTF-8."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hook.core.sql.utf8 import offset_behind


@given(st.text(), st.integers(min_value=0, max_value=20))
def test_offset_is_that_of_the_encoded_characters(text: str, count: int) -> None:
    """As if the text were decoded, cut and encoded again."""
    assert offset_behind(text.encode(), count) == len(text[:count].encode())


def test_offset_in_a_long_text_counts_characters_across_blocks() -> None:
    """A block of the walk may begin and end within a character."""
    text = "a" + "\u20ac" * 100_000
    for count in (0, 1, 21_845, 21_846, 21_847, 99_999, 100_001):
        assert offset_behind(text.encode(), count) == len(text[:count].encode())
