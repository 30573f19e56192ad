"""Targets and ignore patterns, from text to effect."""

from __future__ import annotations

import pytest

from hook.core.schema_history.history_rules import (
    HistoryRules,
    Target,
    TargetKind,
    parse_ignore_pattern,
    parse_target,
)
from hook.core.scripts.version import Version


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("latest", Target()),
        ("CURRENT", Target(TargetKind.CURRENT)),
        ("next", Target(TargetKind.NEXT)),
        ("next?", Target(TargetKind.NEXT)),
        ("Latest?", Target()),
        ("1_1", Target(TargetKind.VERSION, Version.parse("1.1"))),
        ("9?", Target(TargetKind.VERSION, Version.parse("9"), must_exist=False)),
    ],
)
def test_target_is_a_word_or_a_version(text: str, expected: Target) -> None:
    """A question mark allows that the version is not there."""
    assert parse_target(text) == expected


@pytest.mark.parametrize("text", ["", "newest", "1..2", "?", "latest??"])
def test_target_refuses_other_words(text: str) -> None:
    """A typing error must not mean "everything"."""
    with pytest.raises(ValueError, match="is not latest, current, next or a version"):
        parse_target(text)


@pytest.mark.parametrize("text", ["missing", "foo:missing", "*:failed", "*", "", ":", "a:b:c"])
def test_pattern_refuses_unknown_words(text: str) -> None:
    """A pattern that never matches would hide that it is wrong."""
    with pytest.raises(ValueError, match="must be one of"):
        parse_ignore_pattern(text)


@pytest.mark.parametrize(
    ("pattern", "state", "kind", "expected"),
    [
        ("*:missing", "Missing", "versioned", True),
        ("*:missing", "Failed (Missing)", "versioned", False),
        ("repeatable:missing", "Missing", "versioned", False),
        ("Repeatable:Missing", "Missing", "repeatable", True),
        ("versioned:*", "Ignored", "versioned", True),
        ("*:*", "Failed (Missing)", "repeatable", True),
        ("*:future", "Missing", "versioned", False),
    ],
)
def test_pattern_matches_kind_and_displayed_state(
    pattern: str, state: str, kind: str, *, expected: bool
) -> None:
    """Case does not matter, a star stands for anything."""
    rules = HistoryRules(ignore_patterns=(parse_ignore_pattern(pattern),))
    assert rules.ignores(state, is_versioned=kind == "versioned") is expected


def test_rules_ignore_the_future_by_default() -> None:
    """As Flyway: a database ahead of the release is no error."""
    rules = HistoryRules()
    assert rules.ignores("Future", is_versioned=True)
    assert not rules.ignores("Missing", is_versioned=True)
