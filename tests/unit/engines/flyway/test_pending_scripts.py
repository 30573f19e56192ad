"""Pending scripts are read once where they can be kept, and never run as they are no longer."""

from __future__ import annotations

from pathlib import Path

import pytest

from hook.core.scripts.script import Migration
from hook.core.sql.statement_list import StatementList
from hook.engines.flyway.pending_scripts import PendingScripts
from hook.errors import BadMigrationSet
from tests.testbed.release import SERVER, engine_on, write_files

ROWS = "INSERT INTO t VALUES (1);\n"


class Release:
    """A folder of scripts; *names* are those that were read, in order."""

    def __init__(self, folder: Path, *texts: str) -> None:
        files = {f"V{number}__x.sql": text for number, text in enumerate(texts, 1)}
        self.engine = engine_on(write_files(folder, files))
        self.migrations = self.engine.resolve(SERVER).migrations
        self.names: list[str] = []
        self.scripts = PendingScripts(self._read, allows_mixed=False)

    def _read(self, script: Migration) -> bytes:
        self.names.append(script.script)
        return self.engine.read_script(script, SERVER)

    def cut(self) -> list[StatementList]:
        """Read and cut all of them, as the stage does."""
        return [self.scripts.cut(item, self.scripts.read(item)) for item in self.migrations]


def test_small_script_is_read_once_until_it_runs(tmp_path: Path) -> None:
    """A retry reads it again."""
    release = Release(tmp_path, ROWS)
    (statements,), (script,) = release.cut(), release.migrations
    assert release.scripts.body(script).source is statements.source
    assert release.scripts.take(script).body.source is statements.source
    assert len(release.names) == 1
    again = release.scripts.take(script).body
    assert [item.text for item in again] == [item.text for item in statements]
    assert len(release.names) == 2


def test_script_is_placed_once_until_its_group_decides_otherwise(tmp_path: Path) -> None:
    """With what the catalog said of it; FLYWAY_MIXED may then take its transaction away."""
    release = Release(tmp_path, "BEGIN; INSERT INTO t VALUES (1); COMMIT;")
    (statements,), (script,) = release.cut(), release.migrations
    placed = release.scripts.place(script, statements)
    assert release.scripts.body(script) is placed.body
    assert len(placed.body) == 1
    grouped = script._replace(in_transaction=False)
    assert len(release.scripts.body(grouped)) == 3
    assert not release.scripts.take(grouped).in_transaction
    assert release.names == ["V1__x.sql"]


def test_script_that_runs_can_be_released_and_read_again(tmp_path: Path) -> None:
    """While a long message is sent nobody needs its text."""
    release = Release(tmp_path, ROWS)
    release.cut()
    source = release.scripts.take(release.migrations[0]).body.source
    source.release()
    assert source.sql == ROWS.encode()
    assert len(release.names) == 2


def test_scripts_that_take_much_are_read_each_time(tmp_path: Path) -> None:
    """Be it one, or all of them together."""
    long, medium = ROWS * 4_000, ROWS * 2_400
    release = Release(tmp_path, ROWS, long, *[medium] * 30)
    release.cut()
    release.names.clear()
    for script in release.migrations:
        release.scripts.body(script)
    assert "V2__x.sql" in release.names
    assert "V3__x.sql" not in release.names
    assert "V32__x.sql" in release.names


def test_first_script_is_kept_however_long_until_it_runs(tmp_path: Path) -> None:
    """In the place of all others, which have room again afterwards."""
    release = Release(tmp_path, ROWS * 200_000, ROWS)
    release.cut()
    first, second = release.migrations
    release.scripts.take(first)
    assert release.names == ["V1__x.sql", "V2__x.sql"]
    release.scripts.take(second)
    assert release.names[2:] == ["V2__x.sql"]
    release.scripts.cut(second, release.scripts.read(second))
    release.names.clear()
    release.scripts.body(second)
    assert release.names == []


def test_script_that_has_run_leaves_room_for_others(tmp_path: Path) -> None:
    """As one does that is read anew."""
    release = Release(tmp_path, *[ROWS * 2_400] * 30)
    release.cut()
    release.cut()
    release.scripts.take(release.migrations[0])
    last = release.migrations[-1]
    release.scripts.cut(last, release.scripts.read(last))
    release.names.clear()
    release.scripts.body(last)
    assert release.names == []


def test_script_that_was_changed_meanwhile_is_refused(tmp_path: Path) -> None:
    """What was judged is what runs, as long as it stands in the file."""
    release = Release(tmp_path, ROWS, ROWS)
    release.cut()
    write_files(tmp_path, {"V1__x.sql": "DROP TABLE t"})
    (tmp_path / "V2__x.sql").unlink()
    for script in release.migrations:
        with pytest.raises(BadMigrationSet, match="is not what it was when the run began"):
            release.scripts.take(script)


def test_script_that_is_gone_when_it_was_just_read_is_not_kept(tmp_path: Path) -> None:
    """Whoever wants it next finds that out."""
    release = Release(tmp_path, ROWS)
    (script,) = release.migrations
    text = release.scripts.read(script)
    Path(script.path).unlink()
    assert len(release.scripts.cut(script, text)) == 1
    with pytest.raises(BadMigrationSet):
        release.scripts.body(script)
