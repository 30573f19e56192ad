"""Which files of a location belong to a release."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hook.core.scripts.problem import Problem
from hook.engines.flyway.locations import search_locations, tolerate_missing
from hook.errors import ExitCode, Unsupported
from tests.testbed.release import write_files

HINT = "Name another folder."


def scripts(*locations: str, cwd: Path = Path("/")) -> list[str]:
    """Return the scripts found, sorted."""
    searches = search_locations(locations, str(cwd), HINT)
    assert not [problem for search in searches for problem in search.problems]
    return sorted(file.script for search in searches for file in search.files)


def problems(*locations: str) -> list[str]:
    """Return why locations could not be searched."""
    searches = search_locations(locations, "/", HINT)
    return [problem.text for search in searches for problem in search.problems]


def test_location_is_searched_recursively(tmp_path: Path) -> None:
    """The script's name is its path below the location, with slashes."""
    write_files(tmp_path, {"V1__a.sql": "", "sub/deep/V2__b.sql": "", ".V3__hidden.sql": ""})
    expected = [".V3__hidden.sql", "V1__a.sql", "sub/deep/V2__b.sql"]
    assert scripts(str(tmp_path)) == expected
    assert scripts(f"filesystem:{tmp_path}/") == expected
    assert scripts(f"FileSystem:{tmp_path}") == expected
    assert scripts("sub", cwd=tmp_path) == scripts("filesystem:./sub", cwd=tmp_path)


def test_config_map_mount_shows_each_file_once(tmp_path: Path) -> None:
    """Kubernetes mounts links into a folder whose name starts with dots."""
    write_files(tmp_path, {"..2024_01/V1__a.sql": "select 1;"})
    (tmp_path / "..data").symlink_to("..2024_01")
    (tmp_path / "V1__a.sql").symlink_to("..data/V1__a.sql")
    assert scripts(str(tmp_path)) == ["V1__a.sql"]


def test_linked_folder_is_followed_once_around(tmp_path: Path) -> None:
    """A circle of links ends, and is told."""
    write_files(tmp_path, {"real/V1__a.sql": "", "release/x.txt": ""})
    (tmp_path / "release/link").symlink_to(tmp_path / "real")
    assert scripts(str(tmp_path / "release")) == ["link/V1__a.sql", "x.txt"]
    (tmp_path / "real/back").symlink_to(tmp_path / "release")
    (problem,) = problems(str(tmp_path / "release"))
    assert problem.endswith("is a link that leads in a circle")


def test_location_inside_of_another_is_searched_once(tmp_path: Path) -> None:
    """Its scripts keep the name that the outer location gives them."""
    write_files(tmp_path, {"a/V1__a.sql": "", "a/b/V2__b.sql": "", "ab/V3__c.sql": ""})
    found = scripts(f"{tmp_path}/a/b", f"{tmp_path}/a", f"{tmp_path}/a", f"{tmp_path}/ab")
    assert found == ["V1__a.sql", "V3__c.sql", "b/V2__b.sql"]


def test_pattern_names_folders(tmp_path: Path) -> None:
    """Scripts are named below the folder that the last part of the pattern matches."""
    write_files(
        tmp_path,
        {
            "x/sql1/V1__a.sql": "",
            "y/z/sql2/sub/V2__b.sql": "",
            "y/other/V3__c.sql": "",
            "y/.hidden/sql3/V4__d.sql": "",
            "sql4/V5__e.sql": "",
        },
    )
    assert scripts(f"filesystem:{tmp_path}/**/sql?") == [
        "V1__a.sql", "V5__e.sql", "sub/V2__b.sql",
    ]  # fmt: skip
    assert scripts(f"{tmp_path}/*/sql*") == ["V1__a.sql"]
    assert problems(f"{tmp_path}/*/sql1*") == [f"location {tmp_path}/*/sql1* matches no folder"]
    assert scripts(f"{tmp_path}/x/**") == ["sql1/V1__a.sql"]
    assert problems(f"{tmp_path}/no*") == [f"location {tmp_path}/no* matches no folder"]
    assert f"location {tmp_path}/gone does not exist" in problems(f"{tmp_path}/gone/*")


def test_location_that_cannot_be_searched_is_a_problem(tmp_path: Path) -> None:
    """Absent and not a folder are told apart."""
    write_files(tmp_path, {"file": ""})
    assert problems(f"{tmp_path}/gone", f"{tmp_path}/file") == [
        f"location {tmp_path}/file is not a folder",
        f"location {tmp_path}/gone does not exist",
    ]


