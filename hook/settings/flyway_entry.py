"""Values of Flyway's configuration files, and of its arguments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hook.settings.setting import Given, Problem


@dataclass(frozen=True, slots=True)
class Entry:
    """A key as ``flyway.conf`` spells it, for example ``flyway.url``, and its value.

    Attributes:
        has_references: ``${env.NAME}`` in the value stands for a variable.
    """

    key: str
    given: Given = field(repr=False)
    has_references: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """What files of one family say together.

    Attributes:
        entries: Each key once; one with an empty value mostly counts as not set.
        environment: Id of the environment that the TOML files select.
        notes: What was ignored, one sentence each.
    """

    entries: tuple[Entry, ...] = ()
    environment: str = "default"
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FlywayArguments:
    """What Flyway's arguments say.

    Attributes:
        entries: By key of ``flyway.conf``.
        tables: Path and value of what only ``flyway.toml`` has a place for: the
            environment to use, and keys of environments.
        variables: Variables that are set by an argument.
        replaced: Variables that give way to an argument, in upper case.
        secrets: Values that may not be shown; a command line that holds one is refused.
        notes: What was ignored, one sentence each.
    """

    entries: tuple[Entry, ...] = ()
    tables: tuple[tuple[tuple[str, ...], Given], ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    replaced: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    secrets: tuple[str, ...] = field(default=(), repr=False)
    notes: tuple[str, ...] = ()

    def overlaid(self, environment: Mapping[str, str]) -> dict[str, str]:
        """Return *environment* without what an argument sets instead."""
        left = {
            name: value for name, value in environment.items() if name.upper() not in self.replaced
        }
        return left | dict(self.variables)
