"""Problems that several settings of the migrations have together."""

from __future__ import annotations

import pytest

from hook.errors import ConfigError
from hook.settings.load import Need, load_settings
from hook.settings.sources import Inputs

VERSIONED = "FLYWAY_SQL_MIGRATION_PREFIX"
REPEATABLE = "FLYWAY_REPEATABLE_SQL_MIGRATION_PREFIX"
BASELINE = "FLYWAY_BASELINE_MIGRATION_PREFIX"


@pytest.mark.parametrize(
    ("environment", "told"),
    [
        ({REPEATABLE: "V"}, f"{VERSIONED} and {REPEATABLE} are both 'V'"),
        ({BASELINE: "R"}, f"{REPEATABLE} and {BASELINE} are both 'R'"),
        ({VERSIONED: "X", BASELINE: "X"}, f"{VERSIONED} and {BASELINE} are both 'X'"),
        ({VERSIONED: "afterMigrate"}, f"{VERSIONED} is the name of an event: 'afterMigrate'"),
    ],
)
def test_two_kinds_of_scripts_with_one_prefix_are_refused(
    environment: dict[str, str], told: str
) -> None:
    """Flyway says of each script that it is there twice, or takes one for another."""
    with pytest.raises(ConfigError) as refused:
        load_settings(Inputs({}, environment), Need.NO_DATABASE)
    assert refused.value.problems == (told,)


def test_empty_prefixes_are_no_kind_that_two_have() -> None:
    """As in Flyway, which passes over scripts whose kind has none."""
    load_settings(Inputs({}, {REPEATABLE: "", BASELINE: ""}), Need.NO_DATABASE)


@pytest.mark.parametrize(
    "environment",
    [
        {"PRESYNC_LEDGER": "flyway_schema_history"},
        {"FLYWAY_TABLE": "presync_run"},
        {"FLYWAY_TABLE": "runs", "PRESYNC_LEDGER": "runs"},
    ],
)
def test_ledger_is_not_the_schema_history(environment: dict[str, str]) -> None:
    """They are in one schema, and only one of them can be written."""
    with pytest.raises(ConfigError, match=r"^PRESYNC_LEDGER and FLYWAY_TABLE are both '[a-z_]+'$"):
        load_settings(Inputs({}, environment), Need.NO_DATABASE)
