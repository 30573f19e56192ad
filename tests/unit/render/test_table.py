"""How wide a text is on a terminal."""

from __future__ import annotations

import unicodedata

import pytest

from hook.render.table import display_width, render_table


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("", 0),
        ("create a", 8),
        ("größe", 5),
        (unicodedata.normalize("NFD", "größe"), 5),
        ("创建 b", 6),
        ("\uff46\uff55\uff4c\uff4c", 8),
        ("😀", 2),
        ("a\u200db", 2),
    ],
)
def test_width_is_that_of_a_terminal(text: str, columns: int) -> None:
    """Not the number of characters: wide ones take two columns, some take none."""
    assert display_width(text) == columns


def test_table_is_straight_whatever_it_holds() -> None:
    """One name is as macOS spells it."""
    names = [unicodedata.normalize("NFD", "überall"), "überall", "到处", "everywhere"]
    lines = render_table(("Name", "No"), [(name, "1") for name in names], "").splitlines()
    assert len({display_width(line) for line in lines}) == 1
    assert {len(unicodedata.normalize("NFC", line)) for line in lines[3:5]} == {len(lines[0])}
