"""What libpq is about to read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hook.errors import ConfigError
from hook.postgres.driver_files import touch_driver_files


def test_pipe_is_refused_by_the_place_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Libpq would wait for a writer, and nothing would end that."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(ConfigError, match=rf"^sslrootcert: {pipe} is a pipe, not a file$"):
        touch_driver_files({"sslrootcert": str(pipe)})
    monkeypatch.setenv("PGSERVICEFILE", str(pipe))
    with pytest.raises(ConfigError, match=r"^PGSERVICEFILE: ") as caught:
        touch_driver_files({"service": "x"})
    assert caught.value.hint == "Let PGSERVICEFILE name the file itself."


def test_what_is_not_there_is_left_to_libpq(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A parameter covers the variable; words such as `system` are no paths."""
    (tmp_path / "root.crt").touch()
    monkeypatch.setenv("PGSSLROOTCERT", str(tmp_path / "root.crt"))
    monkeypatch.setenv("PGPASSFILE", "/dev/null")
    touch_driver_files({})
    touch_driver_files({"sslrootcert": "system", "sslkey": str(tmp_path / "absent")})
