"""Variables that look like settings."""

from __future__ import annotations

import pytest

from hook.settings.flyway_variables import CONNECTION, FILES, HARMLESS, ONLY, REFUSED
from hook.settings.names import KNOWN, NOT_YET, judge_names, note_harmless
from hook.settings.setting import Setting
from hook.settings.specification import SETTINGS

# Every variable in Flyway's reference of its configuration.
FLYWAY = """URL USER PASSWORD DRIVER CONNECT_RETRIES CONNECT_RETRIES_INTERVAL INIT_SQL
JDBC_PROPERTIES_ACCESSTOKEN DEFAULT_SCHEMA SCHEMAS CREATE_SCHEMAS TABLE TABLESPACE LOCATIONS
CALLBACK_LOCATIONS FAIL_ON_MISSING_LOCATIONS SQL_MIGRATION_PREFIX REPEATABLE_SQL_MIGRATION_PREFIX
BASELINE_MIGRATION_PREFIX UNDO_SQL_MIGRATION_PREFIX SQL_MIGRATION_SEPARATOR SQL_MIGRATION_SUFFIXES
ENCODING DETECT_ENCODING VALIDATE_MIGRATION_NAMING TARGET OUT_OF_ORDER CHERRY_PICK GROUP MIXED
EXECUTE_IN_TRANSACTION SKIP_EXECUTING_MIGRATIONS STREAM BATCH OUTPUT_QUERY_RESULTS
VALIDATE_ON_MIGRATE IGNORE_MIGRATION_PATTERNS BASELINE_ON_MIGRATE BASELINE_VERSION
BASELINE_DESCRIPTION INSTALLED_BY LOCK_RETRY_COUNT POSTGRESQL_TRANSACTIONAL_LOCK CLEAN_DISABLED
ERROR_OVERRIDES DRYRUN_OUTPUT PLACEHOLDERS_ANY PLACEHOLDER_REPLACEMENT PLACEHOLDER_PREFIX
PLACEHOLDER_SUFFIX PLACEHOLDER_SEPARATOR SCRIPT_PLACEHOLDER_PREFIX SCRIPT_PLACEHOLDER_SUFFIX
CALLBACKS SKIP_DEFAULT_CALLBACKS RESOLVERS SKIP_DEFAULT_RESOLVERS LOGGERS CONFIG_FILES
CONFIG_FILE_ENCODING JAR_DIRS REPORT_FILENAME PUBLISH_RESULT CHECK_DRIFT_ON_MIGRATE
POWERSHELL_EXECUTABLE KERBEROS_CONFIG_FILE LICENSE_KEY EMAIL TOKEN OFFLINE_PERMIT_PATH
COMMUNITY_DB_SUPPORT_DISABLED CONFIGURATIONS NATIVE_CONNECTORS DO_NOT_REDACT_URL
LOG_DEBUG_CONFIGURATION_MAP ENVIRONMENT WORKING_DIRECTORY CLEAN_ON_VALIDATION_ERROR"""


def problems(**environment: str) -> list[str]:
    """Return what is wrong with the names in *environment*."""
    return [problem.text for problem in judge_names(environment)]


SUPPORTED = KNOWN | CONNECTION | FILES
VERDICTS = (SUPPORTED, HARMLESS.keys(), ONLY.keys(), REFUSED.keys())
FAMILIES = {"JDBC_PROPERTIES_ACCESSTOKEN", "PLACEHOLDERS_ANY"}


@pytest.mark.parametrize("name", FLYWAY.split())
def test_variable_of_flyway_is_never_unknown(name: str) -> None:
    """Each is honoured, harmless or refused with its reason."""
    assert not any("is not a setting" in text for text in problems(**{f"FLYWAY_{name}": "x"}))


@pytest.mark.parametrize("name", sorted(set(FLYWAY.split()) - FAMILIES))
def test_variable_of_flyway_has_one_verdict(name: str) -> None:
    """No variable is both honoured and ignored."""
    assert sum(f"FLYWAY_{name}" in verdict for verdict in VERDICTS) == 1


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_unsupported_variable_of_flyway_is_refused_with_its_reason(name: str) -> None:
    """Ignoring it would change what a migration does."""
    assert problems(**{name: "x"}) == [f"{name} is not supported: {REFUSED[name]}"]


