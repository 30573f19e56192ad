"""The page on compatibility says what the scenarios say."""

from __future__ import annotations

from tests.interop.compatibility import PAGE, compatibility_page
from tests.interop.flyway_jars import VERSIONS, major_of
from tests.interop.scenario import load_scenarios

LEAST_SCENARIOS = 60


def test_compatibility_page_is_written_from_the_scenarios() -> None:
    """A changed scenario needs the page to be written again."""
    assert PAGE.read_text(encoding="utf-8") == compatibility_page()


def test_scenarios_are_as_many_as_promised() -> None:
    """Of each of two major versions of Flyway."""
    majors = {major_of(version) for version in VERSIONS}
    assert len(majors) == 2
    assert all(len(load_scenarios(major)) >= LEAST_SCENARIOS for major in majors)
