"""Flyway's arguments among the other sources of settings."""

from __future__ import annotations

from pathlib import Path

import pytest

from hook.errors import BadFlags, ConfigError, HookError
from hook.settings import Settings
from hook.settings.flyway_arguments import parse_flyway_arguments
from hook.settings.load import Need, load_settings
from hook.settings.names import KNOWN
from hook.settings.sources import Inputs

URL = "-url=jdbc:postgresql://db/shop"
CANARY = "c4nary"


def load(text: str, folder: Path | None = None, **environment: str) -> Settings:
    """Return the settings of a command line *text*, blank-separated."""
    arguments = parse_flyway_arguments(text.split())
    inputs = Inputs(
        environment=arguments.overlaid(environment),
        folders=(str(folder),) if folder else (),
        arguments=arguments,
    )
    return load_settings(inputs, Need.ANY_DATABASE)


def problems(text: str, **environment: str) -> tuple[str, ...]:
    """Return why *text* is refused."""
    with pytest.raises((BadFlags, ConfigError)) as refused:
        load(text, None, **environment)
    assert isinstance(refused.value, BadFlags | ConfigError)
    return refused.value.problems


def test_arguments_set_what_their_keys_set_in_a_file() -> None:
    """Connection, settings, lists and placeholders."""
    settings = load(
        f"{URL} -user=me -schemas=app,more -outOfOrder=true -target=3"
        " -locations=filesystem:/flyway/sql -placeholders.Stage=dev",
        FLYWAY_PASSWORD="s3cr3t",
    )
    target = settings.database.require_target()
    assert target.describe() == "me@db:5432/shop"
    assert target.password == "s3cr3t"
    assert settings.database.source == "-url"
    migrations = settings.migrations
    assert migrations.history.schemas == ("app", "more")
    assert migrations.rules.is_out_of_order
    assert migrations.sources.locations == ("filesystem:/flyway/sql",)
    assert migrations.placeholders.values == {"stage": "dev"}
    assert settings.provenance.given["out_of_order"].label == "-outOfOrder"


def test_arguments_are_stronger_than_variables_and_files(tmp_path: Path) -> None:
    """As in Flyway; presync's own variable for the same gives way, too."""
    (tmp_path / "flyway.conf").write_text("flyway.table=file\nflyway.tablespace=file\n")
    settings = load(
        f"{URL} -table=flag -locations=flag -placeholders.A=flag",
        tmp_path,
        FLYWAY_TABLE="variable",
        PRESYNC_LOCATIONS="variable",
        FLYWAY_PLACEHOLDERS_A="variable",
        FLYWAY_URL="jdbc:postgresql://other/shop",
    )
    assert settings.migrations.history.table == "flag"
    assert settings.migrations.history.tablespace == "file"
    assert settings.migrations.sources.locations == ("flag",)
    assert settings.migrations.placeholders.values == {"a": "flag"}
    assert settings.database.require_target().describe() == "db:5432/shop"


@pytest.mark.parametrize(
    ("key", "variable"),
    [
        ("ignoreMigrationPatterns", "FLYWAY_IGNORE_MIGRATION_PATTERNS"),
        ("sqlMigrationPrefix", "FLYWAY_SQL_MIGRATION_PREFIX"),
        ("repeatableSqlMigrationPrefix", "FLYWAY_REPEATABLE_SQL_MIGRATION_PREFIX"),
        ("baselineMigrationPrefix", "FLYWAY_BASELINE_MIGRATION_PREFIX"),
        ("baselineDescription", "FLYWAY_BASELINE_DESCRIPTION"),
    ],
)
@pytest.mark.parametrize("is_variable_set", [True, False])
def test_empty_argument_is_a_value_where_flyway_takes_it_for_one(
    key: str,
    variable: str,
    is_variable_set: bool,  # noqa: FBT001 - a parameter
    tmp_path: Path,
) -> None:
    """It is stronger than the variable, and than a file."""
    (tmp_path / "flyway.conf").write_text(f"flyway.{key}=*:missing\n")
    environment = {variable: "*:pending"} if is_variable_set else {}
    settings = load(f"{URL} -{key}=", tmp_path, **environment)
    given = settings.provenance.given[variable.removeprefix("FLYWAY_").lower()]
    assert (given.text, given.label) == ("", f"-{key}")


