"""What the tests of the process share: a release in front of a database."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.testbed.database import Database, Role
from tests.testbed.deployment import Deployment
from tests.testbed.process import RunningPresync
from tests.testbed.refusal import CANARY, Attempt


@pytest.fixture
def deployment(database: Database, tmp_path: Path) -> Deployment:
    """Return an empty release in front of an empty database."""
    folder = tmp_path / "deployment"
    (folder / "sql").mkdir(parents=True)
    return Deployment(database, folder)


@pytest.fixture
def attempt(
    deployment: Deployment,
    make_role: Callable[..., Role],
    start_presync: Callable[..., RunningPresync],
) -> Attempt:
    """Return runs on a database at version 1, as a role whose password is the canary."""
    deployment.apply({"V1__t.sql": "CREATE TABLE t ()"})
    return Attempt(deployment, make_role(CANARY, "SUPERUSER"), start_presync)
