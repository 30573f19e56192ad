"""The keys of Flyway's configuration files, and the variables that set the same."""

from __future__ import annotations

from collections.abc import Mapping

from hook.settings import flyway_variables
from hook.settings.specification import SETTINGS

PREFIX = "flyway."
PLACEHOLDERS = "flyway.placeholders."
JDBC_PROPERTIES = "flyway.jdbcProperties."
_PLUGINS = "flyway.plugins."

_OF_ENVIRONMENT = """url user password driver displayName schemas connectRetries
    connectRetriesInterval initSql jdbcProperties provisioner"""
OF_ENVIRONMENT = frozenset(_OF_ENVIRONMENT.split())
_RESOLVED = frozenset({"url", "user", "password", "driver", "schemas", "jdbcProperties"})
_IRREGULAR = {
    "FLYWAY_COMMUNITY_DB_SUPPORT_DISABLED": "flyway.communityDBSupportEnabled",
    "FLYWAY_DRYRUN_OUTPUT": "flyway.dryRunOutput",
    "FLYWAY_POSTGRESQL_TRANSACTIONAL_LOCK": "flyway.postgresql.transactional.lock",
}
# Flyway takes these from the environment of its process only, or from flags.
_WITHOUT_KEY = {
    "FLYWAY_CALLER",
    "FLYWAY_CONFIG_FILES",
    "FLYWAY_CONFIG_FILE_ENCODING",
    "FLYWAY_DO_NOT_REDACT_URL",
    "FLYWAY_ENVIRONMENT",
    "FLYWAY_EXPERIMENTAL",
    "FLYWAY_LOG_DEBUG_CONFIGURATION_MAP",
    "FLYWAY_NATIVE_CONNECTORS",
    "FLYWAY_NEXT_MAJOR_VERSION",
    "FLYWAY_SSL_AUTOCONFIGURATION",
    "FLYWAY_WORKING_DIRECTORY",
}

_OUTPUT = "PRESYNC_FORMAT sets the form of the result"
_TOO_LATE = "it has no effect inside of a file"
_NO_SCHEMA_MODEL = "there is no schema model"
_OTHER_COMMAND = "it belongs to a command or a database that is not there"

# No variable sets these; ignoring them changes nothing that a migration can notice.
HARMLESS: Mapping[str, str] = {
    "flyway.color": _OUTPUT,
    "flyway.configFileEncoding": _TOO_LATE,
    "flyway.configFiles": _TOO_LATE,
    "flyway.displayName": "environments are shown by their id",
    "flyway.outputLogsInJson": "PRESYNC_LOG_FORMAT sets the form of the log",
    "flyway.outputProgress": _OUTPUT,
    "flyway.outputType": _OUTPUT,
    "flyway.pipelineId": "nothing is reported anywhere",
    "flyway.provisionMode": "nothing is provisioned",
    "flyway.schemaModelLocation": _NO_SCHEMA_MODEL,
    "flyway.schemaModelSchemas": _NO_SCHEMA_MODEL,
}
_OTHERS = """add azureKeyVault bigquery check clean clickhouse dapr databricks db2z deploy
    diff diffText gcsm generate googleCloudSecretManager info init list migrate model mongodb
    oracle prepare snapshot snowflake sqlserver tidb undo vault"""
_HARMLESS_TABLES = frozenset(_OTHERS.split())

REFUSED: Mapping[str, str] = {
    "flyway.propertyResolvers": "only ${env.NAME} is resolved",
    "flyway.provisioner": "databases are not provisioned",
}
_REFUSED_TABLES = {"tags": "every migration of the release is run"}


def variable_of(key: str) -> str | None:
    """Return the variable that sets the same as *key*; none for an unknown key."""
    if key.startswith(JDBC_PROPERTIES) and key != JDBC_PROPERTIES:
        return "FLYWAY_JDBC_PROPERTIES_" + key.removeprefix(JDBC_PROPERTIES)
    return _VARIABLES.get(canonical_key(key))


def may_be_empty(variable: str | None) -> bool:
    """Tell whether an empty value of *variable* is one."""
    return variable in _MAY_BE_EMPTY


def is_of_environment(key: str) -> bool:
    """Tell whether *key* is one of those that TOML files have in ``[environments.<id>]``."""
    return key.removeprefix(PREFIX).partition(".")[0] in OF_ENVIRONMENT


def has_references(key: str) -> bool:
    """Tell whether ``${env.NAME}`` in the value of *key* stands for a variable.

    Source: Flyway's ``EnvironmentResolver``; those of schemas since one of the later versions.
    """
    return key.removeprefix(PREFIX).partition(".")[0] in _RESOLVED


def canonical_key(key: str) -> str:
    """Return *key* without the name of the table that once held everything of plug-ins."""
    return PREFIX + key.removeprefix(_PLUGINS) if key.startswith(_PLUGINS) else key


def why_harmless(key: str) -> str:
    """Return why *key* may be ignored; nothing if it may not."""
    found = HARMLESS.get(key) or flyway_variables.HARMLESS.get(_VARIABLES.get(key, ""))
    return found or (_OTHER_COMMAND if _table_of(key) in _HARMLESS_TABLES else "")


def why_refused(key: str) -> str:
    """Return why *key* of Flyway's, which no variable sets, is refused; else nothing."""
    return REFUSED.get(key, "") or _REFUSED_TABLES.get(_table_of(key), "")


def known_keys() -> frozenset[str]:
    """Return every key that Flyway knows, those of tables aside."""
    return frozenset((*_VARIABLES, *HARMLESS, *REFUSED))


def _table_of(key: str) -> str:
    table, dot, _ = key.removeprefix(PREFIX).partition(".")
    return table if dot else ""


def _key_of(variable: str) -> str:
    first, *words = variable.removeprefix("FLYWAY_").lower().split("_")
    return PREFIX + first + "".join(word.capitalize() for word in words)


def _each_variable() -> frozenset[str]:
    own = (name for setting in SETTINGS for name in setting.environment)
    others = (
        flyway_variables.CONNECTION,
        flyway_variables.HARMLESS,
        flyway_variables.ONLY,
        flyway_variables.REFUSED,
    )
    names = frozenset(own).union(*others)
    return frozenset(name for name in names if name.startswith("FLYWAY_")) - _WITHOUT_KEY


_MAY_BE_EMPTY = {
    name for setting in SETTINGS if setting.may_be_empty for name in setting.environment
}
_VARIABLES = {_IRREGULAR.get(name, _key_of(name)): name for name in _each_variable()}
