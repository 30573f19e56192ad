"""Read the migrations that belong to this release."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from hook.core.outcome import Finding, Status, failed, passed, warned
from hook.core.scripts.problem import Problem, judge_problems
from hook.core.text import counted
from hook.errors import ExitCode, Unsupported
from hook.stages import Outcome

if TYPE_CHECKING:
    from hook.core.scripts.migration_set import MigrationSet
    from hook.core.scripts.script import Migration
    from hook.core.sessions.server import ServerFacts
    from hook.engines import Engine
    from hook.stages import Context


class ResolveStage:
    """Turns files into a migration set."""

    name = "resolve"

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def run(self, ctx: Context, server: ServerFacts | None) -> Outcome[MigrationSet]:
        """Return the release's migrations; *server* is none when working offline.

        Of files that are no set, every problem is told, and what could be read is returned.

        Raises:
            HookError: As `Engine.resolve`.
        """
        ctx.interrupt.raise_if_set()
        migration_set = self.engine.resolve(server)
        refusal = judge_files(migration_set)
        return Outcome(refusal or judge_set(migration_set), migration_set)


_REPLACE = "Remove these files, or turn them into scripts in SQL."


def judge_files(migration_set: MigrationSet) -> tuple[Finding, ...]:
    """Return the refusal of files that are no migration set, none if they are one."""
    problems, unsupported = migration_set.problems, migration_set.unsupported
    if problems:
        more = (Problem(f"not supported: {name}", _REPLACE) for name in unsupported)
        return judge_problems((*problems, *more))
    if unsupported:
        message = f"not supported: {', '.join(unsupported)}"
        return (failed(ExitCode.UNSUPPORTED, Unsupported.rule, message, _REPLACE),)
    return ()


_RENAME = (
    "Rename it by the convention, or remove it; FLYWAY_VALIDATE_MIGRATION_NAMING=true refuses a"
    " release with such a file."
)


def judge_set(migration_set: MigrationSet) -> tuple[Finding, ...]:
    """Judge what is worth knowing of a set that is well formed."""
    count = counted(len(migration_set.migrations), "migration")
    newest = migration_set.newest
    if migration_set.callbacks:
        count += f" and {counted(len(migration_set.callbacks), 'callback')}"
    message = f"{count}, newest {newest or 'without version'}, {migration_set.digest}"
    ignored = tuple(
        warned("ignored-script", f"not run: {message}", _RENAME)
        for message in migration_set.ignored
    )
    undo = tuple(_undo_scripts(migration_set.undo))
    notes = tuple(warned(rule, message) for rule, message in migration_set.notes)
    left_out = tuple(
        Finding(
            Status.SKIPPED,
            "should-execute",
            f"{item.script} does not count here: shouldExecute={item.condition} is false",
        )
        for item in migration_set.migrations
        if not item.executes
    )
    return (passed("migration-set", message), *ignored, *undo, *left_out, *notes)


def _undo_scripts(scripts: Sequence[Migration]) -> Iterator[Finding]:
    """Yield what is to be told of *scripts*, which may be as many as there are migrations."""
    if scripts:
        message = f"{counted(len(scripts), 'undo script')}, never run here"
        names = [item.script for item in scripts]
        yield Finding(Status.SKIPPED, "undo-scripts", message, facts={"scripts": names})
