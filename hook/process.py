"""One process: reads the settings of a command, lets it work, tells how it ended."""

from __future__ import annotations

import os
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hook import __version__
from hook.clock import Interrupt
from hook.commands import SHAPES, CommandShape
from hook.core.reporting.early_report import Hanging, report_of_abandoned, report_of_error
from hook.core.reporting.redaction import Redactor
from hook.core.reporting.report import Report
from hook.core.schema_history.orders import Orders
from hook.errors import ExitCode, HookError
from hook.render.delivery import Delivery, choose_style, log_end, log_finding, open_log
from hook.settings import Settings
from hook.settings.load import load_settings
from hook.settings.load_output import (
    find_output_flags,
    output_for,
    read_output,
    read_spoken_output,
)
from hook.settings.output import OutputFormat, OutputSettings
from hook.settings.run_deadline import begin_deadline, find_deadline
from hook.settings.secrets import find_secrets
from hook.settings.sources import Inputs
from hook.settings.specification import URL

if TYPE_CHECKING:
    from hook.log import EventLog
    from hook.stages import Context

_RUN_ID_BYTES = 6
LAST_WORDS_SECONDS = 1.0


class Process:
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
        self._report: Report | None = None
        self._begin()

    def _begin(self) -> None:
        """Begin a run: until its settings are read, what is said without a file holds."""
        self._report, self._interrupt.stage = None, "settings"
        begin_deadline(find_deadline(self._arguments, self.environment), self._interrupt)

    def close(self) -> None:
        """Leave the terminal as it was found."""
        if self._log is not None:
            self._log.close()

    def act(self, shape: CommandShape, inputs: Inputs) -> int:
        """Carry out *shape*, one run of its own."""
        self.command, self._run_id = shape.name, _new_run_id()
        self._begin()
        self._open(read_output(inputs), Redactor(_secrets_in(inputs)))
        try:
            settings = load_settings(inputs, shape.need)
            known, output = settings.provenance, output_for(inputs.orders, settings.output)
            delivery = self._open(output, Redactor(known.secrets, known.public))
            if shape.name == "config":
                from hook.render.showing import prepare  # noqa: PLC0415 - not for a run

                prepare(settings, delivery, inputs)
            return self._work(settings, delivery, inputs.orders)
        except HookError as error:
            return self.refuse(error)

    def _work(self, settings: Settings, delivery: Delivery, orders: Orders) -> int:
        delivery.announce(self.command, self._run_id)
        _tell_settings(settings, delivery)
        # The driver and the stages are half of a start, which the first line does not wait for;
        # `presync --help` needs neither.
        from hook import bootstrap  # noqa: PLC0415 - see above

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
            "config": bootstrap.config,
        }
        command = f"{self.command} --sql" if orders.wants_sql else self.command
        self._report = commands[command](settings, ctx)
        self._interrupt.stage = "report"
        return int(delivery.deliver(self._report).exit_code)

    def demo(self, samples: Path | None, migrations: Path | None) -> int:
        """Play the demo with what lies at these paths, with that of the checkout if none."""
        from hook.demo.play import perform  # noqa: PLC0415 - not for a run
        from hook.render.palette import Palette  # noqa: PLC0415 - not for a run

        self.command = "demo"
        self._interrupt.deadline = None  # it is for the runs that are shown, not for the show
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
        is written without waiting, is sure to be told. So may a file with settings.
        """
        request, deadline = self._interrupt, self._interrupt.deadline
        hanging = Hanging(
            request.signal_name,
            "" if deadline is None else deadline.label,
            request.stage,
            self.command,
            self._run_id,
            self._report,
        )
        code = ExitCode.BUG
        try:
            report = report_of_abandoned(hanging, datetime.now(UTC))
            code = report.exit_code
            spoken = read_spoken_output(self._arguments, self.environment)
            delivery = self._delivery or self._open(spoken, self._early_redactor())
            delivery.leave_word(report)
            telling = threading.Thread(target=log_end, args=(delivery.events, report), daemon=True)
            telling.start()
            telling.join(LAST_WORDS_SECONDS)
        finally:
            os._exit(code)

    def _early_redactor(self) -> Redactor:
        return Redactor(find_secrets(self.environment, self._arguments))

    def _open_early(self) -> Delivery:
        """Return a way out for what went wrong before the settings were looked at."""
        inputs = Inputs(find_output_flags(self._arguments), self.environment)
        return self._open(read_output(inputs), self._early_redactor())

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
