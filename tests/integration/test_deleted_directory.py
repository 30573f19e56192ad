"""A process whose current directory was deleted, by a checkout for example."""

from __future__ import annotations

from pathlib import Path

import pytest

from hook import bootstrap
from hook.errors import ConfigError, ExitCode
from tests.testbed.gate import Gate


def test_current_directory_that_is_gone_is_told(
    gate: Gate, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no bug of presync; whoever names another one does not need it."""
    gate.release({"V1__t.sql": "CREATE TABLE t ()"})
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ConfigError, match="the current directory is not there any more") as caught:
        bootstrap.plan(gate.settings, gate.context())
    assert "FLYWAY_WORKING_DIRECTORY" in caught.value.hint
    sources = gate.settings.migrations.sources._replace(working_directory=str(tmp_path))
    migrations = gate.settings.migrations._replace(sources=sources)
    gate.settings = gate.settings._replace(migrations=migrations)
    assert bootstrap.plan(gate.settings, gate.context()).exit_code is ExitCode.OK