def test_empty_placeholder_in_an_argument_is_one() -> None:
    """Stronger than its variable."""
    settings = load(f"{URL} -placeholders.x=", FLYWAY_PLACEHOLDERS_X="variable")
    assert settings.migrations.placeholders.values == {"x": ""}


def test_empty_argument_leaves_the_variable() -> None:
    """Manifests that are filled from templates set things to nothing."""
    assert load(f"{URL} -table=", FLYWAY_TABLE="variable").migrations.history.table == "variable"


def test_files_are_named_by_an_argument(tmp_path: Path) -> None:
    """Instead of the variable's."""
    path = tmp_path / "own.conf"
    path.write_text("flyway.table=own\n")
    settings = load(f"{URL} -configFiles={path}", FLYWAY_CONFIG_FILES="/nowhere")
    assert settings.migrations.history.table == "own"


def test_environment_of_the_toml_file_is_chosen(tmp_path: Path) -> None:
    """By its id; single keys of it are replaced."""
    (tmp_path / "flyway.toml").write_text(
        '[environments.test]\nurl = "jdbc:postgresql://test/shop"\nuser = "file"\n'
    )
    settings = load("-environment=test -environments.test.user=flag", tmp_path)
    assert settings.database.require_target().describe() == "flag@test:5432/shop"
    assert settings.migrations.placeholders.environment == "test"
    alone = load("-environments.default.url=jdbc:postgresql://db/shop")
    assert alone.database.require_target().describe() == "db:5432/shop"
    assert problems("-environment=gone") == ("-environment: no [environments.gone]",)


def test_harmless_arguments_make_no_difference_with_a_note() -> None:
    """As their variables are."""
    settings = load(f"{URL} -driver=org.postgresql.Driver -cleanDisabled=false -licenseKey=x")
    assert [note.partition(" makes no")[0] for note in settings.provenance.notes] == [
        "-cleanDisabled", "-licenseKey",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("-outoforder=true", "-outoforder is not a flag; did you mean -outOfOrder?"),
        ("-bogus=1", "-bogus is not a flag"),
        ("-outOfOrder=maybe", "-outOfOrder: 'maybe' is not true or false"),
        ("-table=a -table=b", "-table is given twice"),
        ("-environments.url=x", "-environments.url names no key"),
        ("-placeholders.=x", "-placeholders. is not a flag"),
        ("-table=$(NAME)", "-table holds a literal $(NAME)"),
        ("-dryRunOutput=x", "-dryRunOutput is not supported: presync plan"),
    ],
)
def test_mistakes_are_named_as_they_were_typed(text: str, problem: str) -> None:
    """With what was probably meant."""
    found = problems(f"{URL} {text}")
    assert len(found) == 1
    assert problem in found[0]


@pytest.mark.parametrize(
    ("text", "label", "variable"),
    [
        (f"{URL} -password={CANARY}", "-password", "FLYWAY_PASSWORD"),
        (f"{URL}?user=u&password={CANARY}", "-url", "FLYWAY_URL"),
        (f"-url=jdbc:postgresql://u:{CANARY}@db/shop", "-url", "FLYWAY_URL"),
        (
            f"{URL} -jdbcProperties.password={CANARY}",
            "-jdbcProperties.password",
            "FLYWAY_JDBC_PROPERTIES_password",
        ),
        (
            f"{URL} -environments.default.password={CANARY}",
            "-environments.default.password",
            "environments_default_password",
        ),
    ],
)
def test_password_is_refused_and_never_repeated(text: str, label: str, variable: str) -> None:
    """What takes it instead is named."""
    with pytest.raises(HookError) as refused:
        load(text)
    assert f"{label} holds a password" in refused.value.message
    assert f"Set {variable} " in refused.value.hint
    assert CANARY not in refused.value.message + refused.value.hint
    assert CANARY in parse_flyway_arguments(text.split()).secrets


def test_every_setting_of_flyway_has_an_argument() -> None:
    """In camel case, with the value that its variable would have."""
    # The command line turns -workingDirectory into the flag of that setting.
    names = {name for name in KNOWN if name.startswith("FLYWAY_")} - {"FLYWAY_WORKING_DIRECTORY"}
    for name in sorted(names):
        first, *words = name.removeprefix("FLYWAY_").lower().split("_")
        key = first + "".join(word.capitalize() for word in words)
        (entry,) = parse_flyway_arguments([f"-{key}=x"]).entries
        assert entry.given.label == f"-{key}"