def test_location_that_is_a_link_to_nothing_has_a_next_step_of_its_own(tmp_path: Path) -> None:
    """The setting is right; what it leads to is missing."""
    (tmp_path / "sql").symlink_to("gone")
    (search,) = search_locations((f"{tmp_path}/sql",), "/", HINT)
    (problem,) = search.problems
    assert problem.text == f"location {tmp_path}/sql is a link to nothing"
    assert "what the link points to" in problem.hint
    assert HINT not in problem.hint


def test_things_that_are_no_files_are_noted(tmp_path: Path) -> None:
    """A folder, a pipe, a link to nothing: none of them may hang or hide."""
    write_files(tmp_path, {"V1__a.sql/x.txt": ""})
    os.mkfifo(tmp_path / "V2__b.sql")
    (tmp_path / "V3__c.sql").symlink_to("gone")
    (tmp_path / "V4__d.sql").symlink_to("V4__d.sql")
    (search,) = search_locations((str(tmp_path),), "/", HINT)
    hints = {file.script: reason.hint for file, reason in search.odd}
    assert "what the link points to" in hints["V3__c.sql"]
    assert hints["V4__d.sql"] == "Remove the link."
    assert sorted((file.script, reason.text.partition(":")[0]) for file, reason in search.odd) == [
        ("V1__a.sql", "is a folder"),
        ("V2__b.sql", "is not a regular file"),
        ("V3__c.sql", "is a link to nothing"),
        ("V4__d.sql", "is a link that leads in a circle"),
    ]


@pytest.mark.parametrize("name", ["classpath:db/migration", "s3:bucket/x", "gcs:x", "s3://b/p"])
def test_location_outside_of_the_file_system_is_refused(name: str) -> None:
    """By name, together with all others."""
    with pytest.raises(Unsupported) as raised:
        search_locations((name, "/x", "gcs:other"), "/", HINT)
    assert raised.value.exit_code is ExitCode.UNSUPPORTED
    assert raised.value.message == f"not in the file system: {name}, gcs:other"


def test_default_location_is_the_first_that_exists(tmp_path: Path) -> None:
    """Besides the two absolute ones, migrations in the working directory."""
    write_files(tmp_path, {"migrations/V1__a.sql": ""})
    (search,) = search_locations((), str(tmp_path), HINT)
    assert search.location in {"/migrations", "/flyway/sql", f"{tmp_path}/migrations"}
    (search,) = search_locations((), f"{tmp_path}/nowhere", HINT)
    told = (
        "no location is set, and none of /migrations, /flyway/sql,"
        f" {tmp_path}/nowhere/migrations and {tmp_path}/nowhere/sql exists"
    )
    assert search.problems in ([], [Problem(told, HINT)])


def test_parent_of_a_linked_folder_is_the_parent_of_its_target(tmp_path: Path) -> None:
    """The system says what a path means, as with Flyway; it is not for us to shorten it."""
    write_files(tmp_path, {"releases/sql/V1__a.sql": "", "releases/5/V2__b.sql": ""})
    (tmp_path / "current").symlink_to("releases/5")
    assert scripts("./current//../sql/", cwd=tmp_path) == ["V1__a.sql"]
    assert scripts("current/../sql", "releases", cwd=tmp_path) == ["5/V2__b.sql", "sql/V1__a.sql"]


def test_missing_location_can_be_a_note_beside_another_one(tmp_path: Path) -> None:
    """All of them missing is the wrong image or mount, whatever is tolerated."""
    there, gone = f"{tmp_path}/sql", f"{tmp_path}/gone"
    write_files(tmp_path, {"sql/V1__a.sql": ""})
    searches = search_locations((there, gone, f"{tmp_path}/*/none"), "/", HINT)
    tolerate_missing(searches)
    assert [search.problems for search in searches] == [[], [], []]
    assert sorted(note for search in searches for note in search.notes) == [
        f"location {tmp_path}/*/none matches no folder",
        f"location {gone} does not exist",
    ]
    (alone,) = search_locations((gone,), "/", HINT)
    tolerate_missing((alone,))
    assert (alone.problems, alone.notes) == ([Problem(f"location {gone} does not exist", HINT)], [])
