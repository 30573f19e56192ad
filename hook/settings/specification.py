"""Every setting, once: parsing, flags, help, ``presync config`` and the docs come from here."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from hook.core.outcome import Policy
from hook.core.schema_history.history_rules import OnAhead
from hook.settings.durations import (
    parse_duration,
    parse_ladder,
    parse_positive_duration,
    parse_reading_time,
)
from hook.settings.flyway_specification import FLYWAY_SETTINGS
from hook.settings.marker_specification import MARKER_SETTINGS
from hook.settings.migrations import DEFAULT_LEDGER
from hook.settings.output_specification import OUTPUT_SETTINGS
from hook.settings.override_specification import OVERRIDE_SETTINGS
from hook.settings.setting import Group, Setting, own, settings_in
from hook.settings.trigger_specification import TRIGGER_SETTINGS
from hook.settings.watch_specification import WATCH_SETTINGS
from hook.settings.words import (
    EngineName,
    choice_of,
    parse_ledger_name,
    parse_list,
    parse_switch,
    parse_system_identifier,
    whole_number,
)

if TYPE_CHECKING:
    from hook.core.execution.ladder import Ladder
    from hook.settings.backup_source import BackupSource

_DURATION = "DURATION"
_POLICY = "enforce|warn|off"
_POLICY_MEANING = "What a bad finding of the gate does to the run."


def _parse_backup_source(text: str) -> BackupSource:
    from hook.settings.backup_source import parse_backup_source  # noqa: PLC0415 - often unset

    return parse_backup_source(text)


def _parse_stanza(text: str) -> str:
    from hook.settings.backup_source import parse_stanza  # noqa: PLC0415 - often unset

    return parse_stanza(text)


URL: Setting[str | None] = own(
    Group.DATABASE,
    "url",
    str,
    None,
    "URL",
    "The database, as a libpq URL or key=value pairs. A password in it is refused as a flag."
    " Unset: FLYWAY_URL, DATABASE_URL, POSTGRES_HOST and the like, or libpq's PGHOST.",
)._replace(is_secret=True)
PASSWORD_FILE: Setting[str | None] = own(
    Group.DATABASE,
    "password_file",
    str,
    None,
    "PATH",
    "File that holds the password; it replaces the one of the source.",
)
EXPECT_DATABASE: Setting[str | None] = own(
    Group.DATABASE,
    "expect_database",
    str,
    None,
    "NAME",
    "Name that the database must have, or nothing is touched.",
)
EXPECT_SYSTEM_ID: Setting[str | None] = own(
    Group.DATABASE,
    "expect_system_id",
    parse_system_identifier,
    None,
    "NUMBER",
    "System identifier that the cluster must have, or nothing is touched.",
)
WAIT_TIMEOUT: Setting[timedelta] = own(
    Group.DATABASE,
    "wait_timeout",
    parse_positive_duration,
    "120s",
    _DURATION,
    "How long to wait for a usable primary.",
)

ENGINE: Setting[EngineName] = own(
    Group.MIGRATIONS,
    "engine",
    choice_of(EngineName),
    "flyway",
    "flyway",
    "Convention that files and history follow.",
)
LOCATIONS: Setting[tuple[str, ...] | None] = own(
    Group.MIGRATIONS,
    "locations",
    parse_list,
    None,
    "PATH,…",
    "Folders of the migrations. Unset: /migrations, /flyway/sql, ./migrations or ./sql.",
)._replace(
    environment=("PRESYNC_LOCATIONS", "FLYWAY_LOCATIONS"),
)
ALLOW_BASELINE: Setting[bool] = own(
    Group.MIGRATIONS,
    "allow_baseline",
    parse_switch,
    "false",
    "true|false",
    "Second key to FLYWAY_BASELINE_ON_MIGRATE: a schema with objects and no history is adopted.",
)

DEADLINE: Setting[timedelta] = own(
    Group.RUN,
    "deadline",
    parse_positive_duration,
    "25m",
    _DURATION,
    "The whole run; keep it below activeDeadlineSeconds of the Job.",
)
LOCK_WAIT: Setting[timedelta] = own(
    Group.RUN,
    "lock_wait",
    parse_duration,
    "60s",
    _DURATION,
    "How long to wait for another migrator.",
)
LOCK_LADDER: Setting[Ladder] = own(
    Group.RUN,
    "lock_ladder",
    parse_ladder,
    "100ms,100ms,250ms,500ms,deadlock+500ms,2s,2s,5s",
    "DURATION,…",
    "lock_timeout of each attempt at a migration; deadlock+500ms is beyond deadlock_timeout.",
)
STATEMENT_TIMEOUT: Setting[timedelta] = own(
    Group.RUN,
    "statement_timeout",
    parse_positive_duration,
    "5m",
    _DURATION,
    "statement_timeout within a migration.",
)
FAILURE_MEMORY: Setting[timedelta] = own(
    Group.RUN,
    "failure_memory",
    parse_duration,
    "10m",
    _DURATION,
    "How long a failed migration that has not changed is refused without running it again.",
)
LEDGER: Setting[str] = own(
    Group.RUN,
    "ledger",
    parse_ledger_name,
    DEFAULT_LEDGER,
    "NAME|off",
    "Table that keeps a row for each run with work to do, next to the schema history.",
)
ON_AHEAD: Setting[OnAhead] = own(
    Group.RUN,
    "on_ahead",
    choice_of(OnAhead),
    "pass",
    "pass|fail",
    "What to do when the database is newer than the release.",
)

BACKUP_POLICY: Setting[Policy] = own(
    Group.BACKUP,
    "backup_policy",
    choice_of(Policy),
    "enforce",
    _POLICY,
    f"{_POLICY_MEANING} In front of what destroys data without a waiver it is enforce.",
)
BACKUP_SOURCE: Setting[BackupSource | None] = own(
    Group.BACKUP,
    "backup_source",
    _parse_backup_source,
    None,
    "SOURCE",
    "pgbackrest:, walg:, barman: or dump:PLACE, rds:INSTANCE, rds:cluster/NAME, command:PROGRAM"
    " ARGUMENTS or none; a PLACE is s3://bucket/prefix or /path. Needed when something is pending.",
)
BACKUP_STANZA: Setting[str | None] = own(
    Group.BACKUP,
    "backup_stanza",
    _parse_stanza,
    None,
    "NAME",
    "Stanza of this database (pgBackRest), server name (Barman), database in the names of dumps.",
)
BACKUP_REPO: Setting[int | None] = own(
    Group.BACKUP,
    "backup_repo",
    whole_number(1),
    None,
    "N",
    "Number of the repository where pgBackRest's configuration has several: the N of repoN-path.",
)
BACKUP_MAX_AGE: Setting[timedelta] = own(
    Group.BACKUP,
    "backup_max_age",
    parse_positive_duration,
    "24h",
    _DURATION,
    "How old the newest backup may be since it stopped, a dump since it began; of dumps 1h unless"
    " it is set.",
)
BACKUP_TIMEOUT: Setting[timedelta] = own(
    Group.BACKUP,
    "backup_timeout",
    parse_reading_time,
    "30s",
    _DURATION,
    "How long a gate may read the backups, or the WAL behind them; from 1s to 10m.",
)
BACKUP_CIPHER_PASS: Setting[str | None] = own(
    Group.BACKUP,
    "backup_cipher_pass",
    str,
    None,
    "PASSPHRASE",
    "Passphrase of an encrypted repository, pgBackRest's repo-cipher-pass. Refused as a flag.",
)._replace(is_secret=True)
BACKUP_CIPHER_PASS_FILE: Setting[str | None] = own(
    Group.BACKUP,
    "backup_cipher_pass_file",
    str,
    None,
    "PATH",
    "File that holds the passphrase; it replaces PRESYNC_BACKUP_CIPHER_PASS.",
)

ARCHIVE_POLICY: Setting[Policy] = own(
    Group.ARCHIVE,
    "archive_policy",
    choice_of(Policy),
    "enforce",
    _POLICY,
    _POLICY_MEANING,
)
ARCHIVE_MAX_LAG: Setting[timedelta] = own(
    Group.ARCHIVE,
    "archive_max_lag",
    parse_positive_duration,
    "15m",
    _DURATION,
    "How old the oldest WAL may be that is not archived yet.",
)

_BESIDE = TRIGGER_SETTINGS + MARKER_SETTINGS + WATCH_SETTINGS + OVERRIDE_SETTINGS
SETTINGS = (*settings_in(globals()), *_BESIDE, *FLYWAY_SETTINGS, *OUTPUT_SETTINGS)
