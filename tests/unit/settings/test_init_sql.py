"""What is run on each connection, with or without its placeholders."""

from __future__ import annotations

from hook.settings.load import Need, load_settings
from hook.settings.sources import Inputs


def test_init_sql_has_its_placeholders_replaced_unless_they_are_off() -> None:
    """They are off for everything or for nothing."""
    environment = {"FLYWAY_INIT_SQL": "SET ROLE ${role}", "FLYWAY_PLACEHOLDERS_ROLE": "app"}
    assert _init_sql(environment) == "SET ROLE app"
    environment["FLYWAY_PLACEHOLDER_REPLACEMENT"] = "false"
    assert _init_sql(environment) == "SET ROLE ${role}"


def _init_sql(environment: dict[str, str]) -> str:
    inputs = Inputs(environment={"PRESYNC_URL": "postgresql://db/shop", **environment})
    return load_settings(inputs, Need.DATABASE).migrations.execution.init_sql
