"""What the tests of the process share: a release in front of a database."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.testbed.archiving import Archiving, running_archiving
from tests.testbed.binaries import Binaries
from tests.testbed.database import Database, Role, created_database
from tests.testbed.deployment import Deployment
from tests.testbed.process import RunningPresync
from tests.testbed.refusal import CANARY, Attempt


@pytest.fixture
def deployment(database: Database, tmp_path: Path) -> Deployment:
    """Return an empty release in front of an empty database."""
    folder = tmp_path / "deployment"
    (folder / "sql").mkdir(parents=True)
    return Deployment(database, folder)


@pytest.fixture(scope="module")
def archiving(binaries: Binaries) -> Iterator[Archiving]:
    """Return a server with a repository of its own."""
    with running_archiving(binaries) as running:
        yield running


@pytest.fixture
def shop(archiving: Archiving, tmp_path: Path) -> Iterator[Deployment]:
    """Return an empty release in front of a database whose WAL is archived."""
    archiving.archive()
    folder = tmp_path / "shop"
    (folder / "sql").mkdir(parents=True)
    with created_database(archiving.server) as database:
        yield Deployment(database, folder)


@pytest.fixture
def attempt(
    deployment: Deployment,
    make_role: Callable[..., Role],
    start_presync: Callable[..., RunningPresync],
) -> Attempt:
    """Return runs on a database at version 1, as a role whose password is the canary."""
    deployment.apply({"V1__t.sql": "CREATE TABLE t ()"})
    return Attempt(deployment, make_role(CANARY, "SUPERUSER"), start_presync)
