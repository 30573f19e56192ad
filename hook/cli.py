"""The command line: which commands a process is to carry out, one after the other."""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NoReturn

from hook.clock import Interrupt
from hook.commands import ALIASES, SHAPES, CommandShape
from hook.errors import BadFlags, ExitCode, HookError
from hook.process import Process
from hook.render.delivery import open_closed_streams
from hook.settings.flyway_files import default_folders
from hook.settings.sources import Inputs

if TYPE_CHECKING:
    import click

    from hook.command_line import CommandLine

_COLLECT_AFTER = 100_000


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
    process = Process(arguments, environment, interrupt)
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


def _parse(arguments: Sequence[str], environment: Mapping[str, str], process: Process) -> int:
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


def _carry_out(program: click.Group, words: list[str], process: Process) -> int:
    import click  # noqa: PLC0415 - as in `_parse`

    try:
        return int(program.main(words, "presync", standalone_mode=False) or 0)
    except click.UsageError as error:
        return process.refuse(_usage_error(error, process.command))


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


def _usage_error(error: click.UsageError, command: str) -> BadFlags:
    from hook.settings.names import NOT_YET, OWN, not_yet  # noqa: PLC0415 - as in `_parse`

    flag = str(getattr(error, "option_name", ""))
    if OWN + flag.removeprefix("--").replace("-", "_").upper() in NOT_YET:
        problem = not_yet(flag)
        return BadFlags((problem.text,), problem.hint)
    reason = _reason_of(error)
    path = error.ctx.command_path if error.ctx is not None else f"presync {command}".strip()
    return BadFlags((reason,), f"Run `{path} --help` to see what there is.")


def _reason_of(error: click.UsageError) -> str:
    import click  # noqa: PLC0415 - as in `_parse`

    message = " ".join(error.format_message().split()).rstrip(".")
    if isinstance(error, click.NoSuchOption):
        message = f"no such option '{error.option_name}'"
        if error.possibilities:
            message += f"; did you mean {' or '.join(sorted(error.possibilities))}?"
    return message[:1].lower() + message[1:]
