"""Files that somebody has mounted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hook.errors import ConfigError
from hook.settings.load import Need, load_settings
from hook.settings.sources import Inputs


@pytest.mark.parametrize("name", ["PRESYNC_PASSWORD_FILE", "PRESYNC_BACKUP_CIPHER_PASS_FILE"])
def test_pipe_is_no_file_with_a_secret(tmp_path: Path, name: str) -> None:
    """Nobody may ever write to it."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ConfigError) as caught:
        load_settings(Inputs(environment={name: str(pipe)}), Need.NO_DATABASE)
    assert caught.value.problems == (f"{name}: {pipe}: not a regular file",)
    assert caught.value.hint == "Mount the file, or correct its path."


def test_pipe_is_no_settings_file(tmp_path: Path) -> None:
    """The same."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ConfigError, match=f"{pipe}: not a regular file"):
        load_settings(Inputs(environment={"PRESYNC_CONFIG": str(pipe)}), Need.NO_DATABASE)
