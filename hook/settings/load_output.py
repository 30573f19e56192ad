"""The settings of the output, put together from single values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from hook.settings import output_specification as spec
from hook.settings.output import Actor, OutputFormat, OutputSettings
from hook.settings.setting import Setting
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
        s3_endpoint=values.of(spec.S3_ENDPOINT),
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


def read_spoken(
    arguments: Sequence[str], environment: Mapping[str, str], settings: tuple[Setting[object], ...]
) -> Values:
    """Return what *arguments* and variables alone say of *settings*; no file is opened."""
    variables = [name for setting in settings for name in setting.environment]
    spoken = {name: environment[name] for name in variables if name in environment}
    return read_values(Inputs(_find_flags(arguments, settings), spoken), settings)[0]


def read_spoken_output(arguments: Sequence[str], environment: Mapping[str, str]) -> OutputSettings:
    """Return where something is told while a file may hang that says it, too."""
    settings = tuple(item for item in spec.OUTPUT_SETTINGS if item is not spec.CONFIG)
    return build_output(read_spoken(arguments, environment, settings))


def find_output_flags(arguments: Sequence[str]) -> dict[str, str]:
    """Return what *arguments*, which cannot be parsed as a whole, say of the output."""
    return _find_flags(arguments, spec.OUTPUT_SETTINGS)


def _find_flags(arguments: Sequence[str], settings: tuple[Setting[object], ...]) -> dict[str, str]:
    found: dict[str, str] = {}
    names = {setting.flag: setting.name for setting in settings}
    names |= {flag: name for flag, name in _FLYWAYS.items() if name in names.values()}
    for word, following in pairwise((*arguments, "")):
        flag, is_joined, value = word.partition("=")
        if flag in names:
            found[names[flag]] = value if is_joined else following
    return found
