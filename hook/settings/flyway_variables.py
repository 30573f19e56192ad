"""Flyway's variables that are no settings here: which are harmless, which are refused."""

from __future__ import annotations

from collections.abc import Mapping

CONNECTION = frozenset({"FLYWAY_URL", "FLYWAY_USER", "FLYWAY_PASSWORD"})
FILES = frozenset({"FLYWAY_CONFIG_FILES", "FLYWAY_CONFIG_FILE_ENCODING"})

_NO_CLEAN = "there is no clean"
_NO_LICENSE = "nothing here needs a license"
_NO_TELEMETRY = "nothing is reported anywhere"
_ONLY_SQL = "only scripts in SQL are run"
_OWN_REPORT = "PRESYNC_REPORT names the report file"
_OWN_LOG = "PRESYNC_LOG_FORMAT sets the form of the log"

# Ignoring these changes nothing that a migration can notice.
HARMLESS: Mapping[str, str] = {
    "FLYWAY_BATCH": "a script is always sent as a whole",
    "FLYWAY_CLEAN_DISABLED": _NO_CLEAN,
    "FLYWAY_COMMUNITY_DB_SUPPORT_DISABLED": _NO_LICENSE,
    "FLYWAY_DO_NOT_REDACT_URL": "secrets are never shown",
    "FLYWAY_DRIVER": "there is no driver to choose",
    "FLYWAY_EMAIL": _NO_LICENSE,
    "FLYWAY_FAIL_ON_MISSING_LOCATIONS": "a missing location is always an error",
    "FLYWAY_LICENSE_KEY": _NO_LICENSE,
    "FLYWAY_LOG_DEBUG_CONFIGURATION_MAP": _OWN_LOG,
    "FLYWAY_LOGGERS": _OWN_LOG,
    "FLYWAY_NATIVE_CONNECTORS": "there is no driver to choose",
    "FLYWAY_OFFLINE_PERMIT_PATH": _NO_LICENSE,
    "FLYWAY_POSTGRESQL_TRANSACTIONAL_LOCK": "the migration lock never is a transaction",
    "FLYWAY_POWERSHELL_EXECUTABLE": _ONLY_SQL,
    "FLYWAY_PUBLISH_RESULT": _NO_TELEMETRY,
    "FLYWAY_REPORT_FILENAME": _OWN_REPORT,
    "FLYWAY_SCRIPT_PLACEHOLDER_PREFIX": _ONLY_SQL,
    "FLYWAY_SCRIPT_PLACEHOLDER_SUFFIX": _ONLY_SQL,
    "FLYWAY_STREAM": "a script is always sent as a whole",
    "FLYWAY_TOKEN": _NO_LICENSE,
}

# Accepted with the one value that means what presync does anyway.
ONLY: Mapping[str, tuple[str, str]] = {
    "FLYWAY_CHECK_DRIFT_ON_MIGRATE": ("false", "snapshots of the schema are not supported"),
    "FLYWAY_DETECT_ENCODING": ("false", "FLYWAY_ENCODING says what the scripts are written in"),
    "FLYWAY_SKIP_DEFAULT_RESOLVERS": ("false", "there are no resolvers but the one for SQL"),
}

_NO_JAVA = "Java classes cannot be run"

REFUSED: Mapping[str, str] = {
    "FLYWAY_CALLBACKS": _NO_JAVA,
    "FLYWAY_CONFIGURATIONS": "only Gradle has configurations",
    "FLYWAY_DRYRUN_OUTPUT": "presync plan --sql shows what would be run",
    "FLYWAY_ENVIRONMENT": "Flyway obeys it in lower case only; set flyway_environment",
    "FLYWAY_ERROR_OVERRIDES": "an error of the server is never turned into a success",
    "FLYWAY_JAR_DIRS": _NO_JAVA,
    "FLYWAY_KERBEROS_CONFIG_FILE": "set KRB5_CONFIG, which libpq's GSSAPI reads",
    "FLYWAY_RESOLVERS": _NO_JAVA,
}
