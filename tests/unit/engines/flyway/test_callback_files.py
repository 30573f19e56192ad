"""Callbacks among the files of a release."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from hook.core.outcome import Finding
from hook.core.scripts.migration_set import MigrationSet
from hook.engines.flyway.engine import FlywayEngine
from hook.errors import ExitCode
from hook.settings.migrations import MigrationSettings, Sources
from tests.fakes import NOON
from tests.testbed.release import SERVER, engine_on, refusal_of, with_sources, write_files

V1: dict[str, str | bytes] = {"V1__a.sql": "SELECT 1"}


def resolved(folder: Path, settings: MigrationSettings | None = None) -> MigrationSet:
    """Return the release in *folder*."""
    return engine_on(folder, settings=settings).resolve(None)


def refusal(folder: Path, settings: MigrationSettings | None = None) -> Finding:
    """Return what the release in *folder* is refused with."""
    return refusal_of(engine_on(folder, settings=settings))


def test_callbacks_are_found_wherever_they_are(tmp_path: Path) -> None:
    """In any folder, with the event, the description and the .conf of their names."""
    files: dict[str, str | bytes] = {
        "x/beforeMigrate__some_thing.sql": b"SELECT '\xe9'",
        "x/beforeMigrate__some_thing.sql.conf": "encoding=ISO-8859-1\nexecuteInTransaction=false",
        "afterMigrate.sql": "SELECT 1",
    }
    write_files(tmp_path, V1 | files)
    after, before = resolved(tmp_path).callbacks
    assert (after.event, after.description, after.encoding) == ("afterMigrate", "", "utf-8")
    assert (before.event, before.description) == ("beforeMigrate", "some thing")
    assert before.script == "x/beforeMigrate__some_thing.sql"
    assert (before.encoding, before.in_transaction) == ("iso8859-1", False)


def test_bad_callbacks_are_problems_like_bad_scripts(tmp_path: Path) -> None:
    """All at once, each with its file."""
    files: dict[str, str | bytes] = {
        "afterMigrate.sql": b"\xff",
        "beforeMigrate.sql": "",
        "beforeMigrate.sql.conf": "x=1",
    }
    write_files(tmp_path, V1 | files)
    error = refusal(tmp_path)
    assert error.code is ExitCode.BAD_SET
    assert "afterMigrate.sql line 1: byte 0xff is not utf-8" in error.message
    assert "beforeMigrate.sql.conf: unknown property 'x'" in error.message


def test_same_callback_in_two_locations_is_refused(tmp_path: Path) -> None:
    """Migrations that are copies of each other are one; callbacks are not."""
    for name in ("one", "two"):
        write_files(tmp_path / name, V1 | {"afterMigrate.sql": "SELECT 1"})
    twice = refusal_of(engine_on(tmp_path / "one", tmp_path / "two"))
    assert twice.message.endswith("are the same callback")


def test_locations_with_nothing_but_callbacks_are_refused(tmp_path: Path) -> None:
    """One of several may hold callbacks alone."""
    write_files(tmp_path / "hooks", {"afterMigrate.sql": "SELECT 1"})
    assert refusal(tmp_path / "hooks").message == "the locations hold callbacks and no migration"
    write_files(tmp_path / "sql", V1)
    found = engine_on(tmp_path / "hooks", tmp_path / "sql").resolve(None)
    assert [item.script for item in found.callbacks] == ["afterMigrate.sql"]


def test_callback_locations_stand_in_for_the_locations(tmp_path: Path) -> None:
    """Nothing else is taken from there, and what is beside the migrations is told."""
    write_files(tmp_path / "sql", V1 | {"beforeMigrate.sql": "SELECT 1"})
    hooks = {"afterMigrate.sql": "SELECT 1", "V2__b.sql": "SELECT 1", "V3__c.sh": "", "notes": ""}
    write_files(tmp_path / "hooks", hooks)
    settings = with_sources(callback_locations=(str(tmp_path / "hooks"),))
    found = resolved(tmp_path / "sql", settings)
    assert [item.script for item in found.migrations] == ["V1__a.sql"]
    assert [item.script for item in found.callbacks] == ["afterMigrate.sql"]
    ((rule, text),) = found.notes
    assert rule == "callback-elsewhere"
    assert text.endswith(": beforeMigrate.sql")


def test_missing_callback_location_is_an_error(tmp_path: Path) -> None:
    """Flyway would run without its callbacks."""
    write_files(tmp_path, V1)
    error = refusal(tmp_path, with_sources(callback_locations=(str(tmp_path / "gone"),)))
    assert error.message == f"location {tmp_path}/gone does not exist"
    assert error.hint.startswith("Set FLYWAY_CALLBACK_LOCATIONS")


def test_callback_whose_name_is_not_utf_8_is_refused(tmp_path: Path) -> None:
    """In the locations of callbacks as in those of migrations."""
    write_files(tmp_path / "sql", V1)
    (tmp_path / "hooks").mkdir()
    Path(os.fsdecode(os.fsencode(tmp_path / "hooks") + b"/afterMigrate__\xff.sql")).touch()
    error = refusal(tmp_path / "sql", with_sources(callback_locations=(str(tmp_path / "hooks"),)))
    assert error.message == "afterMigrate__\\udcff.sql: the name is not utf-8"


def test_callback_that_is_a_dead_link_is_an_error(tmp_path: Path) -> None:
    """In the locations of callbacks as in those of migrations."""
    write_files(tmp_path / "sql", V1)
    (tmp_path / "hooks").mkdir()
    (tmp_path / "hooks" / "afterMigrate.sql").symlink_to("gone")
    error = refusal(tmp_path / "sql", with_sources(callback_locations=(str(tmp_path / "hooks"),)))
    assert error.message == "afterMigrate.sql is a link to nothing"


@pytest.mark.parametrize("name", ["afterMigrate.sh", "beforeConnect.py", "afterMigrate"])
def test_callbacks_that_are_programs_are_refused_by_name(name: str, tmp_path: Path) -> None:
    """Flyway runs them, also those of the callback locations and with skipDefaultCallbacks."""
    write_files(tmp_path / "sql", V1)
    write_files(tmp_path / "hooks", {name: ""})
    settings = with_sources(callback_locations=(str(tmp_path / "hooks"),), skips_callbacks=True)
    error = refusal(tmp_path / "sql", settings)
    assert error.code is ExitCode.UNSUPPORTED
    assert error.message == f"not supported: {name} (only scripts in SQL are run)"


def test_skipped_callbacks_are_not_even_read(tmp_path: Path) -> None:
    """They count for nothing, not even for the digest; a note names them."""
    write_files(tmp_path, V1)
    digest = resolved(tmp_path).digest
    write_files(tmp_path, {"afterMigrate.sql": b"\xff"})
    found = resolved(tmp_path, with_sources(skips_callbacks=True))
    assert (found.callbacks, found.digest) == ((), digest)
    assert [rule for rule, _ in found.notes] == ["callback-skipped"]


def test_callbacks_alone_need_no_migrations(tmp_path: Path) -> None:
    """A baseline may come before the first migration, and before there is a folder."""
    write_files(tmp_path, {"afterBaseline.sql": "SELECT 1"})
    found = engine_on(tmp_path).resolve_callbacks(SERVER)
    assert [item.script for item in found.callbacks] == ["afterBaseline.sql"]
    nowhere = FlywayEngine(MigrationSettings(sources=Sources()), NOON, str(tmp_path / "gone"))
    assert nowhere.resolve_callbacks(SERVER).callbacks == ()
    (problem,) = engine_on(tmp_path / "gone").resolve_callbacks(SERVER).problems
    assert problem.text.endswith("does not exist")
