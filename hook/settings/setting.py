"""What a setting is, and what remembers where its value came from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


class Group(Enum):
    """The part of presync that a setting belongs to; the value is its heading."""

    DATABASE = "Database"
    MIGRATIONS = "Migrations"
    FLYWAY = "Flyway's own settings"
    RUN = "Run"
    BACKUP = "Backup gate"
    ARCHIVE = "Archive gate"
    BLOCKERS = "Blockers gate"
    MARKER = "Marker"
    OVERRIDE = "Override"
    OUTPUT = "Output"


class Setting(NamedTuple, Generic[T_co]):
    """One setting: its names, its meaning and how its text is read.

    Attributes:
        name: Snake case; the key in the file, and in kebab case the flag.
        parse: Text to value. Raises `ValueError` with a reason that names the value,
            or `ConfigError` with problems that name the setting too.
        default: Text, parsed like any other; none leaves the setting unset.
        meaning: One sentence, for ``--help`` and the docs.
        metavar: What stands for the value in ``--help``.
        environment: Variables that set it, strongest first; the first is documented.
        is_secret: The value may hold a password, so it is never shown.
        may_be_empty: An empty text is a value; otherwise it counts as not given.
    """

    group: Group
    name: str
    parse: Callable[[str], T_co]
    default: str | None
    metavar: str
    meaning: str
    environment: tuple[str, ...]
    is_secret: bool = False
    may_be_empty: bool = False

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


class Given(NamedTuple):
    """A value as it was written. *label* names the place: ``--deadline``, ``FLYWAY_TABLE``."""

    text: str
    origin: Origin
    label: str


class Problem(NamedTuple):
    """Something wrong with the settings, told together with all others."""

    text: str
    origin: Origin = Origin.ENVIRONMENT
    hint: str = ""


def own(
    group: Group,
    name: str,
    parse: Callable[[str], T],
    default: str | None,
    metavar: str,
    meaning: str,
) -> Setting[T]:
    """Return a setting of presync's own, whose variable follows from its name."""
    return Setting(group, name, parse, default, metavar, meaning, (f"PRESYNC_{name.upper()}",))


def settings_in(namespace: Mapping[str, object]) -> tuple[Setting[object], ...]:
    """Return the settings that a module defines, in its order, so that none is left out."""
    return tuple(item for item in namespace.values() if isinstance(item, Setting))


def flyway(
    name: str, parse: Callable[[str], T], default: str | None, metavar: str, meaning: str
) -> Setting[T]:
    """Return a setting of Flyway's, under Flyway's variable."""
    variable = f"FLYWAY_{name.upper()}"
    return Setting(Group.FLYWAY, name, parse, default, metavar, meaning, (variable,))
