"""Texts of the schema history, cut to what its columns hold."""

from __future__ import annotations

import pytest

from hook.core.schema_history.history import abbreviate_description, abbreviate_script

PAIR = "😀"
"""A character that Java counts as two."""


@pytest.mark.parametrize(
    ("description", "stored"),
    [
        ("x" * 200, "x" * 200),
        ("x" * 201, "x" * 197 + "..."),
        ("é" * 200, "é" * 200),
        (PAIR * 100, PAIR * 100),
        ("x" * 185 + PAIR * 10, "x" * 185 + PAIR * 6 + "..."),
        ("x" * 196 + PAIR * 3, "x" * 196 + "?..."),
    ],
)
def test_description_is_cut_where_flyway_cuts_it(description: str, stored: str) -> None:
    """Flyway counts UTF-16 code units; of a character cut in two it stores a question mark."""
    assert abbreviate_description(description) == stored


@pytest.mark.parametrize(
    ("script", "stored"),
    [
        ("x" * 1000, "x" * 1000),
        ("a" * 5 + "b" * 1000, "..." + "b" * 997),
        (PAIR * 500, PAIR * 500),
        ("a" + PAIR * 500, "...?" + PAIR * 498),
    ],
)
def test_script_loses_its_beginning(script: str, stored: str) -> None:
    """The end of a path tells more."""
    assert abbreviate_script(script) == stored
