"""The settings of the output, put together from single values."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from hook.settings import output_specification as spec
from hook.settings.output import Actor, OutputFormat, OutputSettings
from hook.settings.sources import Inputs, Values, read_values

if TYPE_CHECKING:
    from hook.core.schema_history.orders import Orders

# In Flyway's form, key and value are one word.
_FLYWAYS = {"-outputType": spec.FORMAT.name, "-outputFile": spec.REPORT.name}


def build_output(values: Values) -> OutputSettings:
    """Return what *values* say about the output."""
    return OutputSettings(
        format=values.of(spec.FORMAT),
        log_format=values.of(spec.LOG_FORMAT),
        report=values.of(spec.REPORT),
        termination_log=values.of(spec.TERMINATION_LOG),
        actor=Actor(
            pod=values.of(spec.POD),
            namespace=values.of(spec.NAMESPACE),
            job=values.of(spec.JOB),
            job_uid=values.of(spec.JOB_UID),
        ),
    )


def read_output(inputs: Inputs) -> OutputSettings:
    """Return where problems are to be told, whatever is wrong with the settings."""
    # Flyway has no such settings.
    values, _ = read_values(Inputs(inputs.flags, inputs.environment), spec.OUTPUT_SETTINGS)
    return build_output(values)


def output_for(orders: Orders, output: OutputSettings) -> OutputSettings:
    """Return *output* as text where a script is to read it, unless it asks for JSON."""
    is_for_scripts = orders.shown is not None and orders.shown.is_for_scripts
    return output._replace(format=output.format or OutputFormat.TEXT) if is_for_scripts else output


def find_output_flags(arguments: Sequence[str]) -> dict[str, str]:
    """Return what *arguments*, which cannot be parsed as a whole, say of the output."""
    found: dict[str, str] = {}
    names = {setting.flag: setting.name for setting in spec.OUTPUT_SETTINGS} | _FLYWAYS
    for word, following in pairwise((*arguments, "")):
        flag, is_joined, value = word.partition("=")
        if flag in names:
            found[names[flag]] = value if is_joined else following
    return found
