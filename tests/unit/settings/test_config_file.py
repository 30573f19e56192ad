"""The settings file."""

from __future__ import annotations

from pathlib import Path

import pytest

from hook.errors import ConfigError
from hook.settings.config_file import read_config_file


def written(tmp_path: Path, text: str) -> str:
    """Return the path of a file with *text*."""
    path = tmp_path / "presync.toml"
    path.write_text(text)
    return str(path)


def refusal_of(path: str) -> tuple[str, ...]:
    """Return why the file at *path* cannot be read, without its path."""
    with pytest.raises(ConfigError) as refused:
        read_config_file(path)
    return tuple(problem.replace(path, "FILE") for problem in refused.value.problems)


def problems_of(path: str) -> tuple[str, ...]:
    """Return what is wrong in the file at *path*, without its path."""
    return tuple(text.replace(path, "FILE") for text in read_config_file(path).problems)


def test_values_of_toml_become_texts(tmp_path: Path) -> None:
    """Every kind of value is read as its flag would be."""
    path = written(
        tmp_path,
        'deadline = "5m"\nout_of_order = true\nlocations = ["/a", "/b"]\nbaseline_version = 3\n'
        "[placeholders]\nlimit = 7\n",
    )
    file = read_config_file(path)
    assert file.values == {
        "deadline": "5m",
        "out_of_order": "true",
        "locations": "/a,/b",
        "baseline_version": "3",
    }
    assert file.placeholders == {"limit": "7"}


def test_setting_that_comes_later_is_said_to_be_one(tmp_path: Path) -> None:
    """As for its variable."""
    path = written(tmp_path, 'window_policy = "off"\nsafety_policy = "off"\n')
    assert problems_of(path) == (
        "FILE: window_policy is not supported in this version",
        "FILE: safety_policy is not supported in this version",
    )


def test_unknown_keys_are_all_named_with_what_was_meant(tmp_path: Path) -> None:
    """A misspelled key is not a comment."""
    path = written(tmp_path, 'dead_line = "5m"\nconfig = "x"\nxyzzy = 1\n')
    assert problems_of(path) == (
        "FILE: dead_line is not a setting; did you mean deadline?",
        "FILE: config is not a setting",
        "FILE: xyzzy is not a setting",
    )


def test_what_else_the_file_says_is_read_all_the_same(tmp_path: Path) -> None:
    """So that what is wrong with it is told together with a misspelled key."""
    file = read_config_file(written(tmp_path, 'xyzzy = 1\nlock_wait = "3x"\ndeadline = 1.5\n'))
    assert len(file.problems) == 2
    assert file.values["lock_wait"] == "3x"
    assert "deadline" not in file.values


def test_time_of_toml_is_taken_as_it_is_written(tmp_path: Path) -> None:
    """Nobody has to know that it may stand in quotes as well; what it lacks is told of it."""
    path = written(tmp_path, "override_until = 2026-12-01T18:00:00+01:00\n")
    assert read_config_file(path).values == {"override_until": "2026-12-01T18:00:00+01:00"}


def test_value_of_a_kind_that_no_setting_has_is_refused(tmp_path: Path) -> None:
    """A float or a table has no meaning; its key is named."""
    path = written(tmp_path, "deadline = 1.5\nplaceholders = 1\n")
    assert problems_of(path) == (
        "FILE: deadline is not a text, a whole number, true, false or a list",
        "FILE: placeholders is not a table",
    )


def test_file_that_is_not_toml_is_refused_with_the_place(tmp_path: Path) -> None:
    """The line is told, not its content."""
    path = written(tmp_path, 'deadline = "5m"\nurl = postgresql://u:s3cr3t@db\n')
    (problem,) = refusal_of(path)
    assert problem.startswith("FILE is not TOML")
    assert "line 2" in problem
    assert "s3cr3t" not in problem


def test_file_that_is_nested_too_deeply_is_refused(tmp_path: Path) -> None:
    """Whoever writes such a file is told so, and not of a bug."""
    (problem,) = refusal_of(written(tmp_path, f"locations = {'[' * 100_000}"))
    assert problem.startswith("FILE is not TOML")


def test_file_in_another_encoding_is_refused(tmp_path: Path) -> None:
    """TOML is UTF-8."""
    path = tmp_path / "presync.toml"
    path.write_bytes(b'override_reason = "\xe9"')
    assert refusal_of(str(path)) == ("FILE is not UTF-8",)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    """A file that was asked for must be there."""
    assert refusal_of(str(tmp_path / "x")) == ("FILE: no such file or directory",)