@pytest.mark.parametrize("name", sorted(HARMLESS))
def test_variable_that_makes_no_difference_takes_any_value(name: str) -> None:
    """It is told with its reason, and refused for none of its values."""
    assert [problems(**{name: value}) for value in ("true", "false", "x")] == [[], [], []]
    assert list(note_harmless({name: "x"})) == [f"{name} makes no difference: {HARMLESS[name]}"]


@pytest.mark.parametrize("name", sorted(ONLY))
def test_variable_with_some_possible_values_accepts_only_those(name: str) -> None:
    """A manifest that spells out the default is fine; one that changes it is not."""
    accepted, reason = ONLY[name]
    assert [problems(**{name: value.upper()}) for value in accepted] == [[]] * len(accepted)
    expected = f"{name} can only be {' or '.join(accepted)}: {reason}"
    assert problems(**{name: "no"}) == [expected]


def test_tables_of_flyway_variables_do_not_overlap() -> None:
    """Each variable has one meaning."""
    names = [name for table in (CONNECTION, HARMLESS, ONLY, REFUSED, KNOWN) for name in table]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("name", sorted(NOT_YET))
def test_setting_of_a_later_version_is_refused(name: str) -> None:
    """A gate that does not exist cannot be set; nobody may believe that it works."""
    assert problems(**{name: "x"}) == [f"{name} is not supported in this version"]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("PRESYNC_BACKUP_MAXAGE", "PRESYNC_BACKUP_MAX_AGE"),
        ("PRESYNC_DEADLIN", "PRESYNC_DEADLINE"),
        ("FLYWAY_OUTOFORDER", "FLYWAY_OUT_OF_ORDER"),
        ("PRESYNC_OUT_OF_ORDER", "FLYWAY_OUT_OF_ORDER"),
        ("PRESYNC_LOCATION", "PRESYNC_LOCATIONS"),
        ("FLYWAY_LOCATION", "FLYWAY_LOCATIONS"),
        ("FLYWAY_PLACEHOLDER_STAGE", "FLYWAY_PLACEHOLDERS_STAGE"),
        ("FLYWAY_PLACEHOLDER_SUFIX", "FLYWAY_PLACEHOLDER_SUFFIX"),
    ],
)
def test_misspelled_variable_is_refused_with_a_suggestion(name: str, meant: str) -> None:
    """A typing error does not silently mean the default."""
    assert problems(**{name: "x"}) == [f"{name} is not a setting; did you mean {meant}?"]


def test_variable_like_no_setting_is_refused_without_a_suggestion() -> None:
    """A far-fetched suggestion helps nobody."""
    assert problems(PRESYNC_XYZZY="x") == ["PRESYNC_XYZZY is not a setting"]


@pytest.mark.parametrize(
    "name",
    [
        *("PRESYNC_SERVICE_HOST", "PRESYNC_SERVICE_PORT", "PRESYNC_SERVICE_PORT_HTTP"),
        *("PRESYNC_PORT", "PRESYNC_PORT_80_TCP", "PRESYNC_PORT_80_TCP_ADDR"),
        *("FLYWAY_METRICS_SERVICE_HOST", "FLYWAY_METRICS_PORT_9090_TCP_PROTO"),
    ],
)
def test_variable_of_a_kubernetes_service_is_none_of_ours(name: str) -> None:
    """A Service whose name begins like our variables must not stop a run."""
    assert problems(**{name: "tcp://10.0.0.1:80"}) == []


def test_every_setting_has_one_name_of_each_kind() -> None:
    """No two settings share a key, a flag or a variable."""
    for names in (
        [setting.name for setting in SETTINGS],
        [setting.flag for setting in SETTINGS],
        [name for setting in SETTINGS for name in setting.environment],
    ):
        assert len(names) == len(set(names))


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_setting_is_described_and_its_default_parses(setting: Setting[object]) -> None:
    """Help says something, and the default is a value that could be given."""
    assert setting.meaning.endswith(".")
    assert setting.default is None or setting.parse(setting.default) is not None
