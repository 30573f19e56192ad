"""Each source that the settings can name, as restore commands name it."""

from __future__ import annotations

import pytest

from hook.bootstrap.restoring import restore_source
from hook.core.restore_commands import RestoreSource
from hook.settings.backup_source import parse_backup_source


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pgbackrest:s3://backups/x", RestoreSource("pgbackrest", "app", "s3://backups/x")),
        ("pgbackrest:/backups", RestoreSource("pgbackrest", "app", "/backups")),
        ("walg:s3://backups", RestoreSource("walg", "app", "s3://backups")),
        ("barman:/var/lib/barman", RestoreSource("barman", "app", "/var/lib/barman")),
        ("barman:s3://backups/x", RestoreSource("barman-cloud", "app", "s3://backups/x")),
        ("rds:shop", RestoreSource("rds", "shop")),
        ("rds:cluster/shop", RestoreSource("rds-cluster", "shop")),
        ("command:tell all", RestoreSource("command", "app")),
    ],
)
def test_source_is_named_as_its_system_names_it(text: str, expected: RestoreSource) -> None:
    """A managed server by its identifier, all others by stanza or server name."""
    assert restore_source(parse_backup_source(text), " app ") == expected
