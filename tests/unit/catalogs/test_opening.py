"""Opening a catalog chooses the store, costs nothing and contacts nobody."""

from __future__ import annotations

import subprocess
import sys

import pytest

from hook.catalogs.opening import Access, open_catalogs
from hook.errors import ConfigError
from hook.settings.backup_source import S3Settings, parse_backup_source
from tests.testbed.process import ROOT


@pytest.mark.parametrize("place", ["s3://shop/pg", "/repository"])
def test_open_catalog_describes_what_the_settings_name(place: str) -> None:
    """System, stanza and place are in the name that messages use."""
    source = parse_backup_source(f"pgbackrest:{place}")
    catalogs = open_catalogs(source, Access(S3Settings(), "app"))
    assert catalogs.backups.describe() == f"pgBackRest stanza app in {place}"
    assert catalogs.wal is catalogs.backups


def test_open_catalog_has_none_for_the_deliberate_absence() -> None:
    """Who asks for the catalog of ``none`` has forgotten to ask first."""
    with pytest.raises(ConfigError, match="none has no catalog"):
        open_catalogs(parse_backup_source("none"), Access(S3Settings(), "app"))


def test_open_catalog_does_not_load_boto3() -> None:
    """A run with nothing pending opens the catalog and must not pay for botocore."""
    program = (
        "import sys\n"
        "from hook.catalogs.opening import Access, open_catalogs\n"
        "from hook.settings.backup_source import S3Settings, parse_backup_source\n"
        "import hook.stages.backup\n"
        "source = parse_backup_source('pgbackrest:s3://b/p')\n"
        "open_catalogs(source, Access(S3Settings(), 'app')).backups.describe()\n"
        "print(sorted({'boto3', 'botocore', 'urllib3', 'email'} & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout == "[]\n"
