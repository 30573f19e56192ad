"""What a setting is, and what remembers where its value came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)

UNSET = "unset"


class Group(Enum):
    """The part of presync that a setting belongs to; the value is its heading."""

    DATABASE = "Database"
    MIGRATIONS = "Migrations"
    FLYWAY = "Flyway's own settings"
    RUN = "Run"
    BACKUP = "Backup gate"
    BLOCKERS = "Blockers gate"
    OVERRIDE = "Override"
    OUTPUT = "Output"


@dataclass(frozen=True, slots=True)
class Setting(Generic[T_co]):
    """One setting: its names, its meaning and how its text is read.

    Attributes:
        name: Snake case; the key in the file, and in kebab case the flag.
        parse: Text to value. Raises `ValueError` with a reason that completes
            "<name>: <value> …", or `ConfigError` with whole sentences of its own.
        default: Text, parsed like any other; none leaves the setting unset.
        help: One sentence.
        metavar: What stands for the value in ``--help``.
        environment: Variables that set it, strongest first; the first is documented.
        is_secret: The value may hold a password, so it is never shown.
    """

    name: str
    parse: Callable[[str], T_co]
    default: str | None
    help: str
    group: Group
    metavar: str
    environment: tuple[str, ...]
    is_secret: bool = False

    @property
    def flag(self) -> str:
        """Return the command-line flag."""
        return "--" + self.name.replace("_", "-")


class Origin(Enum):
    """Where a value was given, strongest first."""

    FLAG = "flag"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Given:
    """A value as it was written. *label* names the place: ``--deadline``, ``FLYWAY_TABLE``."""

    text: str
    origin: Origin
    label: str


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong with the settings, told together with all others."""

    text: str
    origin: Origin = Origin.ENVIRONMENT
    hint: str = ""
