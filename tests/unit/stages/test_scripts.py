"""The stages that read SQL: all problems at once, with the hints that help."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from hook.core.outcome import Finding
from hook.core.sql.creations import Creations
from hook.core.sql.partition_refusals import PARTITIONED_TABLE
from hook.errors import ExitCode
from hook.postgres.partitions import Catalog as CatalogOf
from hook.stages.callbacks import CallbacksStage
from hook.stages.scripts import ScriptsStage
from tests.testbed.backup_gate import running_context
from tests.testbed.release import SERVER, engine_on, write_files

OPEN = "SELECT 'x"
UNKNOWN = "SELECT ${x}"
HELPS = ("Correct the named lines", "Set FLYWAY_PLACEHOLDERS_")
CASES = [((OPEN,), HELPS[:1]), ((UNKNOWN,), HELPS[1:]), ((OPEN, UNKNOWN), HELPS)]


def assert_refused(
    findings: tuple[Finding, ...], texts: tuple[str, ...], helps: tuple[str, ...]
) -> None:
    """Check that each text is a problem of its own, and the hints are no others than *helps*."""
    (refusal,) = findings
    assert refusal.code is ExitCode.BAD_SET
    assert len(refusal.problems) == len(texts)
    assert tuple(hint for hint in HELPS if hint in refusal.hint) == helps


@pytest.mark.parametrize(("texts", "helps"), CASES)
def test_scripts_are_refused_with_the_hints_that_help(
    texts: tuple[str, ...], helps: tuple[str, ...], tmp_path: Path
) -> None:
    """Nobody looks for a wrong line when a setting is missing."""
    files = {f"V{number}__x.sql": text for number, text in enumerate(texts)}
    engine = engine_on(write_files(tmp_path, files))
    scripts = engine.pending_scripts(SERVER)
    stage = ScriptsStage(scripts.read, scripts.cut, scripts.place, allows_mixed=False)
    migrations = engine.resolve(SERVER).migrations
    with running_context() as ctx:
        assert_refused(stage.run(ctx, migrations).findings, texts, helps)


def test_scripts_that_can_be_read_are_returned_beside_the_others(tmp_path: Path) -> None:
    """So that what is behind this stage can tell what is wrong with them."""
    engine = engine_on(write_files(tmp_path, {"V1__a.sql": OPEN, "V2__b.sql": "SELECT 1"}))
    scripts = engine.pending_scripts(SERVER)
    stage = ScriptsStage(scripts.read, scripts.cut, scripts.place, allows_mixed=False)
    with running_context() as ctx:
        read = stage.run(ctx, engine.resolve(SERVER).migrations).value
    assert [item.migration.script for item in read] == ["V2__b.sql"]


class Catalog:
    """A session that answers that the first relation asked for is partitioned."""

    def __init__(self) -> None:
        """Remember what is asked."""
        self.asked: list[Sequence[object]] = []

    def fetch(self, query: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return one row."""
        del query
        self.asked.append(parameters)
        return [(1,)]


@pytest.mark.parametrize(
    ("text", "version_num", "asked"),
    [
        ("REINDEX TABLE s.p", 140000, [(["s"], ["p"], "own")]),
        ("CLUSTER p", 150000, [([None], ["p"], "own")]),
        ("REINDEX TABLE p", 130000, []),
        ("REINDEX TABLE CONCURRENTLY p", 150000, []),
        ("SELECT 1", 150000, []),
    ],
)
def test_catalog_is_asked_about_relations_in_doubt_alone(
    text: str, version_num: int, asked: list[object], tmp_path: Path
) -> None:
    """Older servers pass over partitions; other releases cost no round trip."""
    engine, catalog = engine_on(write_files(tmp_path, {"V1__a.sql": text})), Catalog()
    scripts = engine.pending_scripts(SERVER)
    stage = ScriptsStage(
        scripts.read,
        scripts.cut,
        scripts.place,
        allows_mixed=False,
        catalog=CatalogOf(version_num, "own"),
    )
    with running_context() as ctx:
        (script,) = stage.run(ctx, engine.resolve(SERVER).migrations, catalog).value
    assert catalog.asked == asked
    assert script.in_transaction is (not asked and "CONCURRENTLY" not in text)


@pytest.mark.parametrize(
    ("name", "asked", "in_transaction"),
    [
        ("afterMigrate", [([None], ["p"], "own")], False),
        ("afterMigrate", [], False),
        ("beforeEachMigrate", [([None], ["p"], "own")], False),
    ],
)
def test_catalog_is_asked_about_the_relations_of_callbacks(
    name: str, asked: list[object], *, in_transaction: bool, tmp_path: Path
) -> None:
    """As it is about those of scripts; what the scripts create is known without it."""
    files = {"V1__x.sql": "SELECT 1", f"{name}.sql": "REINDEX TABLE p"}
    engine, catalog, made = engine_on(write_files(tmp_path, files)), Catalog(), Creations()
    if not asked:
        made.add("TABLE", ("p",))
        made.add(PARTITIONED_TABLE, ("p",))
    stage = CallbacksStage(
        "run",
        lambda item: engine.read_script(item, SERVER),
        allows_mixed=False,
        catalog=CatalogOf(150000, "own"),
    )
    with running_context() as ctx:
        book = stage.run(ctx, engine.resolve(SERVER).callbacks, (), catalog, made).value
    assert catalog.asked == asked
    assert [item.in_transaction for item in book.callbacks] == [in_transaction]


@pytest.mark.parametrize(("texts", "helps"), CASES)
def test_callbacks_are_refused_with_the_hints_that_help(
    texts: tuple[str, ...], helps: tuple[str, ...], tmp_path: Path
) -> None:
    """As scripts are."""
    files = {f"afterMigrate__{number}.sql": text for number, text in enumerate(texts)}
    engine = engine_on(write_files(tmp_path, {"V1__x.sql": "SELECT 1"} | files))
    stage = CallbacksStage("run", lambda item: engine.read_script(item, SERVER), allows_mixed=False)
    callbacks = engine.resolve(SERVER).callbacks
    with running_context() as ctx:
        assert_refused(stage.run(ctx, callbacks).findings, texts, helps)
