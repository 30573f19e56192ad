"""The command line: reads the settings, lets a command work, tells how it ended."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from hook import __version__
from hook.clock import Interrupt
from hook.commands import ALIASES, SHAPES, CommandShape
from hook.core.reporting.early_report import report_of_abandoned, report_of_error
from hook.core.reporting.redaction import Redactor
from hook.core.reporting.report import Report
from hook.core.schema_history.orders import Orders
from hook.errors import BadFlags, ExitCode, HookError
from hook.render.delivery import (
    Delivery,
    choose_style,
    log_end,
    log_finding,
    open_closed_streams,
    open_log,
)
from hook.settings import Settings
from hook.settings.flyway_files import default_folders
from hook.settings.load import load_settings
from hook.settings.load_output import find_output_flags, output_for, read_output
from hook.settings.output import OutputFormat, OutputSettings
from hook.settings.secrets import find_secrets
from hook.settings.sources import Inputs
from hook.settings.specification import URL

if TYPE_CHECKING:
    import click

    from hook.command_line import CommandLine
    from hook.log import EventLog
    from hook.stages import Context

_RUN_ID_BYTES = 6
_COLLECT_AFTER = 100_000
LAST_WORDS_SECONDS = 1.0


def main() -> NoReturn:
    """Run the command that the process was started with, and exit."""
    # What a run loads and reads lives until its end: at its default the collector would
    # walk through all of it again and again.
    gc.set_threshold(_COLLECT_AFTER)
    open_closed_streams()
    interrupt = Interrupt()
    # Process 1 of a container has no default handlers: a signal without one is dropped.
    interrupt.install()
    code = execute(sys.argv[1:], dict(os.environ), interrupt)
    interrupt.retire()
    _leave(code)


def _leave(exit_code: int) -> NoReturn:
    """End without taking apart what was loaded, a quarter of a run with nothing to do."""
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError):  # for which Python would make the exit code 120
            stream.flush()
    atexit._run_exitfuncs()  # noqa: SLF001 - as children of multiprocessing end
    os._exit(exit_code)


def execute(arguments: Sequence[str], environment: Mapping[str, str], interrupt: Interrupt) -> int:
    """Run the command that *arguments* name; return the exit code."""
    process = _Process(arguments, environment, interrupt)
    interrupt.abandon = process.abandon
    try:
        shape = _named_alone(arguments)
        if shape is None:
            return _parse(arguments, environment, process)
        folders = default_folders(environment)
        return process.act(shape, Inputs(environment=environment, folders=folders))
    except Exception as error:  # noqa: BLE001 - the last resort, told with its traceback
        return process.crash(error)
    finally:
        process.close()


def _named_alone(arguments: Sequence[str]) -> CommandShape | None:
    """Return the command that is all there is on the command line, as in a manifest."""
    names = [ALIASES.get(argument, argument) for argument in arguments]
    return next((shape for shape in SHAPES if [shape.name] == names), None)


def _parse(arguments: Sequence[str], environment: Mapping[str, str], process: _Process) -> int:
    """Run the commands of a command line with flags, in order, up to the first that fails."""
    # A Job has its settings in the environment; the parsers of flags are large.
    from hook.command_line import asked_command, cut_command_line  # noqa: PLC0415 - see above
    from hook.options import Program, build_demo_command  # noqa: PLC0415 - see above

    process.command = asked_command(arguments)
    try:
        line = cut_command_line(arguments)
        around = _read_around(line, environment)
    except HookError as error:
        return process.refuse(error)
    process.environment = around.environment
    program = Program(SHAPES, around, process.act)
    program.add_command(build_demo_command(process.demo))
    for words in [line.words_of(name) for name in line.commands] or [list(line.own)]:
        process.command = words[0] if line.commands else ""
        if code := _carry_out(program, words, process):
            return code
    return ExitCode.OK


def _carry_out(program: click.Group, words: list[str], process: _Process) -> int:
    import click  # noqa: PLC0415 - as in `_parse`

    try:
        return int(program.main(words, "presync", standalone_mode=False) or 0)
    except click.UsageError as error:
        return process.refuse(_usage_error(error))


def _read_around(line: CommandLine, environment: Mapping[str, str]) -> Inputs:
    """Return what the flags of *line* stand among."""
    folders = default_folders(environment)
    around = dict(environment) | ({"NO_COLOR": "1"} if line.is_colourless else {})
    if not line.flyway and not line.notes:
        return Inputs(environment=around, folders=folders)
    from hook.settings.flyway_arguments import (  # noqa: PLC0415 - for a line in Flyway's form
        parse_flyway_arguments,
    )

    spoken = parse_flyway_arguments(line.flyway, line.notes)
    return Inputs(environment=spoken.overlaid(around), folders=folders, arguments=spoken)


def _usage_error(error: click.UsageError) -> BadFlags:
    message = " ".join(error.format_message().split()).rstrip(".")
    command = error.ctx.command_path if error.ctx is not None else "presync"
    problem = message[:1].lower() + message[1:]
    return BadFlags((problem,), f"Run `{command} --help` to see what there is.")


class _Process:
    """One process: what it was started with, and its way out."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], interrupt: Interrupt
    ) -> None:
        self._arguments = arguments
        self.environment = environment
        self._interrupt = interrupt
        self._run_id = _new_run_id()
        # Nothing yet: what is refused before it is known must not look like a run.
        self.command = ""
        self._delivery: Delivery | None = None
        self._log: EventLog | None = None

    def close(self) -> None:
        """Leave the terminal as it was found."""
        if self._log is not None:
            self._log.close()

    def act(self, shape: CommandShape, inputs: Inputs) -> int:
        """Carry out *shape*, one run of its own."""
        self.command, self._run_id = shape.name, _new_run_id()
        self._open(read_output(inputs), Redactor(_secrets_in(inputs)))
        try:
            settings = load_settings(inputs, shape.need)
            known, output = settings.provenance, output_for(inputs.orders, settings.output)
            delivery = self._open(output, Redactor(known.secrets, known.public))
            if shape.name == "config":
                from hook.render.showing import show  # noqa: PLC0415 - not for a run

                return int(show(settings, delivery, inputs))
            return self._work(settings, delivery, inputs.orders)
        except HookError as error:
            return self.refuse(error)

    def _work(self, settings: Settings, delivery: Delivery, orders: Orders) -> int:
        # The driver and the stages are not for `presync --help`.
        from hook import bootstrap  # noqa: PLC0415 - see above

        delivery.announce(self.command, self._run_id)
        _tell_settings(settings, delivery)
        ctx = bootstrap.open_context(settings, self._run_id, delivery.events, self._interrupt)
        wording = delivery.wording
        commands: dict[str, Callable[[Settings, Context], Report]] = {
            "run": partial(bootstrap.run, orders=orders, wording=wording),
            "check": bootstrap.check,
            "plan": bootstrap.plan,
            "plan --sql": lambda settings, ctx: bootstrap.plan_sql(
                settings, ctx, delivery.open_sql()
            ),
            "info": (
                bootstrap.runs if orders.shows_runs else partial(bootstrap.info, shown=orders.shown)
            ),
            "validate": bootstrap.validate,
            "verify": bootstrap.verify,
            "repair": partial(bootstrap.repair, orders=orders, wording=wording),
            "baseline": partial(bootstrap.baseline, orders=orders, wording=wording),
            "lint": bootstrap.lint,
            "digest": bootstrap.digest,
        }
        command = f"{self.command} --sql" if orders.wants_sql else self.command
        report = commands[command](settings, ctx)
        return int(delivery.deliver(report).exit_code)

    def demo(self, samples: Path | None, migrations: Path | None) -> int:
        """Play the demo with what lies at these paths, with that of the checkout if none."""
        from hook.demo.play import perform  # noqa: PLC0415 - not for a run
        from hook.render.palette import Palette  # noqa: PLC0415 - not for a run

        self.command = "demo"
        delivery = self._open(OutputSettings(format=OutputFormat.TEXT), Redactor(()))
        tell, palette = delivery.print_text, Palette(delivery.style)
        return int(perform(samples, migrations, tell, palette, self._interrupt))

    def refuse(self, error: HookError) -> int:
        """Tell *error*, which ended the command before a stage could."""
        delivery = self._delivery or self._open_early()
        now = datetime.now(UTC)
        report = report_of_error(error, self.command, self._run_id, now, self._helper())
        for finding in report.results[0].findings:
            log_finding(delivery.events, "settings", finding)
        log_end(delivery.events, report)
        return int(delivery.deliver(report).exit_code)

    def _helper(self) -> str:
        is_command = self.command in {"demo", *(shape.name for shape in SHAPES)}
        return f"presync {self.command} --help" if is_command else "presync --help"

    def crash(self, error: Exception) -> int:
        """Tell a bug, with its traceback in the log."""
        delivery = self._delivery or self._open_early()
        message = f"{type(error).__name__}: {error}"
        trace = "".join(traceback.format_exception(error))
        delivery.events("internal.error", message, level="error", traceback=trace)
        return self.refuse(HookError(message, "Report this bug with the traceback in the log."))

    def abandon(self) -> None:
        """Tell from another thread that the command hangs, and end the process.

        Whoever reads us may be what it hangs on, so only the termination message, which
        is written without waiting, is sure to be told.
        """
        try:
            delivery = self._delivery or self._open_early()
            now, name = datetime.now(UTC), self._interrupt.signal_name
            report = report_of_abandoned(name, self.command, self._run_id, now)
            delivery.leave_word(report)
            telling = threading.Thread(target=log_end, args=(delivery.events, report), daemon=True)
            telling.start()
            telling.join(LAST_WORDS_SECONDS)
        finally:
            os._exit(ExitCode.INTERRUPTED)

    def _open_early(self) -> Delivery:
        """Return a way out for what went wrong before the settings were looked at."""
        inputs = Inputs(find_output_flags(self._arguments), self.environment)
        secrets = find_secrets(self.environment, self._arguments)
        return self._open(read_output(inputs), Redactor(secrets))

    def _open(self, output: OutputSettings, redactor: Redactor) -> Delivery:
        self._log = open_log(self._run_id, output, sys.stderr, self.environment, redactor)
        self._delivery = Delivery(
            output=output,
            redactor=redactor,
            style=choose_style(output.format, sys.stdout, self.environment),
            stdout=sys.stdout,
            events=self._log,
        )
        return self._delivery


def _new_run_id() -> str:
    return os.urandom(_RUN_ID_BYTES).hex()


def _secrets_in(inputs: Inputs) -> tuple[str, ...]:
    url = inputs.flags.get(URL.name, "")
    spoken = inputs.arguments.secrets if inputs.arguments is not None else ()
    return (*find_secrets(inputs.environment, [url]), *spoken)


def _tell_settings(settings: Settings, delivery: Delivery) -> None:
    for note in settings.provenance.notes:
        delivery.events("settings.note", note)
    target = settings.database.target
    place = f" on {target.describe()}, named by {settings.database.source}" if target else ""
    actor = {name: value for name, value in settings.output.actor._asdict().items() if value}
    delivery.events("settings.read", f"presync {__version__}{place}", version=__version__, **actor)
