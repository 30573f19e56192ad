"""The way back with Zalando's operator, which restores into a new cluster, by time."""

from __future__ import annotations

import re

import pytest

from hook.core.backups.restore_commands import RestoreSource, restore_commands
from tests.unit.core.backups.test_restore_commands import POINT

UID = "8f6f2c58-9d2e-4a52-9df5-6a0d1f0c7e11"
PLACE = f"s3://backups/spilo/shop-db/{UID}/wal/16"
# From the operator's CustomResourceDefinition.
TIMESTAMP = (
    r"[0-9]+-(0[1-9]|1[012])-(0[1-9]|[12][0-9]|3[01])[Tt]([01][0-9]|2[0-3]):([0-5][0-9])"
    r":([0-5][0-9]|60)(\.[0-9]+)?(([+-]([01][0-9]|2[0-3]):[0-5][0-9]))"
)


@pytest.mark.parametrize("place", [PLACE, f"{PLACE}/"])
def test_manifest_names_the_cluster_in_the_path_and_the_markers_time(place: str) -> None:
    """WAL-G's own commands stay in front of it."""
    *tool, operator = restore_commands(RestoreSource("walg", "", place), POINT)
    assert [way.command.startswith("wal-g backup-fetch ") for way in tool] == [True, True]
    time = "2026-11-21T19:31:34.271812+00:00"
    assert re.fullmatch(TIMESTAMP, time)
    told = f'clone: {{cluster: "shop-db", uid: "{UID}", timestamp: "{time}"}}'
    assert operator.command == told


@pytest.mark.parametrize(
    "place",
    ["s3://backups/shop", "s3://backups/spilo/shop-db/wal/16", PLACE.removeprefix("s3://backups")],
)
def test_other_prefix_has_wal_gs_own_commands_alone(place: str) -> None:
    """Without the uid the operator does not find it, nor in a directory."""
    assert len(restore_commands(RestoreSource("walg", "", place), POINT)) == 2
