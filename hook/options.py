"""The command line's shape: commands and flags, generated from the table of settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click

from hook import __version__
from hook.commands import DEFAULT_COMMAND, CommandShape, OwnFlag
from hook.core.schema_history.info_filter import InfoFilter
from hook.core.schema_history.orders import Orders
from hook.core.scripts.version import Version
from hook.errors import describe_exit_codes
from hook.help_pages import Command, Commands
from hook.own_flags import OWN_FLAGS, parameter_of
from hook.settings.flyway_files import PLACEHOLDER
from hook.settings.flyway_specification import FLYWAY_SETTINGS
from hook.settings.setting import Group, Setting
from hook.settings.sources import PLACEHOLDER_FLAG, Inputs
from hook.settings.specification import LOCATIONS, SETTINGS

_HELP_NAMES = ["-h", "--help"]
_PATHS = "paths"
_PLACEHOLDERS = "placeholders"
_DURATIONS = "A DURATION is a whole number and a unit: 100ms, 30s, 25m, 24h, 7d."
_EXIT_CODES = "Exit codes: see `presync --help`."


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


def _with_values(
    ctx: click.Context, parameter: click.Parameter, texts: tuple[str, ...]
) -> tuple[str, ...]:
    """Return *texts*, each of which has to name a placeholder and give it a value."""
    if not all(text.partition("=")[0] and "=" in text for text in texts):
        # What stands there may be a value, and is told to nobody.
        raise click.BadParameter("it is not NAME=VALUE", ctx, parameter)
    return texts


class _PlaceholderOption(click.Option):
    """The flag that gives placeholders their values."""

    def __init__(self) -> None:
        super().__init__(
            [PLACEHOLDER_FLAG, _PLACEHOLDERS],
            metavar="NAME=VALUE",
            multiple=True,
            callback=_with_values,
            help=f"Value of a placeholder; may be repeated. [env {PLACEHOLDER}NAME]",
        )
        self.group = Group.FLYWAY


class Program(Commands):
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

        return Command(
            shape.name,
            callback=act,
            params=list(_parameters(shape)),
            help=shape.meaning,
            short_help=shape.meaning.partition(". ")[0].rstrip(".") + ".",
            epilog=_closing(shape),
        )


def build_demo_command(play: Callable[[Path | None, Path | None], int]) -> click.Command:
    """Return the command that reads no settings: nothing of the user's takes part in it.

    Args:
        play: Given *samples* and *migrations*, none for those of the checkout.
    """
    path = click.Path(path_type=Path)
    meaning = "See the gate at work on a throw-away PostgreSQL server."
    return Command(
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
        epilog=f"{_EXIT_CODES}\n\nExample: presync demo",
    )


def _closing(shape: CommandShape) -> str:
    """Return what stands below the flags of a command."""
    metavars = {setting.metavar for setting in SETTINGS if setting.group in shape.groups}
    units = (_DURATIONS,) if any("DURATION" in metavar for metavar in metavars) else ()
    return "\n\n".join((*units, _EXIT_CODES, f"Example: {shape.example}"))


def _parameters(shape: CommandShape) -> Iterator[click.Parameter]:
    if shape.takes_paths:
        yield click.Argument([_PATHS], nargs=-1, metavar="[PATH]...")
    yield from (OWN_FLAGS[flag] for flag in shape.flags)
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
        if LOCATIONS.name in flags:
            raise click.UsageError(f"{LOCATIONS.flag} and PATH both name folders")
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
    shown = _read_filter(parameters)
    if shown is not None and _is_given(parameters, OwnFlag.RUNS):
        raise click.UsageError(
            f"{OwnFlag.RUNS.value} shows past runs, and the flags beside it choose migrations"
        )
    return Orders(
        is_confirmed=_is_given(parameters, OwnFlag.CONFIRM),
        retries_failed=_is_given(parameters, OwnFlag.RETRY_FAILED),
        shows_runs=_is_given(parameters, OwnFlag.RUNS),
        only=_version(parameters, OwnFlag.ONE_VERSION),
        wants_sql=_is_given(parameters, OwnFlag.SQL),
        wants_policy=_is_given(parameters, OwnFlag.IAM_POLICY),
        shown=shown,
    )


def _read_filter(parameters: Mapping[str, object]) -> InfoFilter | None:
    states = parameters.get(parameter_of(OwnFlag.OF_STATE))
    shown = InfoFilter(
        since=str(parameters.get(parameter_of(OwnFlag.SINCE_DATE)) or ""),
        until=str(parameters.get(parameter_of(OwnFlag.UNTIL_DATE)) or ""),
        from_version=_version(parameters, OwnFlag.SINCE_VERSION),
        to_version=_version(parameters, OwnFlag.UNTIL_VERSION),
        states=states if isinstance(states, frozenset) else frozenset(),
        is_for_scripts=_is_given(parameters, OwnFlag.IDS),
    )
    return None if shown == InfoFilter() else shown


def _is_given(parameters: Mapping[str, object], switch: OwnFlag) -> bool:
    return parameters.get(parameter_of(switch)) is True


def _version(parameters: Mapping[str, object], flag: OwnFlag) -> Version | None:
    version = parameters.get(parameter_of(flag))
    return version if isinstance(version, Version) else None
