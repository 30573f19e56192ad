"""What the tests of the process share: a release in front of a database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.testbed.database import Database
from tests.testbed.deployment import Deployment


@pytest.fixture
def deployment(database: Database, tmp_path: Path) -> Deployment:
    """Return an empty release in front of an empty database."""
    folder = tmp_path / "deployment"
    (folder / "sql").mkdir(parents=True)
    return Deployment(database, folder)
