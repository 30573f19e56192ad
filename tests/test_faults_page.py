"""The page on faults says what the cells say, and there are enough of them."""

from __future__ import annotations

from tests.faults.cells import PLAYED
from tests.faults.page import PAGE, faults_page


def test_faults_page_is_written_from_the_cells() -> None:
    """A changed cell needs the page to be written again."""
    assert PAGE.read_text(encoding="utf-8") == faults_page()


def test_matrix_is_large() -> None:
    """Each kind of work meets most faults, on each version."""
    assert len(PLAYED) >= 300
