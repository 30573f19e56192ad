"""What a team sets about its migrations; the names and defaults are Flyway's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hook.core.baseline import BaselineRules
from hook.core.history_rules import HistoryRules
from hook.core.placeholders import PlaceholderSyntax
from hook.core.script import Naming

DEFAULT_TABLE = "flyway_schema_history"
DEFAULT_LEDGER = "presync_run"


@dataclass(frozen=True, slots=True)
class Sources:
    """Where the scripts are and how to read them.

    Attributes:
        locations: Folders, with or without ``filesystem:``; empty for the default ones.
    """

    locations: tuple[str, ...] = ()
    encoding: str = "utf-8"
    naming: Naming = field(default_factory=Naming)


@dataclass(frozen=True, slots=True)
class Placeholders:
    """What placeholders stand for.

    Attributes:
        values: By name in lower case.
        environment: What ``${flyway:environment}`` stands for.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    syntax: PlaceholderSyntax = field(default_factory=PlaceholderSyntax)
    is_replacing: bool = True
    environment: str = "default"


@dataclass(frozen=True, slots=True)
class HistoryTable:
    """Where the schema history is and what is written into it.

    Attributes:
        default_schema: None for the first of *schemas*, else the session's own.
        schemas: Schemas that belong to the application, besides the default one.
        creates_schemas: Those that are missing are created.
        installed_by: None for the database user.
        ledger: Presync's own table, no sign of an application.
    """

    table: str = DEFAULT_TABLE
    default_schema: str | None = None
    schemas: tuple[str, ...] = ()
    creates_schemas: bool = True
    tablespace: str | None = None
    installed_by: str | None = None
    ledger: str = DEFAULT_LEDGER


@dataclass(frozen=True, slots=True)
class Execution:
    """How scripts are run.

    Attributes:
        is_mixed_allowed: A script may hold both statements that need a transaction and
            statements that refuse one; it then runs without.
        in_transaction: Of scripts that do not say otherwise themselves.
    """

    is_mixed_allowed: bool = False
    in_transaction: bool = True


@dataclass(frozen=True, slots=True)
class MigrationSettings:
    """Everything that a team sets about its migrations."""

    sources: Sources = field(default_factory=Sources)
    placeholders: Placeholders = field(default_factory=Placeholders)
    history: HistoryTable = field(default_factory=HistoryTable)
    baseline: BaselineRules = field(default_factory=BaselineRules)
    rules: HistoryRules = field(default_factory=HistoryRules)
    execution: Execution = field(default_factory=Execution)
