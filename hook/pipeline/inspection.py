"""The commands that look and change nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from hook.core.outcome import passed
from hook.core.plan_view import describe_script
from hook.pipeline.journal import Journal, Stopped
from hook.pipeline.reading import Reading, reach_database, read_release, summarize_set
from hook.stages import Outcome
from hook.stages.resolve import ResolveStage

if TYPE_CHECKING:
    from hook.core.report import Report
    from hook.engines import Engine
    from hook.pipeline.migration import Gates
    from hook.stages.runs import RunsStage
    from hook.stages.scripts import ScriptsStage

BuildReading = Callable[[], Reading]


def check(journal: Journal, build: BuildReading, build_gates: Callable[[], Gates]) -> Report:
    """Run every gate and report all that they find."""
    with contextlib.suppress(Stopped):
        reading = journal.quietly("settings", build)
        gates = journal.quietly("settings", build_gates)
        with read_release(journal, reading) as read:
            scripts = reading.prepare(journal, read)
            journal.gates(gates.in_front_of(journal.ctx, read, scripts))
    return journal.report()


def plan(journal: Journal, build: BuildReading) -> Report:
    """Report what a run would apply, and how."""
    with contextlib.suppress(Stopped):
        reading = journal.quietly("settings", build)
        with read_release(journal, reading) as read:
            scripts = reading.prepare(journal, read)
            findings = tuple(describe_script(script) for script in scripts)
            journal.stage("plan", lambda: Outcome(findings, None))
    return journal.report()


def info(journal: Journal, build: BuildReading) -> Report:
    """Report the table of states; what it shows is no verdict on the release."""
    with contextlib.suppress(Stopped):
        reading = journal.quietly("settings", build)
        with reach_database(journal, reading) as reached:
            reading.show(journal, reached.session, reached.facts)
    return journal.report()


def runs(journal: Journal, build: BuildReading, stage: RunsStage) -> Report:
    """Report the last runs that had work to do."""
    with contextlib.suppress(Stopped):
        reading = journal.quietly("settings", build)
        with reach_database(journal, reading) as reached:
            journal.runs = journal.stage(
                "runs", lambda: stage.run(journal.ctx, reached.session, reached.facts)
            )
    return journal.report()


def validate(journal: Journal, build: BuildReading) -> Report:
    """Report every disagreement between history and release."""
    with contextlib.suppress(Stopped):
        reading = journal.quietly("settings", build)
        with read_release(journal, reading) as read:
            count = len(read.plan.infos)
            finding = passed("validate", f"{count} migrations agree with the schema history")
            journal.stage("validate", lambda: Outcome((finding,), None))
    return journal.report()


def verify(journal: Journal, build: BuildReading) -> Report:
    """Report whether the schema is at the level that the release needs."""
    with contextlib.suppress(Stopped):
        reading = journal.quietly("settings", build)
        with read_release(journal, reading) as read:
            reading.confirm(journal, read)
    return journal.report()


def lint(journal: Journal, engine: Engine, scripts: ScriptsStage) -> Report:
    """Report what is wrong with the files, offline."""
    with contextlib.suppress(Stopped):
        resolved = journal.stage("resolve", lambda: ResolveStage(engine).run(journal.ctx, None))
        journal.migration_set = summarize_set(resolved)
        journal.stage("scripts", lambda: scripts.run(journal.ctx, resolved.migrations))
    return journal.report()


def digest(journal: Journal, engine: Engine) -> Report:
    """Report the digest of the files, offline."""
    with contextlib.suppress(Stopped):
        resolved = journal.stage("resolve", lambda: ResolveStage(engine).run(journal.ctx, None))
        journal.migration_set = summarize_set(resolved)
    return journal.report()
