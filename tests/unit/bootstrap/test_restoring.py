"""Each source that the settings can name, as restore commands name it."""

from __future__ import annotations

import pytest

from hook.bootstrap.restoring import restore_source
from hook.core.backups.restore_commands import RestoreSource
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


def test_endpoint_belongs_to_a_bucket_only() -> None:
    """A tool that does not know it would look for the bucket at AWS."""
    endpoint = "https://s3.example.com"
    bucket = restore_source(parse_backup_source("barman:s3://backups"), "shop", endpoint)
    assert bucket == RestoreSource("barman-cloud", "shop", "s3://backups", endpoint)
    path = restore_source(parse_backup_source("barman:/backups"), "shop", endpoint)
    assert path == RestoreSource("barman", "shop", "/backups")
