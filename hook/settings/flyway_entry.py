"""One value of Flyway's configuration files."""

from __future__ import annotations

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
        entries: Each key once; one with an empty value counts as not set.
        environment: Id of the environment that the TOML files select.
        notes: What was ignored, one sentence each.
    """

    entries: tuple[Entry, ...] = ()
    environment: str = "default"
    problems: tuple[Problem, ...] = ()
    notes: tuple[str, ...] = ()
