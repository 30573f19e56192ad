"""The command line's shape: commands and flags, generated from the table of settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

import click

from hook import __version__
from hook.commands import DEFAULT_COMMAND, CommandShape, OwnFlag
from hook.core.schema_history.info_filter import InfoFilter, parse_info_date, parse_states
from hook.core.schema_history.orders import Orders
from hook.core.scripts.version import Version
from hook.errors import describe_exit_codes
from hook.settings.flyway_files import PLACEHOLDER
from hook.settings.flyway_specification import FLYWAY_SETTINGS
from hook.settings.setting import Group, Setting
from hook.settings.sources import PLACEHOLDER_FLAG, Inputs
from hook.settings.specification import LOCATIONS, SETTINGS

_HELP_NAMES = ["-h", "--help"]
_PATHS = "paths"
_PLACEHOLDERS = "placeholders"
T = TypeVar("T")
_Callback = Callable[[click.Context, click.Parameter, str | None], T | None]


class _SettingOption(click.Option):
    """A flag that sets a setting; its text is parsed with all other settings."""

    def __init__(self, setting: Setting[object]) -> None:
        facts = [f"env {setting.environment[0]}"]
        facts += [f"default {setting.default}"] if setting.default is not None else []
        super().__init__(
            [setting.flag, setting.name],
            metavar=setting.metavar,
            help=f"{setting.meaning} [{', '.join(facts)}]",
        )
        self.group = setting.group


class _PlaceholderOption(click.Option):
    """The flag that gives placeholders their values."""

    def __init__(self) -> None:
        super().__init__(
            [PLACEHOLDER_FLAG, _PLACEHOLDERS],
            metavar="NAME=VALUE",
            multiple=True,
            help=f"Value of a placeholder; may be repeated. [env {PLACEHOLDER}NAME]",
        )
        self.group = Group.FLYWAY


def _parsed_by(parse: Callable[[str], T]) -> _Callback[T]:
    """Return what hands the text of a flag to *parse*, whose `ValueError` is a usage error."""

    def read(ctx: click.Context, parameter: click.Parameter, text: str | None) -> T | None:
        try:
            return None if text is None else parse(text)
        except ValueError as error:
            raise click.BadParameter(str(error), ctx, parameter) from error

    return read


def _parameter(flag: OwnFlag) -> str:
    return flag.name.lower()


def _valued(
    flag: OwnFlag, parse: Callable[[str], object], metavar: str, meaning: str
) -> click.Option:
    return click.Option(
        [flag.value, _parameter(flag)], callback=_parsed_by(parse), metavar=metavar, help=meaning
    )


_SWITCHES = {
    OwnFlag.CONFIRM: "Make the changes. Without it they are shown, and nothing is changed.",
    OwnFlag.RETRY_FAILED: (
        "Run a migration that failed a moment ago, although nothing has changed since."
    ),
    OwnFlag.RUNS: "Show the last runs from the ledger, the newest first.",
    OwnFlag.SQL: "Show the statements that `run` would send, as a script for psql.",
    OwnFlag.IDS: "Show versions, and descriptions of repeatables, in one line.",
    OwnFlag.IAM_POLICY: "Show the IAM policy that these settings need in AWS.",
}
_OWN_FLAGS = {
    OwnFlag.ONE_VERSION: _valued(
        OwnFlag.ONE_VERSION,
        Version.parse,
        "VERSION",
        "Repair the rows of this version and no other.",
    ),
    OwnFlag.SINCE_DATE: _valued(
        OwnFlag.SINCE_DATE,
        parse_info_date,
        "DATE",
        "Leave out what was applied before 'dd/mm/yyyy hh:mm'.",
    ),
    OwnFlag.UNTIL_DATE: _valued(
        OwnFlag.UNTIL_DATE,
        parse_info_date,
        "DATE",
        "Show only what was applied before 'dd/mm/yyyy hh:mm'.",
    ),
    OwnFlag.SINCE_VERSION: _valued(
        OwnFlag.SINCE_VERSION, Version.parse, "VERSION", "Leave out lower versions."
    ),
    OwnFlag.UNTIL_VERSION: _valued(
        OwnFlag.UNTIL_VERSION, Version.parse, "VERSION", "Show only versions up to this one."
    ),
    OwnFlag.OF_STATE: _valued(
        OwnFlag.OF_STATE, parse_states, "STATE,…", "Show only these states, such as pending."
    ),
    **{
        flag: click.Option([flag.value, _parameter(flag)], is_flag=True, help=meaning)
        for flag, meaning in _SWITCHES.items()
    },
}


class _Command(click.Command):
    """A command whose help shows the flags under the headings of their groups."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one section per group."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            # An argument is part of the usage line, and has nothing to say here.
            if record is not None and record[1]:
                group = getattr(parameter, "group", None)
                heading = group.value if isinstance(group, Group) else "Options"
                sections.setdefault(heading, []).append(record)
        for heading, records in sections.items():
            with formatter.section(heading):
                formatter.write_dl(records)


