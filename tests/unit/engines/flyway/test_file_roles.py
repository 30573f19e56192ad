"""Which of the things in a folder are files of a release."""

from __future__ import annotations

from pathlib import Path

from tests.testbed.release import engine_on, write_files


def test_what_would_be_no_migration_as_a_file_either_is_passed_over(tmp_path: Path) -> None:
    """An editor's lock is a link to nothing: ``.#V1__a.sql``."""
    write_files(tmp_path, {"V1__a.sql": "SELECT 1;", "old.sql/V2__b.sql": "SELECT 2;"})
    (tmp_path / ".#V1__a.sql").symlink_to("anna@laptop.1234:1764550000")
    resolved = engine_on(tmp_path).resolve(None)
    scripts = [each.script for each in resolved.migrations]
    assert scripts == ["V1__a.sql", "old.sql/V2__b.sql"]


def test_misnamed_link_to_nothing_is_told_as_a_file_is(tmp_path: Path) -> None:
    """It may be a migration that did not come along, under a name with a mistake in it."""
    write_files(tmp_path, {"V1__a.sql": "SELECT 1;", "V3_c.sql": "SELECT 3;"})
    (tmp_path / "V2_b.sql").symlink_to("gone.sql")
    told = engine_on(tmp_path).resolve(None).ignored
    assert [text.partition(":")[0] for text in told] == ["V2_b.sql", "V3_c.sql"]
