"""Puts the program together; the only place that names concrete engines and catalogs.

What a run with nothing to do does not need is built, and imported, on demand:
every sync of every application pays for what stands at the top of a module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from hook.bootstrap.reading import build_engine, build_looking, build_reading
from hook.clock import SystemClock
from hook.pipeline.gate import run_gate
from hook.pipeline.journal import Journal
from hook.settings.run_deadline import begin_deadline
from hook.stages import Context, Events

if TYPE_CHECKING:
    from hook.clock import Interrupt
    from hook.core.execution.dry_run import Notebook
    from hook.core.reporting.report import Report
    from hook.core.reporting.wording import Wording
    from hook.core.schema_history.info_filter import InfoFilter
    from hook.core.schema_history.orders import Orders
    from hook.pipeline.migration import Writing
    from hook.pipeline.reading import Reading
    from hook.settings import Settings


def open_context(settings: Settings, run_id: str, events: Events, interrupt: Interrupt) -> Context:
    """Return what the process lends to the stages; the deadline runs from now."""
    deadline = begin_deadline(settings.run.deadline, interrupt)
    return Context(SystemClock(interrupt), deadline, interrupt, events, run_id)


def run(settings: Settings, ctx: Context, orders: Orders, wording: Wording) -> Report:
    """Run the gate.

    Args:
        settings: What it is told.
        ctx: What the process lends to it.
        orders: What was said on the command line alone.
        wording: Of the report in the ledger.
    """
    engine = build_engine(settings, ctx)

    def writing() -> Writing:
        from hook.bootstrap.writing import build_writing  # noqa: PLC0415 - not for a no-op run

        return build_writing(settings, engine, orders, wording)

    journal = Journal.begin("run", ctx, settings.overrides)
    return run_gate(journal, lambda: build_reading(settings, engine), writing)


def check(settings: Settings, ctx: Context) -> Report:
    """Run every gate, whether or not something is pending; change nothing."""
    from hook.bootstrap.locking import build_lock  # noqa: PLC0415 - see the module
    from hook.bootstrap.writing import build_gates  # noqa: PLC0415 - see the module
    from hook.pipeline import inspection  # noqa: PLC0415 - see the module

    engine = build_engine(settings, ctx)
    return inspection.check(
        Journal.begin("check", ctx, settings.overrides),
        lambda: build_looking(settings, engine),
        lambda: build_gates(settings, engine),
        build_lock(settings),
    )


def plan(settings: Settings, ctx: Context) -> Report:
    """Tell what `run` would do."""
    from hook.pipeline import inspection  # noqa: PLC0415 - see the module

    return inspection.plan(Journal.begin("plan", ctx), _reading(settings, ctx))


def plan_sql(settings: Settings, ctx: Context, notebook: Notebook) -> Report:
    """Tell what `run` would do, and in *notebook* what it would send."""
    from hook.bootstrap.writing import build_dry  # noqa: PLC0415 - see the module
    from hook.pipeline import dry_run  # noqa: PLC0415 - see the module

    engine = build_engine(settings, ctx)
    return dry_run.plan_sql(
        Journal.begin("plan", ctx),
        lambda: build_looking(settings, engine),
        lambda: build_dry(settings, engine),
        notebook,
    )


def info(settings: Settings, ctx: Context, shown: InfoFilter | None = None) -> Report:
    """Tell the state of every migration, of those that are to be *shown* if that is said."""
    from hook.pipeline import inspection  # noqa: PLC0415 - see the module

    journal = Journal.begin("info", ctx)
    journal.shown = shown
    return inspection.info(journal, _reading(_unadopted(settings), ctx))


def runs(settings: Settings, ctx: Context) -> Report:
    """Tell what the ledger knows of past runs."""
    from hook.pipeline import inspection  # noqa: PLC0415 - see the module
    from hook.stages.runs import RunsStage  # noqa: PLC0415 - see the module

    stage = RunsStage(build_engine(settings, ctx), settings.migrations.history.ledger)
    return inspection.runs(Journal.begin("info", ctx), _reading(settings, ctx), stage)


def validate(settings: Settings, ctx: Context) -> Report:
    """Judge the history against the release; what is pending is no mistake.

    FLYWAY_VALIDATE_ON_MIGRATE is about migrating: whoever asks gets an answer, which is Flyway's
    on repeatables without a file.
    """
    from hook.pipeline import inspection  # noqa: PLC0415 - see the module

    rules = settings.migrations.rules._replace(validates=True, knows_newer_repeatables=False)
    asked = settings._replace(migrations=settings.migrations._replace(rules=rules))
    return inspection.validate(Journal.begin("validate", ctx), _reading(_unadopted(asked), ctx))


def verify(settings: Settings, ctx: Context) -> Report:
    """Judge whether the schema is at the level that the release needs."""
    from hook.pipeline import inspection  # noqa: PLC0415 - see the module

    return inspection.verify(Journal.begin("verify", ctx), _reading(settings, ctx))


def repair(settings: Settings, ctx: Context, orders: Orders, wording: Wording) -> Report:
    """Tell what a repair changes in the schema history; change it if that is confirmed."""
    from hook.bootstrap.editing import build_editing, build_editor  # noqa: PLC0415 - see the module
    from hook.pipeline import maintenance  # noqa: PLC0415 - see the module
    from hook.stages.repair import RepairStage  # noqa: PLC0415 - see the module

    asked = _unadopted(settings)
    engine, editor = build_engine(asked, ctx), build_editor(asked)
    return maintenance.repair(
        Journal.begin("repair", ctx),
        lambda: build_editing(asked, engine, editor, orders, wording),
        RepairStage(engine, editor, orders.only),
    )


def baseline(settings: Settings, ctx: Context, orders: Orders, wording: Wording) -> Report:
    """Tell what a baseline creates; create it if that is confirmed."""
    from hook.bootstrap.editing import build_editing, build_editor  # noqa: PLC0415 - see the module
    from hook.pipeline import maintenance  # noqa: PLC0415 - see the module
    from hook.stages.baseline import BaselineStage  # noqa: PLC0415 - see the module

    engine, editor = build_engine(settings, ctx), build_editor(settings)
    return maintenance.baseline(
        Journal.begin("baseline", ctx),
        lambda: build_editing(settings, engine, editor, orders, wording),
        BaselineStage(engine, editor),
    )


def lint(settings: Settings, ctx: Context) -> Report:
    """Judge the release's files without a database."""
    from hook.bootstrap.reading import build_callbacks, build_scripts  # noqa: PLC0415 - likewise
    from hook.pipeline import inspection  # noqa: PLC0415 - see the module

    # Which scripts are pending, and so would be in a group or only recorded, is unknown here.
    execution = settings.migrations.execution._replace(records_only=False, is_grouped=False)
    offline = settings._replace(migrations=settings.migrations._replace(execution=execution))
    engine = build_engine(offline, ctx)
    scripts = build_scripts(offline, engine, None)
    callbacks = build_callbacks(offline, engine, None, "lint")
    return inspection.lint(Journal.begin("lint", ctx), engine, scripts, callbacks)


def config(_: Settings, ctx: Context) -> Report:
    """Tell that the settings can be read, which is why there are any."""
    return Journal.begin("config", ctx).report()


def digest(settings: Settings, ctx: Context) -> Report:
    """Tell the digest of the release's migrations without a database."""
    from hook.pipeline import inspection  # noqa: PLC0415 - see the module

    return inspection.digest(Journal.begin("digest", ctx), build_engine(settings, ctx))


def _unadopted(settings: Settings) -> Settings:
    """Return *settings* under which what a history would start from is told of as it is.

    Only a run adopts a schema: before that there is no baseline, and none is missing. Nor is it
    a mistake of the history that a schema is not there yet which nobody is to create.
    """
    migrations = settings.migrations
    baseline = migrations.baseline._replace(is_dispensable=True)
    history = migrations.history._replace(creates_schemas=True)
    return settings._replace(migrations=migrations._replace(baseline=baseline, history=history))


def _reading(settings: Settings, ctx: Context) -> Callable[[], Reading]:
    engine = build_engine(settings, ctx)
    return lambda: build_looking(settings, engine)
