"""Flyway's settings that have a meaning here, under Flyway's names and with its defaults."""

from __future__ import annotations

from hook.core.schema_history.cherry_pick import CherryPick, Pick
from hook.core.schema_history.history_rules import (
    IgnorePattern,
    Target,
    parse_ignore_pattern,
    parse_target,
)
from hook.core.scripts.encoding import canonical_encoding
from hook.core.scripts.version import Version
from hook.settings.migrations import DEFAULT_TABLE
from hook.settings.setting import Setting, flyway, settings_in
from hook.settings.words import parse_list, parse_switch, whole_number

_SWITCH = "true|false"


def _parse_picks(text: str) -> CherryPick:
    return CherryPick(tuple(Pick(item) for item in parse_list(text)))


def _parse_patterns(text: str) -> tuple[IgnorePattern, ...]:
    items = parse_list(text) if text.strip() else ()
    return tuple(parse_ignore_pattern(item) for item in items)


CONNECT_RETRIES: Setting[int | None] = flyway(
    "connect_retries",
    whole_number(0),
    None,
    "NUMBER",
    "Sets PRESYNC_WAIT_TIMEOUT to as long as Flyway waits between so many more attempts.",
)
CONNECT_RETRIES_INTERVAL = flyway(
    "connect_retries_interval",
    whole_number(0),
    "120",
    "SECONDS",
    "The longest of these waits, which double from one second.",
)
INIT_SQL: Setting[str | None] = flyway(
    "init_sql",
    str,
    None,
    "SQL",
    "Runs on each new connection; what it SETs is in force in every script.",
)._replace(is_secret=True)
LOCK_RETRY_COUNT: Setting[int | None] = flyway(
    "lock_retry_count",
    whole_number(-(2**31)),
    None,
    "NUMBER",
    "Sets PRESYNC_LOCK_WAIT to so many seconds; below zero to the deadline.",
)
TABLE = flyway("table", str, DEFAULT_TABLE, "NAME", "Table of the schema history.")
DEFAULT_SCHEMA: Setting[str | None] = flyway(
    "default_schema",
    str,
    None,
    "NAME",
    "Schema of the history. Unset: the first of the schemas, else the session's own.",
)
SCHEMAS: Setting[tuple[str, ...] | None] = flyway(
    "schemas", parse_list, None, "NAME,…", "Schemas that belong to the application."
)
CREATE_SCHEMAS = flyway(
    "create_schemas", parse_switch, "true", _SWITCH, "Schemas that are missing are created."
)
TABLESPACE: Setting[str | None] = flyway(
    "tablespace", str, None, "NAME", "Tablespace of the history table."
)
INSTALLED_BY: Setting[str | None] = flyway(
    "installed_by", str, None, "NAME", "Name in the history. Unset: the database user."
)
SQL_MIGRATION_PREFIX = flyway(
    "sql_migration_prefix", str, "V", "TEXT", "Prefix of versioned migrations."
)._replace(may_be_empty=True)
REPEATABLE_SQL_MIGRATION_PREFIX = flyway(
    "repeatable_sql_migration_prefix", str, "R", "TEXT", "Prefix of repeatable migrations."
)._replace(may_be_empty=True)
BASELINE_MIGRATION_PREFIX = flyway(
    "baseline_migration_prefix", str, "B", "TEXT", "Prefix of baseline migrations."
)._replace(may_be_empty=True)
UNDO_SQL_MIGRATION_PREFIX = flyway(
    "undo_sql_migration_prefix", str, "U", "TEXT", "Prefix of undo scripts, which never run."
)
SQL_MIGRATION_SEPARATOR = flyway(
    "sql_migration_separator", str, "__", "TEXT", "Between version and description."
)
SQL_MIGRATION_SUFFIXES = flyway(
    "sql_migration_suffixes", parse_list, ".sql", "TEXT,…", "Endings of migrations' file names."
)
WORKING_DIRECTORY: Setting[str | None] = flyway(
    "working_directory",
    str,
    None,
    "PATH",
    "What relative locations start from; Flyway's files in it are the strongest.",
)
ENCODING = flyway("encoding", canonical_encoding, "UTF-8", "NAME", "Encoding of the scripts.")
VALIDATE_MIGRATION_NAMING = flyway(
    "validate_migration_naming",
    parse_switch,
    "false",
    _SWITCH,
    "A script whose name follows no convention is an error.",
)
CALLBACK_LOCATIONS: Setting[tuple[str, ...] | None] = flyway(
    "callback_locations",
    parse_list,
    None,
    "PATH,…",
    "Folders of the callbacks. Unset: those of the migrations.",
)
FAIL_ON_MISSING_LOCATIONS = flyway(
    "fail_on_missing_locations",
    parse_switch,
    "true",
    _SWITCH,
    "A location that is missing is an error; false makes it a warning beside another one.",
)
SKIP_DEFAULT_CALLBACKS = flyway(
    "skip_default_callbacks", parse_switch, "false", _SWITCH, "Callbacks in SQL are left alone."
)
TARGET: Setting[Target] = flyway(
    "target",
    parse_target,
    "latest",
    "VERSION",
    "Migrate up to latest, current, next, a version, or a version? that may be missing.",
)
OUT_OF_ORDER = flyway(
    "out_of_order",
    parse_switch,
    "false",
    _SWITCH,
    "Versions below the newest applied one may still be applied.",
)
CHERRY_PICK: Setting[CherryPick | None] = flyway(
    "cherry_pick",
    _parse_picks,
    None,
    "NAME,…",
    "Migrate only these versions or descriptions, in this order; the others are ignored.",
)
VALIDATE_ON_MIGRATE = flyway(
    "validate_on_migrate",
    parse_switch,
    "true",
    _SWITCH,
    "Files and history that disagree stop the run.",
)
IGNORE_MIGRATION_PATTERNS = flyway(
    "ignore_migration_patterns",
    _parse_patterns,
    "*:future",
    "KIND:STATE,…",
    "Migrations that validation passes over.",
)._replace(may_be_empty=True)
GROUP = flyway(
    "group",
    parse_switch,
    "false",
    _SWITCH,
    "All pending migrations of a run share one transaction: all of them stay, or none.",
)
MIXED = flyway(
    "mixed",
    parse_switch,
    "false",
    _SWITCH,
    "A script, or a group, may hold both kinds of statements; it then runs without a transaction.",
)
EXECUTE_IN_TRANSACTION = flyway(
    "execute_in_transaction",
    parse_switch,
    "true",
    _SWITCH,
    "Scripts run in a transaction unless they say otherwise.",
)
SKIP_EXECUTING_MIGRATIONS = flyway(
    "skip_executing_migrations",
    parse_switch,
    "false",
    _SWITCH,
    "Pending migrations are recorded as applied and not run.",
)
OUTPUT_QUERY_RESULTS = flyway(
    "output_query_results",
    parse_switch,
    "true",
    _SWITCH,
    "The log tells the first rows of what queries in scripts and callbacks return.",
)
BASELINE_ON_MIGRATE = flyway(
    "baseline_on_migrate",
    parse_switch,
    "false",
    _SWITCH,
    "Adopt a schema with objects and no history; needs PRESYNC_ALLOW_BASELINE as well.",
)
BASELINE_VERSION = flyway(
    "baseline_version", Version.parse, "1", "VERSION", "Version as which it is adopted."
)
BASELINE_DESCRIPTION = flyway(
    "baseline_description", str, "<< Flyway Baseline >>", "TEXT", "Description of that row."
)._replace(may_be_empty=True)
PLACEHOLDER_REPLACEMENT = flyway(
    "placeholder_replacement", parse_switch, "true", _SWITCH, "Placeholders are replaced."
)
PLACEHOLDER_PREFIX = flyway("placeholder_prefix", str, "${", "TEXT", "Start of a placeholder.")
PLACEHOLDER_SUFFIX = flyway("placeholder_suffix", str, "}", "TEXT", "End of a placeholder.")
PLACEHOLDER_SEPARATOR = flyway(
    "placeholder_separator", str, ":", "TEXT", "Within the names of built-in placeholders."
)

FLYWAY_SETTINGS = settings_in(globals())
