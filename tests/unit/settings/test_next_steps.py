"""What is to be done about each of several wrong settings."""

from __future__ import annotations

import pytest

from hook.errors import ConfigError
from hook.settings.load import Need, load_settings
from hook.settings.sources import Inputs


def test_each_problem_has_a_next_step_of_its_own() -> None:
    """Also one of which there is no more to say."""
    environment = {
        "PRESYNC_TYPO": "1",
        "PRESYNC_DEADLINE": "soon",
        "PRESYNC_OVERRIDE": "backup",
        "FLYWAY_PLACEHOLDERS_flyway:x": "1",
    }
    with pytest.raises(ConfigError) as refused:
        load_settings(Inputs({}, environment), Need.NO_DATABASE)
    steps = dict(zip(refused.value.problems, refused.value.hints, strict=True))
    assert steps == {
        "PRESYNC_TYPO is not a setting": "Correct the name of PRESYNC_TYPO, or remove it.",
        "PRESYNC_DEADLINE: 'soon' is not a duration such as 100ms, 30s, 25m, 24h or 7d": (
            "Correct the value of PRESYNC_DEADLINE, or leave it out."
        ),
        "FLYWAY_PLACEHOLDERS_flyway:x is no name for a placeholder": "Correct it, or leave it out.",
        "PRESYNC_OVERRIDE is set and PRESYNC_OVERRIDE_REASON is not": (
            "Set PRESYNC_OVERRIDE_REASON to why the gate may be set aside this once."
        ),
    }
