"""The command line cut up: which commands to run, presync's own flags, and Flyway's.

Flyway's form is ``flyway -key=value … command …``, several commands in a row. Both forms
can be mixed: ``presync -url=jdbc:postgresql://db/shop migrate --deadline 10m``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import NamedTuple

from hook.commands import ALIASES, SHAPES, OwnFlag
from hook.errors import BadFlags, Unsupported
from hook.settings.suggestion import did_you_mean

_DEMO, _INFO = "demo", "info"
_KNOWN = (*(shape.name for shape in SHAPES), *ALIASES, _DEMO)
_TAKING = frozenset({shape.name for shape in SHAPES if shape.takes_paths} | {_DEMO})
_HELP = frozenset({"-h", "-?", "-help", "--help", "help"})
_VERSION = frozenset({"-v", "version"})
_HELP_FLAG, _VERSION_FLAG = "--help", "--version"
_NO_VALUE = frozenset({_HELP_FLAG, *(flag.value for flag in OwnFlag if not flag.takes_value)})

_HINT = "Run `presync --help` to see what there is."
_NO_MODEL = "presync compares files with the schema history, not schemas with each other"
REFUSED_COMMANDS = {
    "clean": "presync never drops what it did not create",
    "undo": "a schema goes forward: write a new migration that takes the change back",
    "snapshot": _NO_MODEL,
    "diff": _NO_MODEL,
    "diffText": _NO_MODEL,
    "generate": _NO_MODEL,
    "model": _NO_MODEL,
    "prepare": _NO_MODEL,
    "deploy": _NO_MODEL,
    "auth": "nothing here needs a license",
    "init": "settings are variables, flags or files that you write",
    "add": "a migration is a file that you write",
    "testConnection": "presync verify reaches the database and reads the schema history",
}

# Of Flyway's flags without a value.
IGNORED_SWITCHES = {
    "-X": "every step is logged as it is",
    "-q": "the log goes to stderr and the result to stdout; redirect what you do not want",
    "-n": "nothing is asked",
    "-skipCheckForUpdate": "nothing is checked",
    "-communityFallback": "nothing here needs a license",
}

_FOR_INFO = {
    "infoSinceDate": OwnFlag.SINCE_DATE,
    "infoUntilDate": OwnFlag.UNTIL_DATE,
    "infoSinceVersion": OwnFlag.SINCE_VERSION,
    "infoUntilVersion": OwnFlag.UNTIL_VERSION,
    "infoOfState": OwnFlag.OF_STATE,
}
_MIGRATION_IDS = "-migrationIds"


class CommandLine(NamedTuple):
    """A command line.

    Attributes:
        commands: In running order; empty when none is named.
        own: Presync's own flags with their values.
        flyway: Flyway's ``-key=value``.
        info: Flags that are for `info` alone.
        is_colourless: Nothing is to be painted.
        notes: What is ignored, one sentence each.
    """

    commands: tuple[str, ...]
    own: tuple[str, ...]
    flyway: tuple[str, ...]
    info: tuple[str, ...] = ()
    is_colourless: bool = False
    notes: tuple[str, ...] = ()

    def words_of(self, command: str) -> list[str]:
        """Return *command* with its flags."""
        return [command, *self.own, *(self.info if command == _INFO else ())]


def cut_command_line(arguments: Sequence[str]) -> CommandLine:
    """Return *arguments* cut up.

    Raises:
        BadFlags: A command or a flag that neither presync nor Flyway has.
        Unsupported: A command of Flyway's that is not there.
    """
    cutter = _Cutter()
    for argument in arguments:
        cutter.take(argument)
    return cutter.result()


def asked_command(arguments: Sequence[str]) -> str:
    """Return what *arguments*, which cannot be cut up, ask for; empty when it is nothing.

    A word that is no command of presync's stands for all: on its account none is run.
    """
    cutter = _Cutter()
    for argument in arguments:
        with contextlib.suppress(BadFlags):
            cutter.take(argument)
    return cutter.asked()


class _Cutter:
    """One walk over the arguments."""

    def __init__(self) -> None:
        self._words: list[str] = []
        self._own: list[str] = []
        self._flyway: list[str] = []
        self._info: list[str] = []
        self._notes: list[str] = []
        self._is_colourless = False
        self._awaits_value = False
        self._wants_version = False

    def take(self, argument: str) -> None:
        """Put *argument* where it belongs."""
        awaits_value, self._awaits_value = self._awaits_value, False
        if awaits_value and not argument.startswith("--"):
            self._own.append(argument)
        elif argument in _HELP:
            self._own.append(_HELP_FLAG)
        elif argument in _VERSION:
            self._wants_version = True
        elif argument.startswith("--"):
            self._own.append(argument)
            self._awaits_value = self._takes_value(argument)
        elif argument.startswith("-") and argument != "-":
            self._take_flyway(argument)
        elif argument:
            self._words.append(argument)

    def _takes_value(self, flag: str) -> bool:
        if flag == _VERSION_FLAG:
            # With a command it is the one of that command, else the program's.
            return bool(self._words)
        return "=" not in flag and flag not in _NO_VALUE

    def _take_flyway(self, argument: str) -> None:
        name, is_setting, text = argument.removeprefix("-").partition("=")
        if not is_setting:
            self._take_switch(argument)
        elif name in _FOR_INFO:
            self._info += (_FOR_INFO[name].value, text)
        elif name == "outputType":
            self._own += ("--format", text)
        elif name == "outputFile":
            self._own += ("--report", text)
        elif name == "color":
            self._take_color(text)
        elif name == "workingDirectory":
            self._own += ("--working-directory", text)
        else:
            self._flyway.append(argument)

    def _take_switch(self, argument: str) -> None:
        if argument == _MIGRATION_IDS:
            self._info.append(OwnFlag.IDS.value)
        elif argument in IGNORED_SWITCHES:
            self._notes.append(f"{argument} is ignored: {IGNORED_SWITCHES[argument]}")
        else:
            guess = did_you_mean(argument, [*IGNORED_SWITCHES, _MIGRATION_IDS])
            raise BadFlags(
                (f"{argument} is not a flag{guess}",),
                "A flag in Flyway's form and its value are one word, -key=value;"
                " `presync --help` lists presync's own.",
            )

    def _take_color(self, text: str) -> None:
        if text not in {"auto", "always", "never"}:
            raise BadFlags((f"-color: {text!r} is not auto, always or never",))
        self._is_colourless = text == "never"
        if text == "always":
            self._notes.append("-color=always is ignored: only a terminal is painted")

    def result(self) -> CommandLine:
        """Return what was cut up."""
        if self._wants_version:
            return CommandLine((), (_VERSION_FLAG,), ())
        commands, rest = self._commands(self._words)
        if self._info and _INFO not in commands:
            names = ", ".join(flag for flag in self._info if flag.startswith("--"))
            self._notes.append(f"{names} is ignored: {_INFO} is not asked for")
        return CommandLine(
            commands,
            (*self._own, *rest),
            tuple(self._flyway),
            tuple(self._info),
            self._is_colourless,
            tuple(self._notes),
        )

    def asked(self) -> str:
        """Return the first word that is no command, else the first command."""
        first = self._words[:1]
        strange = [] if first and first[0] in _TAKING else self._words
        named = [word for word in strange if word not in _KNOWN] or first
        return "".join(ALIASES.get(word, word) for word in named[:1])

    def _commands(self, words: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the commands, and the arguments of one that takes some."""
        if words and words[0] in _TAKING:
            return (words[0],), tuple(words[1:])
        for word in words:
            if word in REFUSED_COMMANDS:
                raise Unsupported(f"there is no command {word}: {REFUSED_COMMANDS[word]}", _HINT)
            if word not in _KNOWN:
                guess = did_you_mean(word, _KNOWN)
                raise BadFlags((f"no such command {word!r}{guess}",), _HINT)
        return tuple(ALIASES.get(word, word) for word in words), ()
