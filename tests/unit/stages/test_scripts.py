"""The stages that read SQL: all problems at once, with the hints that help."""

from __future__ import annotations

from pathlib import Path

import pytest

from hook.errors import BadMigrationSet
from hook.stages.callbacks import CallbacksStage
from hook.stages.scripts import ScriptsStage
from tests.testbed.backup_gate import running_context
from tests.testbed.release import SERVER, engine_on, write_files

OPEN = "SELECT 'x"
UNKNOWN = "SELECT ${x}"
HELPS = ("Correct the named lines", "Set FLYWAY_PLACEHOLDERS_")
CASES = [((OPEN,), HELPS[:1]), ((UNKNOWN,), HELPS[1:]), ((OPEN, UNKNOWN), HELPS)]


def assert_refused(error: BadMigrationSet, texts: tuple[str, ...], helps: tuple[str, ...]) -> None:
    """Check that each text is a problem of its own, and the hints are no others than *helps*."""
    assert len(error.problems) == len(texts)
    assert tuple(hint for hint in HELPS if hint in error.hint) == helps


@pytest.mark.parametrize(("texts", "helps"), CASES)
def test_scripts_are_refused_with_the_hints_that_help(
    texts: tuple[str, ...], helps: tuple[str, ...], tmp_path: Path
) -> None:
    """Nobody looks for a wrong line when a setting is missing."""
    files = {f"V{number}__x.sql": text for number, text in enumerate(texts)}
    engine = engine_on(write_files(tmp_path, files))
    stage = ScriptsStage(lambda item: engine.read_script(item, SERVER), allows_mixed=False)
    migrations = engine.resolve(SERVER).migrations
    with running_context() as ctx, pytest.raises(BadMigrationSet) as refused:
        stage.run(ctx, migrations)
    assert_refused(refused.value, texts, helps)


@pytest.mark.parametrize(("texts", "helps"), CASES)
def test_callbacks_are_refused_with_the_hints_that_help(
    texts: tuple[str, ...], helps: tuple[str, ...], tmp_path: Path
) -> None:
    """As scripts are."""
    files = {f"afterMigrate__{number}.sql": text for number, text in enumerate(texts)}
    engine = engine_on(write_files(tmp_path, {"V1__x.sql": "SELECT 1"} | files))
    stage = CallbacksStage("run", lambda item: engine.read_script(item, SERVER), allows_mixed=False)
    callbacks = engine.resolve(SERVER).callbacks
    with running_context() as ctx, pytest.raises(BadMigrationSet) as refused:
        stage.run(ctx, callbacks)
    assert_refused(refused.value, texts, helps)
