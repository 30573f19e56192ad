"""The commands that look and change nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hook.core.outcome import passed
from hook.core.plan_view import describe_script
from hook.pipeline.journal import Journal, Stopped
from hook.pipeline.reading import Reading, read_release, summarize_set
from hook.stages import Outcome
from hook.stages.resolve import ResolveStage

if TYPE_CHECKING:
    from hook.core.report import Report
    from hook.engines import Engine
    from hook.pipeline.migration import Gates
    from hook.stages.scripts import ScriptsStage


def check(journal: Journal, reading: Reading, gates: Gates) -> Report:
    """Run every gate and report all that they find."""
    try:
        with read_release(journal, reading) as read:
            scripts = reading.prepare(journal, read)
            journal.gates(gates.in_front_of(journal.ctx, read, scripts))
    except Stopped:
        pass
    return journal.report()


def plan(journal: Journal, reading: Reading) -> Report:
    """Report what a run would apply, and how."""
    try:
        with read_release(journal, reading) as read:
            scripts = reading.prepare(journal, read)
            findings = tuple(describe_script(script) for script in scripts)
            journal.stage("plan", lambda: Outcome(findings, None))
    except Stopped:
        pass
    return journal.report()


def info(journal: Journal, reading: Reading) -> Report:
    """Report the table of states; what it shows is no verdict on the release."""
    try:
        reached = journal.stage("wait", lambda: reading.wait.run(journal.ctx))
        with reached.session:
            reading.show(journal, reached.session, reached.facts)
    except Stopped:
        pass
    return journal.report()


def validate(journal: Journal, reading: Reading) -> Report:
    """Report every disagreement between history and release."""
    try:
        with read_release(journal, reading) as read:
            count = len(read.plan.infos)
            finding = passed("validate", f"{count} migrations agree with the schema history")
            journal.stage("validate", lambda: Outcome((finding,), None))
    except Stopped:
        pass
    return journal.report()


def verify(journal: Journal, reading: Reading) -> Report:
    """Report whether the schema is at the level that the release needs."""
    try:
        with read_release(journal, reading) as read:
            journal.after = journal.before
            journal.stage("verify", lambda: reading.verify.confirm(read.plan))
    except Stopped:
        pass
    return journal.report()


def lint(journal: Journal, engine: Engine, scripts: ScriptsStage) -> Report:
    """Report what is wrong with the files, offline."""
    try:
        migration_set = journal.stage(
            "resolve", lambda: ResolveStage(engine).run(journal.ctx, None)
        )
        journal.migration_set = summarize_set(migration_set)
        journal.stage("scripts", lambda: scripts.run(journal.ctx, migration_set.migrations))
    except Stopped:
        pass
    return journal.report()


def digest(journal: Journal, engine: Engine) -> Report:
    """Report the digest of the files, offline."""
    try:
        migration_set = journal.stage(
            "resolve", lambda: ResolveStage(engine).run(journal.ctx, None)
        )
        journal.migration_set = summarize_set(migration_set)
    except Stopped:
        pass
    return journal.report()
