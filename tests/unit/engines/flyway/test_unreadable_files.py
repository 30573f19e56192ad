"""Files that are there and cannot be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.testbed.release import engine_on, refusal_of, write_files


@pytest.mark.parametrize("file", ["V1__a.sql", "V1__a.sql.conf", "afterMigrate.sql.conf"])
def test_file_that_cannot_be_read_is_named(tmp_path: Path, file: str) -> None:
    """A script and its configuration have rights of their own; this file fails for root too."""
    write_files(tmp_path, {"V1__a.sql": "select 1;", "afterMigrate.sql": "select 2;"})
    (tmp_path / file).unlink(missing_ok=True)
    (tmp_path / file).symlink_to("/proc/self/mem")
    assert refusal_of(engine_on(tmp_path)).message == f"{file} cannot be read: input/output error"
