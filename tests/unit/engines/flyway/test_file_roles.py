"""Which of the things in a folder are files of a release."""

from __future__ import annotations

from pathlib import Path

from tests.testbed.release import engine_on, write_files


def test_what_would_be_no_migration_as_a_file_either_is_passed_over(tmp_path: Path) -> None:
    """An editor's lock is a link to nothing: ``.#V1__a.sql``."""
    write_files(tmp_path, {"V1__a.sql": "SELECT 1;", "old.sql/V2__b.sql": "SELECT 2;"})
    (tmp_path / ".#V1__a.sql").symlink_to("anna@laptop.1234:1764550000")
    scripts = [each.script for each in engine_on(tmp_path).resolve(None).migrations]
    assert scripts == ["V1__a.sql", "old.sql/V2__b.sql"]
