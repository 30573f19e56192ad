"""The keys of Flyway's files."""

from __future__ import annotations

import pytest

from hook.settings.flyway_keys import (
    HARMLESS,
    OF_ENVIRONMENT,
    REFUSED,
    canonical_key,
    known_keys,
    variable_of,
    why_harmless,
    why_refused,
)

# Every key that flyway.conf may have, and those of TOML's [flyway], besides tables.
FLYWAY = """baselineDescription baselineMigrationPrefix baselineOnMigrate baselineVersion batch
callbackLocations callbacks checkDriftOnMigrate cherryPick cleanDisabled color
communityDBSupportEnabled configFileEncoding configFiles configurations connectRetries
connectRetriesInterval createSchemas defaultSchema detectEncoding driver dryRunOutput email
encoding errorOverrides executeInTransaction failOnMissingLocations failOnMissingTarget group
ignoreMigrationPatterns initSql installedBy jarDirs jdbcProperties.sslmode kerberosConfigFile
licenseKey locations lockRetryCount loggers mixed offlinePermitPath outOfOrder outputLogsInJson
outputProgress outputQueryResults outputType password pipelineId placeholderPrefix
placeholderReplacement placeholderSeparator placeholderSuffix postgresql.transactional.lock
powershellExecutable propertyResolvers provisionMode publishResult repeatableSqlMigrationPrefix
reportEnabled reportFilename resolvers schemaModelLocation schemaModelSchemas schemas
scriptPlaceholderPrefix scriptPlaceholderSuffix skipDefaultCallbacks skipDefaultResolvers
skipExecutingMigrations sqlMigrationPrefix sqlMigrationSeparator sqlMigrationSuffixes stream
table tablespace tags.anyOf target token undoSqlMigrationPrefix url user validateMigrationNaming
validateOnMigrate"""


@pytest.mark.parametrize("name", FLYWAY.split())
def test_key_of_flyway_has_one_verdict(name: str) -> None:
    """Each does what a variable does, or is harmless, or is refused."""
    key = f"flyway.{name}"
    own = HARMLESS.get(key) or REFUSED.get(key)
    assert bool(variable_of(key)) != bool(own or why_refused(key))


@pytest.mark.parametrize(
    "key", ["flyway.token", "flyway.postgresql.transactional.lock", "flyway.color"]
)
def test_key_that_changes_nothing_is_harmless(key: str) -> None:
    """It makes no difference whether a variable sets the same."""
    assert why_harmless(key)
    assert not why_refused(key)


@pytest.mark.parametrize(
    ("key", "variable"),
    [
        ("flyway.outOfOrder", "FLYWAY_OUT_OF_ORDER"),
        ("flyway.dryRunOutput", "FLYWAY_DRYRUN_OUTPUT"),
        ("flyway.postgresql.transactional.lock", "FLYWAY_POSTGRESQL_TRANSACTIONAL_LOCK"),
        ("flyway.plugins.cherryPick", "FLYWAY_CHERRY_PICK"),
        ("flyway.jdbcProperties.ssl", "FLYWAY_JDBC_PROPERTIES_ssl"),
        ("flyway.jdbcProperties.", None),
        ("flyway.outoforder", None),
        ("flyway.nativeConnectors", None),
    ],
)
def test_key_is_that_of_a_variable(key: str, variable: str | None) -> None:
    """What is true of the variable is true of the key."""
    assert variable_of(key) == variable


@pytest.mark.parametrize("key", ["flyway.check.buildUrl", "flyway.oracle.sqlplus"])
def test_tables_of_other_commands_and_databases_are_harmless(key: str) -> None:
    """They are many, and none of them matters to a migration of PostgreSQL."""
    assert why_harmless(key)
    assert why_harmless(canonical_key(key.replace("flyway.", "flyway.plugins.")))


def test_tables_of_keys_do_not_overlap() -> None:
    """A key that a variable sets takes its verdict from there."""
    own = HARMLESS.keys() | REFUSED.keys()
    assert not [key for key in own if variable_of(key)]
    assert {f"flyway.{name}" for name in OF_ENVIRONMENT - {"jdbcProperties"}} <= known_keys()
