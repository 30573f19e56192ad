"""The command line: reads the settings, lets a command work, tells how it ended."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from hook import __version__
from hook.clock import Interrupt
from hook.core.early_report import report_of_error
from hook.core.orders import Orders
from hook.core.redaction import Redactor
from hook.core.report import Report
from hook.errors import BadFlags, ExitCode, HookError
from hook.log import Style, configure_logging
from hook.options import (
    ALL_GROUPS,
    CONFIRM,
    DEFAULT_COMMAND,
    EDITING_GROUPS,
    OFFLINE_GROUPS,
    ONE_VERSION,
    READING_GROUPS,
    CommandShape,
    Program,
    build_demo_command,
)
from hook.render.delivery import Delivery, choose_style, log_end, log_finding
from hook.settings import Settings
from hook.settings.load import Need, load_settings
from hook.settings.load_output import read_output
from hook.settings.output import OutputFormat, OutputSettings
from hook.settings.secrets import find_secrets
from hook.settings.sources import Inputs
from hook.settings.specification import URL

if TYPE_CHECKING:
    from hook.stages import Context

SHAPES = (
    CommandShape(
        "run",
        "Bring the database to the level that the release needs, or refuse and say why."
        " Writes only when something is pending.",
        "presync run --backup-max-age 12h",
        Need.DATABASE,
        ALL_GROUPS,
    ),
    CommandShape(
        "check",
        "Run every gate, whether or not something is pending. Changes nothing.",
        "presync check --format text",
        Need.DATABASE,
        ALL_GROUPS,
    ),
    CommandShape(
        "plan",
        "Show what `run` would apply, in which order and with which locks. Changes nothing.",
        "presync plan --locations /migrations",
        Need.DATABASE,
        READING_GROUPS,
    ),
    CommandShape(
        "info",
        "Show the state of every migration. Changes nothing.",
        "presync info --format text",
        Need.DATABASE,
        READING_GROUPS,
    ),
    CommandShape(
        "validate",
        "Compare the schema history with the files; list every disagreement. Changes nothing.",
        "presync validate --out-of-order true",
        Need.DATABASE,
        READING_GROUPS,
    ),
    CommandShape(
        "verify",
        "Tell whether the schema is at the level that the release needs. For init containers;"
        " needs only SELECT on the schema history.",
        "presync verify --wait-timeout 30s",
        Need.DATABASE,
        READING_GROUPS,
    ),
    CommandShape(
        "repair",
        "Remove failed rows from the schema history, mark missing migrations as deleted, take"
        " over checksums and descriptions of the files. Shows every row first; changes them"
        " with --yes.",
        "presync repair --version 5 --yes",
        Need.DATABASE,
        EDITING_GROUPS,
        flags=(CONFIRM, ONE_VERSION),
    ),
    CommandShape(
        "baseline",
        "Start the schema history of an existing database at FLYWAY_BASELINE_VERSION. Shows"
        " what it creates; creates it with --yes.",
        "presync baseline --baseline-version 3 --yes",
        Need.DATABASE,
        EDITING_GROUPS,
        flags=(CONFIRM,),
    ),
    CommandShape(
        "lint",
        "Judge migration files without a database. PATH stands for the configured locations.",
        "presync lint ./migrations",
        Need.NO_DATABASE,
        OFFLINE_GROUPS,
        takes_paths=True,
    ),
    CommandShape(
        "config",
        "Show the settings in force, secrets masked, and where each was given.",
        "presync config --format text",
        Need.ANY_DATABASE,
        ALL_GROUPS,
    ),
    CommandShape(
        "digest",
        "Show the digest of the release's migrations. Needs no database.",
        "presync digest --locations ./migrations --format text",
        Need.NO_DATABASE,
        OFFLINE_GROUPS,
    ),
)


_RUN_ID_BYTES = 6


def main() -> NoReturn:
    """Run the command that the process was started with, and exit."""
    interrupt = Interrupt()
    # Process 1 of a container has no default handlers: a signal without one is dropped.
    interrupt.install()
    sys.exit(execute(sys.argv[1:], os.environ, interrupt))


def execute(arguments: Sequence[str], environment: Mapping[str, str], interrupt: Interrupt) -> int:
    """Run the command that *arguments* name; return the exit code."""
    process = _Process(environment, interrupt)
    program = Program(SHAPES, environment, process.act)
    program.add_command(build_demo_command(process.demo))
    try:
        return int(program.main(list(arguments), "presync", standalone_mode=False) or 0)
    except click.UsageError as error:
        return process.refuse(_usage_error(error))
    except Exception as error:  # noqa: BLE001 - the last resort, told with its traceback
        return process.crash(error)


def _usage_error(error: click.UsageError) -> BadFlags:
    message = " ".join(error.format_message().split()).rstrip(".")
    command = error.ctx.command_path if error.ctx is not None else "presync"
    problem = message[:1].lower() + message[1:]
    return BadFlags((problem,), f"Run `{command} --help` to see what there is.")


class _Process:
    """One process: what it was started with, and its way out."""

    def __init__(self, environment: Mapping[str, str], interrupt: Interrupt) -> None:
        self._environment = environment
        self._interrupt = interrupt
        self._run_id = os.urandom(_RUN_ID_BYTES).hex()
        self._command = DEFAULT_COMMAND
        self._delivery: Delivery | None = None

    def act(self, shape: CommandShape, inputs: Inputs) -> int:
        """Carry out *shape*."""
        self._command = shape.name
        url = inputs.flags.get(URL.name, "")
        self._open(read_output(inputs), Redactor(find_secrets(self._environment, [url])))
        try:
            settings = load_settings(inputs, shape.need)
            known = settings.provenance
            delivery = self._open(settings.output, Redactor(known.secrets, known.public))
            if shape.name == "config":
                return _show_config(settings, delivery)
            return self._work(settings, delivery, inputs.orders)
        except HookError as error:
            return self.refuse(error)

    def _work(self, settings: Settings, delivery: Delivery, orders: Orders) -> int:
        # The driver and the stages are not for `presync --help`.
        from hook import bootstrap  # noqa: PLC0415 - see above

        delivery.announce(self._command, self._run_id)
        _tell_settings(settings, delivery)
        ctx = bootstrap.open_context(settings, self._run_id, delivery.events, self._interrupt)
        commands: dict[str, Callable[[Settings, Context], Report]] = {
            "run": bootstrap.run,
            "check": bootstrap.check,
            "plan": bootstrap.plan,
            "info": bootstrap.info,
            "validate": bootstrap.validate,
            "verify": bootstrap.verify,
            "repair": partial(bootstrap.repair, orders=orders),
            "baseline": partial(bootstrap.baseline, orders=orders),
            "lint": bootstrap.lint,
            "digest": bootstrap.digest,
        }
        report = commands[self._command](settings, ctx)
        return int(delivery.deliver(report).exit_code)

    def demo(self, samples: Path | None, migrations: Path | None) -> int:
        """Play the demo with what lies at these paths, with that of the checkout if none."""
        from hook.demo.play import perform  # noqa: PLC0415 - not for a run
        from hook.render.palette import Palette  # noqa: PLC0415 - not for a run

        self._command = "demo"
        delivery = self._open(OutputSettings(format=OutputFormat.TEXT), Redactor(()))
        tell, palette = delivery.print_text, Palette(delivery.style)
        return int(perform(samples, migrations, tell, palette, self._interrupt))

    def refuse(self, error: HookError) -> int:
        """Tell *error*, which ended the command before a stage could."""
        delivery = self._delivery or self._open_early()
        now = datetime.now(UTC)
        report = report_of_error(error, self._command, self._run_id, now)
        for finding in report.results[0].findings:
            log_finding(delivery.events, "settings", finding)
        log_end(delivery.events, report)
        return int(delivery.deliver(report).exit_code)

    def crash(self, error: Exception) -> int:
        """Tell a bug, with its traceback in the log."""
        delivery = self._delivery or self._open_early()
        message = f"{type(error).__name__}: {error}"
        trace = "".join(traceback.format_exception(error))
        delivery.events("internal.error", message, level="error", traceback=trace)
        return self.refuse(HookError(message, "Report this bug with the traceback in the log."))

    def _open_early(self) -> Delivery:
        """Return a way out for what went wrong before the settings were looked at."""
        inputs = Inputs(environment=self._environment)
        return self._open(read_output(inputs), Redactor(find_secrets(self._environment)))

    def _open(self, output: OutputSettings, redactor: Redactor) -> Delivery:
        log_style = choose_style(output.log_format, sys.stderr, self._environment)
        self._delivery = Delivery(
            output=output,
            redactor=redactor,
            style=choose_style(output.format, sys.stdout, self._environment),
            stdout=sys.stdout,
            events=configure_logging(self._run_id, log_style, sys.stderr, redactor),
        )
        return self._delivery


def _tell_settings(settings: Settings, delivery: Delivery) -> None:
    for note in settings.provenance.notes:
        delivery.events("settings.note", note)
    target = settings.database.target
    place = f" on {target.describe()}, named by {settings.database.source}" if target else ""
    actor = {name: value for name, value in settings.output.actor._asdict().items() if value}
    delivery.events("settings.read", f"presync {__version__}{place}", version=__version__, **actor)


def _show_config(settings: Settings, delivery: Delivery) -> int:
    from hook.render.config import config_object, render_config  # noqa: PLC0415 - not for a run
    from hook.render.palette import Palette  # noqa: PLC0415 - not for a run

    if delivery.style is Style.JSON:
        delivery.print_object(config_object(settings))
    else:
        delivery.print_text(render_config(settings, Palette(delivery.style)))
    return ExitCode.OK
