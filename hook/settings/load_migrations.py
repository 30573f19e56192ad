"""The settings of the migrations, put together from single values."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from hook.core.schema_history.baseline import BaselineRules
from hook.core.schema_history.cherry_pick import CherryPick
from hook.core.schema_history.history_rules import HistoryRules
from hook.core.scripts.callback import CALLBACK_EVENTS
from hook.core.scripts.placeholders import (
    PlaceholderSyntax,
    UnresolvedPlaceholders,
    replace_placeholders,
)
from hook.core.scripts.script import Naming
from hook.errors import ConfigError
from hook.settings import flyway_specification as flyway
from hook.settings import specification as spec
from hook.settings.migrations import (
    Execution,
    HistoryTable,
    MigrationSettings,
    Placeholders,
    Sources,
)
from hook.settings.setting import Problem
from hook.settings.sources import Values

_PREFIXES = (
    flyway.SQL_MIGRATION_PREFIX,
    flyway.REPEATABLE_SQL_MIGRATION_PREFIX,
    flyway.BASELINE_MIGRATION_PREFIX,
)


def judge_prefixes(values: Values) -> Iterator[Problem]:
    """Yield a problem where nobody can tell two kinds of scripts apart.

    Flyway refuses every script of them, runs one as a baseline, or passes over it; with the
    name of an event it takes them for callbacks.
    """
    for setting in _PREFIXES:
        if values.of(setting) in CALLBACK_EVENTS:
            text = f"{setting.environment[0]} is the name of an event: {values.of(setting)!r}"
            yield Problem(text, hint="Give migrations a prefix that callbacks do not have.")
    for one, other in combinations(_PREFIXES, 2):
        prefix = values.of(one)
        if prefix and prefix == values.of(other):
            names = f"{one.environment[0]} and {other.environment[0]}"
            hint = "Give each kind of migration a prefix of its own."
            yield Problem(f"{names} are both {prefix!r}", hint=hint)


def judge_tables(values: Values) -> Iterator[Problem]:
    """Yield a problem where the ledger would be the schema history, or the other way round."""
    name = values.of(spec.LEDGER)
    if name == values.of(flyway.TABLE):
        hint = "Give the ledger a name of its own, or set PRESYNC_LEDGER=off."
        yield Problem(f"PRESYNC_LEDGER and FLYWAY_TABLE are both {name!r}", hint=hint)


def build_migrations(values: Values) -> MigrationSettings:
    """Return what *values* say about the migrations."""
    locations = values.of(spec.LOCATIONS)
    return MigrationSettings(
        sources=Sources(
            locations=locations or (),
            encoding=values.of(flyway.ENCODING),
            naming=_build_naming(values),
            working_directory=values.of(flyway.WORKING_DIRECTORY) or "",
            callback_locations=values.of(flyway.CALLBACK_LOCATIONS),
            skips_callbacks=values.of(flyway.SKIP_DEFAULT_CALLBACKS),
            tolerates_missing=not values.of(flyway.FAIL_ON_MISSING_LOCATIONS),
        ),
        placeholders=_build_placeholders(values),
        history=_build_history(values),
        baseline=BaselineRules(
            on_migrate=values.of(flyway.BASELINE_ON_MIGRATE),
            is_allowed=values.of(spec.ALLOW_BASELINE),
            version=values.of(flyway.BASELINE_VERSION),
            description=values.of(flyway.BASELINE_DESCRIPTION),
            is_dispensable=values.of(flyway.SKIP_EXECUTING_MIGRATIONS),
        ),
        rules=_build_rules(values),
        execution=Execution(
            is_mixed_allowed=values.of(flyway.MIXED),
            in_transaction=values.of(flyway.EXECUTE_IN_TRANSACTION),
            init_sql=_init_sql(values),
            is_grouped=values.of(flyway.GROUP),
            records_only=values.of(flyway.SKIP_EXECUTING_MIGRATIONS),
            shows_results=values.of(flyway.OUTPUT_QUERY_RESULTS),
        ),
    )


def _init_sql(values: Values) -> str:
    """Return FLYWAY_INIT_SQL with the placeholders that have a value before there is a session.

    Raises:
        ConfigError: It names others.
    """
    text = values.of(flyway.INIT_SQL) or ""
    placeholders = _build_placeholders(values)
    if not placeholders.is_replacing:
        return text
    try:
        replaced = replace_placeholders(text.encode(), placeholders.values, placeholders.syntax)
        return replaced.decode()
    except UnresolvedPlaceholders as error:
        label = values.given[flyway.INIT_SQL.name].label
        problems = tuple(f"{label}: {problem}" for problem in error.problems)
        hint = "Set FLYWAY_PLACEHOLDERS_<NAME>; built-in ones are not known before a connection is."
        raise ConfigError(problems, hint) from error


def _build_naming(values: Values) -> Naming:
    return Naming(
        versioned_prefix=values.of(flyway.SQL_MIGRATION_PREFIX),
        repeatable_prefix=values.of(flyway.REPEATABLE_SQL_MIGRATION_PREFIX),
        baseline_prefix=values.of(flyway.BASELINE_MIGRATION_PREFIX),
        undo_prefix=values.of(flyway.UNDO_SQL_MIGRATION_PREFIX),
        separator=values.of(flyway.SQL_MIGRATION_SEPARATOR),
        suffixes=values.of(flyway.SQL_MIGRATION_SUFFIXES),
        is_strict=values.of(flyway.VALIDATE_MIGRATION_NAMING),
    )


def _build_history(values: Values) -> HistoryTable:
    schemas = values.of(flyway.SCHEMAS)
    return HistoryTable(
        table=values.of(flyway.TABLE),
        default_schema=values.of(flyway.DEFAULT_SCHEMA),
        schemas=schemas or (),
        creates_schemas=values.of(flyway.CREATE_SCHEMAS),
        tablespace=values.of(flyway.TABLESPACE),
        installed_by=values.of(flyway.INSTALLED_BY),
        ledger=values.of(spec.LEDGER),
    )


def _build_placeholders(values: Values) -> Placeholders:
    return Placeholders(
        values={name: given.text for name, given in values.placeholders.items()},
        syntax=PlaceholderSyntax(
            prefix=values.of(flyway.PLACEHOLDER_PREFIX),
            suffix=values.of(flyway.PLACEHOLDER_SUFFIX),
            separator=values.of(flyway.PLACEHOLDER_SEPARATOR),
        ),
        is_replacing=values.of(flyway.PLACEHOLDER_REPLACEMENT),
        environment=values.flyway.environment,
    )


def _build_rules(values: Values) -> HistoryRules:
    return HistoryRules(
        is_out_of_order=values.of(flyway.OUT_OF_ORDER),
        target=values.of(flyway.TARGET),
        ignore_patterns=values.of(flyway.IGNORE_MIGRATION_PATTERNS),
        on_ahead=values.of(spec.ON_AHEAD),
        validates=values.of(flyway.VALIDATE_ON_MIGRATE),
        cherry_pick=values.of(flyway.CHERRY_PICK) or CherryPick(),
        is_grouped=values.of(flyway.GROUP),
    )
