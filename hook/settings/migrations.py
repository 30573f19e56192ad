"""What a team sets about its migrations; the names and defaults are Flyway's."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from hook.core.schema_history.baseline import BaselineRules
from hook.core.schema_history.history_rules import HistoryRules
from hook.core.scripts.placeholders import PlaceholderSyntax
from hook.core.scripts.script import Naming

DEFAULT_TABLE = "flyway_schema_history"
DEFAULT_LEDGER = "presync_run"


class Sources(NamedTuple):
    """Where the scripts are and how to read them.

    Attributes:
        locations: Folders, with or without ``filesystem:``; empty for the default ones.
        working_directory: What relative ones start from; empty for the current directory.
        callback_locations: Where the callbacks are, none for *locations*.
        skips_callbacks: Callbacks are left alone.
        tolerates_missing: A location may be missing while there is another one.
    """

    locations: tuple[str, ...] = ()
    encoding: str = "utf-8"
    naming: Naming = Naming()
    working_directory: str = ""
    callback_locations: tuple[str, ...] | None = None
    skips_callbacks: bool = False
    tolerates_missing: bool = False


class Placeholders(NamedTuple):
    """What placeholders stand for.

    Attributes:
        values: By name in lower case.
        environment: What ``${flyway:environment}`` stands for.
    """

    values: Mapping[str, str] = MappingProxyType({})
    syntax: PlaceholderSyntax = PlaceholderSyntax()
    is_replacing: bool = True
    environment: str = "default"


class HistoryTable(NamedTuple):
    """Where the schema history is and what is written into it.

    Attributes:
        default_schema: None for the first of *schemas*, else the session's own.
        schemas: Schemas that belong to the application, besides the default one.
        creates_schemas: Those that are missing are created.
        installed_by: None for the database user.
        ledger: Presync's own table of runs, no sign of an application; empty for none.
    """

    table: str = DEFAULT_TABLE
    default_schema: str | None = None
    schemas: tuple[str, ...] = ()
    creates_schemas: bool = True
    tablespace: str | None = None
    installed_by: str | None = None
    ledger: str = DEFAULT_LEDGER


class Execution(NamedTuple):
    """How scripts are run.

    Attributes:
        is_mixed_allowed: A script may hold both statements that need a transaction and
            statements that refuse one; it then runs without.
        in_transaction: Of scripts that do not say otherwise themselves.
        init_sql: Run on each new connection, empty for nothing.
        is_grouped: All pending scripts share one transaction.
        records_only: No script is run, all are recorded as applied.
        shows_results: What queries in scripts return is told in the log.
    """

    is_mixed_allowed: bool = False
    in_transaction: bool = True
    init_sql: str = ""
    records_only: bool = False
    is_grouped: bool = False
    shows_results: bool = True


class MigrationSettings(NamedTuple):
    """Everything that a team sets about its migrations."""

    sources: Sources = Sources()
    placeholders: Placeholders = Placeholders()
    history: HistoryTable = HistoryTable()
    baseline: BaselineRules = BaselineRules()
    rules: HistoryRules = HistoryRules()
    execution: Execution = Execution()