class Program(click.Group):
    """The program: its commands are built when asked for, `run` when none is named."""

    def __init__(
        self,
        shapes: tuple[CommandShape, ...],
        around: Inputs,
        act: Callable[[CommandShape, Inputs], int],
    ) -> None:
        """Let *act* carry out each of *shapes*, given flags and what is *around* them."""
        super().__init__(
            "presync",
            help="The gate between a rollout and its PostgreSQL database."
            f" Without a command, {DEFAULT_COMMAND!r} is meant.",
            epilog=f"{describe_exit_codes()}\n\nExample: presync check --format text",
            context_settings={"help_option_names": _HELP_NAMES},
        )
        click.version_option(__version__, prog_name="presync")(self)
        self._shapes = {shape.name: shape for shape in shapes}
        self._around = around
        self._act = act

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the default command in front of flags that are not the program's own."""
        own = {name for parameter in self.get_params(ctx) for name in parameter.opts}
        if not args or (args[0].startswith("-") and args[0] not in own):
            args = [DEFAULT_COMMAND, *args]
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names of the commands, the most used one first."""
        return [*self._shapes, *self.commands]

    def get_command(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        cmd_name: str,
    ) -> click.Command | None:
        """Build the command called *cmd_name*; the others are not needed."""
        shape = self._shapes.get(cmd_name)
        return self.commands.get(cmd_name) if shape is None else self._build(shape)

    def _build(self, shape: CommandShape) -> click.Command:
        def act(**parameters: object) -> int:
            return self._act(shape, _read_inputs(parameters, self._around))

        return _Command(
            shape.name,
            callback=act,
            params=list(_parameters(shape)),
            help=shape.meaning,
            short_help=shape.meaning.partition(". ")[0].rstrip(".") + ".",
            epilog=f"Example: {shape.example}",
        )


def build_demo_command(play: Callable[[Path | None, Path | None], int]) -> click.Command:
    """Return the command that reads no settings: nothing of the user's takes part in it.

    Args:
        play: Given *samples* and *migrations*, none for those of the checkout.
    """
    path = click.Path(path_type=Path)
    meaning = "See the gate at work on a throw-away PostgreSQL server."
    return click.Command(
        "demo",
        callback=play,
        params=[
            click.Option(
                ["--samples"],
                type=path,
                metavar="PATH",
                help="Recorded pgBackRest repository. [default tests/samples of the checkout]",
            ),
            click.Option(
                ["--migrations"],
                type=path,
                metavar="PATH",
                help="Migrations of the release. [default migrations of the checkout]",
            ),
        ],
        help=f"{meaning} Needs a checkout; touches nothing else.",
        short_help=meaning,
        epilog="Example: presync demo",
    )


def _parameters(shape: CommandShape) -> Iterator[click.Parameter]:
    if shape.takes_paths:
        yield click.Argument([_PATHS], nargs=-1, metavar="[PATH]...")
    yield from (_OWN_FLAGS[flag] for flag in shape.flags)
    for setting in SETTINGS:
        if setting.group in shape.groups:
            yield _SettingOption(setting)
            if setting.group is Group.FLYWAY and setting is FLYWAY_SETTINGS[-1]:
                yield _PlaceholderOption()


def _read_inputs(parameters: Mapping[str, object], around: Inputs) -> Inputs:
    settings = {setting.name for setting in SETTINGS}
    flags = {
        name: text
        for name, text in parameters.items()
        if isinstance(text, str) and name in settings
    }
    paths = parameters.get(_PATHS)
    if isinstance(paths, tuple) and paths:
        flags[LOCATIONS.name] = ",".join(paths)
    placeholders = parameters.get(_PLACEHOLDERS)
    return Inputs(
        flags,
        around.environment,
        placeholders if isinstance(placeholders, tuple) else (),
        around.folders,
        _read_orders(parameters),
        around.arguments,
    )


def _read_orders(parameters: Mapping[str, object]) -> Orders:
    return Orders(
        is_confirmed=_is_given(parameters, OwnFlag.CONFIRM),
        retries_failed=_is_given(parameters, OwnFlag.RETRY_FAILED),
        shows_runs=_is_given(parameters, OwnFlag.RUNS),
        only=_version(parameters, OwnFlag.ONE_VERSION),
        wants_sql=_is_given(parameters, OwnFlag.SQL),
        wants_policy=_is_given(parameters, OwnFlag.IAM_POLICY),
        shown=_read_filter(parameters),
    )


def _read_filter(parameters: Mapping[str, object]) -> InfoFilter | None:
    states = parameters.get(_parameter(OwnFlag.OF_STATE))
    shown = InfoFilter(
        since=str(parameters.get(_parameter(OwnFlag.SINCE_DATE)) or ""),
        until=str(parameters.get(_parameter(OwnFlag.UNTIL_DATE)) or ""),
        from_version=_version(parameters, OwnFlag.SINCE_VERSION),
        to_version=_version(parameters, OwnFlag.UNTIL_VERSION),
        states=states if isinstance(states, frozenset) else frozenset(),
        is_for_scripts=_is_given(parameters, OwnFlag.IDS),
    )
    return None if shown == InfoFilter() else shown


def _is_given(parameters: Mapping[str, object], switch: OwnFlag) -> bool:
    return parameters.get(_parameter(switch)) is True


def _version(parameters: Mapping[str, object], flag: OwnFlag) -> Version | None:
    version = parameters.get(_parameter(flag))
    return version if isinstance(version, Version) else None
