"""Flyway's variables that are no settings here, and what becomes of each.

Every other one is a setting, and has its effect. Of those here, one that could make a
difference is refused unless it asks for what presync does; the rest cannot make any, in
Flyway's open-source edition with scripts in SQL and PostgreSQL either, or is met whatever
its value is.
"""

from __future__ import annotations

from collections.abc import Mapping

CONNECTION = frozenset({"FLYWAY_URL", "FLYWAY_USER", "FLYWAY_PASSWORD"})
FILES = frozenset({"FLYWAY_CONFIG_FILES", "FLYWAY_CONFIG_FILE_ENCODING"})

_LICENSE = "neither presync nor Flyway's open-source edition asks for a license"
_PROGRAMS = "it is for scripts that are programs, which are refused by name"

# Why each makes no difference, whatever its value is.
HARMLESS: Mapping[str, str] = {
    "FLYWAY_BATCH": "a script goes to the server in as few messages as it can, always",
    "FLYWAY_CALLER": "it is for the messages that Flyway Desktop shows",
    "FLYWAY_CLEAN_DISABLED": "it guards clean, which is refused by name",
    "FLYWAY_COMMUNITY_DB_SUPPORT_DISABLED": "PostgreSQL is none of these databases",
    "FLYWAY_DO_NOT_REDACT_URL": "user, server and database are shown, always; secrets never",
    "FLYWAY_EMAIL": _LICENSE,
    "FLYWAY_EXPERIMENTAL": "what Flyway tries out is for other databases",
    "FLYWAY_LICENSE_KEY": _LICENSE,
    "FLYWAY_NATIVE_CONNECTORS": "Flyway has none for PostgreSQL",
    "FLYWAY_NEXT_MAJOR_VERSION": "it is about what later versions of Flyway drop",
    "FLYWAY_OFFLINE_PERMIT_PATH": _LICENSE,
    "FLYWAY_POSTGRESQL_TRANSACTIONAL_LOCK": "the lock excludes Flyway in both of its modes",
    "FLYWAY_POWERSHELL_EXECUTABLE": _PROGRAMS,
    "FLYWAY_REPORT_FILENAME": "Flyway writes no report either, unless it is enabled",
    "FLYWAY_SCRIPT_PLACEHOLDER_PREFIX": _PROGRAMS,
    "FLYWAY_SCRIPT_PLACEHOLDER_SUFFIX": _PROGRAMS,
    "FLYWAY_SSL_AUTOCONFIGURATION": "it is for MongoDB",
    "FLYWAY_STREAM": "memory is bounded with scripts of any length, always",
    "FLYWAY_TOKEN": _LICENSE,
}

# Accepted with the values that mean what presync does anyway; case does not matter.
ONLY: Mapping[str, tuple[tuple[str, ...], str]] = {
    "FLYWAY_CHECK_DRIFT_ON_MIGRATE": (("false",), "snapshots of the schema are not supported"),
    "FLYWAY_CLEAN_ON_VALIDATION_ERROR": (("false",), "presync never drops what it did not create"),
    "FLYWAY_DETECT_ENCODING": (("false",), "FLYWAY_ENCODING says what the scripts are written in"),
    "FLYWAY_DRIVER": (
        (
            "org.postgresql.Driver",
            "com.p6spy.engine.spy.P6SpyDriver",
            "software.amazon.jdbc.Driver",
        ),
        "presync speaks to PostgreSQL itself",
    ),
    "FLYWAY_FAIL_ON_MISSING_TARGET": (
        ("true",),
        "a question mark behind FLYWAY_TARGET allows that it is missing",
    ),
    "FLYWAY_LOG_DEBUG_CONFIGURATION_MAP": (
        ("false",),
        "presync config shows the settings in force",
    ),
    "FLYWAY_LOGGERS": (("auto", "console"), "the log goes to stderr; see PRESYNC_LOG_FORMAT"),
    "FLYWAY_PUBLISH_RESULT": (("false",), "nothing is reported to Redgate"),
    "FLYWAY_REPORT_ENABLED": (("false",), "PRESYNC_REPORT names a file for presync's own report"),
    "FLYWAY_SKIP_DEFAULT_RESOLVERS": (("false",), "there are no resolvers but the one for SQL"),
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
