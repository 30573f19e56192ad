"""The page on compatibility says what the scenarios say."""

from __future__ import annotations

from tests.interop.compatibility import PAGE, compatibility_page


def test_compatibility_page_is_written_from_the_scenarios() -> None:
    """A changed scenario needs the page to be written again."""
    assert PAGE.read_text(encoding="utf-8") == compatibility_page()
