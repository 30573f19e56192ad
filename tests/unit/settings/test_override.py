"""Which gates are set aside, why, and until when."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hook.core.reporting.override import Override
from tests.unit.settings.test_load import load, problems_of


def test_override_needs_a_reason() -> None:
    """A gate is set aside by somebody, for something."""
    environment = {"PRESYNC_OVERRIDE": "backup, Blockers,backup"}
    assert problems_of(environment) == (
        "PRESYNC_OVERRIDE is set and PRESYNC_OVERRIDE_REASON is not",
    )
    settings = load(environment | {"PRESYNC_OVERRIDE_REASON": "restore rehearsed today"})
    reason = "restore rehearsed today"
    assert settings.overrides == (Override("backup", reason), Override("blockers", reason))


@pytest.mark.parametrize(
    ("text", "until"),
    [
        ("2026-12-01T18:00:00Z", datetime(2026, 12, 1, 18, tzinfo=UTC)),
        (" 2026-12-01t18:00:00.25+01:00 ", datetime(2026, 12, 1, 17, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-12-01 18:00:00-00:30", datetime(2026, 12, 1, 18, 30, tzinfo=UTC)),
    ],
)
def test_override_ends_at_a_moment(text: str, until: datetime) -> None:
    """As RFC 3339 writes it, whatever the offset."""
    given = {"PRESYNC_OVERRIDE": "backup", "PRESYNC_OVERRIDE_REASON": "r"}
    settings = load(given | {"PRESYNC_OVERRIDE_UNTIL": text})
    assert settings.overrides == (Override("backup", "r", until),)
    assert load(given, {"override_until": text}).overrides == settings.overrides


@pytest.mark.parametrize(
    "text",
    [
        "2026-12-01T18:00:00", "2026-12-01", "2026-12-01T18:00Z", "20261201T180000Z", "tomorrow",
        "24h", "1796151600", "2026-13-01T18:00:00Z", "2026-12-01T18:00:00+25:00",
        "0001-01-01T00:00:00+01:00", "2026-12-01T18:00:00 Europe/Berlin",
    ],
)  # fmt: skip
def test_end_of_an_override_that_is_no_moment_is_refused(text: str) -> None:
    """Without an offset from UTC it would be another one on each host."""
    (problem,) = problems_of({"PRESYNC_OVERRIDE_UNTIL": text})
    assert problem == (
        f"PRESYNC_OVERRIDE_UNTIL: '{text}' is no time with an offset, such as"
        " 2026-12-01T18:00:00+01:00 or 2026-12-01T17:00:00Z"
    )


def test_reason_without_an_override_is_noted() -> None:
    """Who writes one believes that a gate is set aside."""
    until = {"PRESYNC_OVERRIDE_UNTIL": "2026-12-01T18:00:00Z"}
    reason = {"PRESYNC_OVERRIDE_REASON": "r"}
    notes = load(until, {"override_reason": "r"}).provenance.notes
    assert notes == (
        "--override-reason is ignored: PRESYNC_OVERRIDE is not set",
        "PRESYNC_OVERRIDE_UNTIL is ignored: PRESYNC_OVERRIDE is not set",
    )
    assert not load({"PRESYNC_OVERRIDE": "backup"} | reason | until).provenance.notes


def test_override_of_an_unknown_gate_lists_the_gates() -> None:
    """A misspelled gate is not silently kept."""
    problems = problems_of({"PRESYNC_OVERRIDE": "backups", "PRESYNC_OVERRIDE_REASON": "r"})
    assert problems == (
        "PRESYNC_OVERRIDE: 'backups' is no gate; the gates are backup, archive, blockers, marker",
    )
