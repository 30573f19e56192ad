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


@pytest.mark.parametrize("content", ["", "\n"])
@pytest.mark.parametrize("name", ["PRESYNC_PASSWORD_FILE", "PRESYNC_BACKUP_CIPHER_PASS_FILE"])
def test_file_without_a_secret_is_refused(tmp_path: Path, name: str, content: str) -> None:
    """The server would be told of none, and presync that none is set."""
    file = tmp_path / "secret"
    file.write_text(content)
    with pytest.raises(ConfigError) as caught:
        load_settings(Inputs(environment={name: str(file)}), Need.NO_DATABASE)
    assert caught.value.problems == (f"{name}: {file} is empty",)


def test_all_that_is_wrong_with_a_settings_file_is_told(tmp_path: Path) -> None:
    """A key that is no setting hides neither the values beside it nor their problems."""
    file = tmp_path / "presync.toml"
    file.write_text('xyzzy = 1\nlock_wait = "3x"\nurl = "postgresql://db/shop"\n')
    with pytest.raises(ConfigError) as caught:
        load_settings(Inputs(environment={"PRESYNC_CONFIG": str(file)}), Need.DATABASE)
    unknown, wrong = caught.value.problems
    assert unknown == f"{file}: xyzzy is not a setting"
    assert wrong.startswith(f"{file}: lock_wait: '3x'")
