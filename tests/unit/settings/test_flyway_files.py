"""Flyway's configuration files among the other sources of settings."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hook.errors import ConfigError
from hook.settings import Settings
from hook.settings.flyway_files import default_folders
from hook.settings.load import Need, load_settings
from hook.settings.sources import Inputs
from tests.testbed.process import ROOT

URL = "flyway.url=jdbc:postgresql://db/shop\n"
TOML_URL = '[environments.default]\nurl = "jdbc:postgresql://db/shop"\n'


def written(folder: Path, name: str, text: str) -> str:
    """Return the path of a new file."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    return str(folder / name)


def load(*folders: Path, flags: dict[str, str] | None = None, **environment: str) -> Settings:
    """Return the settings of a process whose files are in *folders*, the weakest first."""
    places = tuple(str(folder) for folder in folders)
    return load_settings(Inputs(flags or {}, environment, (), places), Need.ANY_DATABASE)


def problems(*folders: Path, **environment: str) -> tuple[str, ...]:
    """Return why the process refuses."""
    with pytest.raises(ConfigError) as refused:
        load(*folders, flags=None, **environment)
    return refused.value.problems


def password_of(settings: Settings) -> str | None:
    """Return the password to connect with."""
    return settings.database.require_target().password


def test_database_of_flyway_conf_is_used(tmp_path: Path) -> None:
    """URL, login and properties of the file are those of the connection."""
    text = URL + "flyway.user=me\nflyway.password=${PW}\nflyway.jdbcProperties.sslmode=require\n"
    path = written(tmp_path, "flyway.conf", text)
    settings = load(tmp_path, PW="s3cr3t")
    target = settings.database.require_target()
    assert target.describe() == "me@db:5432/shop"
    assert (target.password, target.parameters["sslmode"]) == ("s3cr3t", "require")
    assert settings.database.source == f"{path}:1: flyway.url"
    assert "s3cr3t" in settings.provenance.secrets


def test_database_of_flyway_toml_is_used(tmp_path: Path) -> None:
    """The user's own file is stronger than the one of the project."""
    project = written(tmp_path, "flyway.toml", TOML_URL + 'user = "a"\npassword = "${env.PW}"\n')
    written(tmp_path, "flyway.user.toml", '[environments.default]\nuser = "b"\n')
    settings = load(tmp_path, PW="s3cr3t")
    assert settings.database.require_target().describe() == "b@db:5432/shop"
    assert settings.database.source == f"{project}: environments.default.url"
    assert password_of(settings) == "s3cr3t"
    assert "s3cr3t" in settings.provenance.secrets


def test_reference_counts_only_where_the_database_is_named(tmp_path: Path) -> None:
    """Measured with the command line of Flyway 10.22, which says what it takes for the table."""
    text = 'schemas = ["${env.A}"]\n[flyway]\ntable = "${env.A}"\n'
    text += '[flyway.placeholders]\nwho = "${env.A}"\n'
    path = written(tmp_path, "flyway.toml", TOML_URL + text)
    settings = load(tmp_path, A="a")
    migrations = settings.migrations
    assert migrations.history.schemas == ("a",)
    assert migrations.history.table == "${env.A}"
    assert migrations.placeholders.values == {"who": "${env.A}"}
    reason = "Flyway resolves it only where the database is named"
    note = f"{path}: flyway.table: ${{env.…}} stays as it is: {reason}"
    assert note in settings.provenance.notes


def test_nearer_folder_is_stronger_and_named_file_strongest(tmp_path: Path) -> None:
    """The order is that of Flyway, value by value."""
    far, near = tmp_path / "far", tmp_path / "near"
    written(far, "flyway.conf", "flyway.table=far\nflyway.encoding=ISO-8859-1\nflyway.target=1\n")
    written(near, "flyway.conf", "flyway.table=near\nflyway.target=2\n")
    named = written(tmp_path, "own.conf", "flyway.target=3\n")
    settings = load(far, near, FLYWAY_CONFIG_FILES=named)
    given = settings.provenance.given
    assert [given[name].text for name in ("table", "encoding", "target")] == [
        "near",
        "ISO-8859-1",
        "3",
    ]
    assert given["target"].label == f"{named}:1: flyway.target"


def test_flyway_files_are_weaker_than_every_other_source(tmp_path: Path) -> None:
    """Flags, variables and presync's own file come first."""
    text = "".join(f"flyway.{key}=file\n" for key in ("table", "tablespace", "installedBy"))
    written(tmp_path, "flyway.conf", text + "flyway.placeholders.A=file\nflyway.defaultSchema=f\n")
    own = written(tmp_path, "presync.toml", 'installed_by = "toml"\n[placeholders]\nb = "toml"')
    settings = load(
        tmp_path,
        flags={"table": "flag"},
        PRESYNC_CONFIG=own,
        FLYWAY_TABLESPACE="variable",
        FLYWAY_PLACEHOLDERS_A="variable",
    )
    history = settings.migrations.history
    assert (history.table, history.tablespace, history.installed_by, history.default_schema) == (
        "flag",
        "variable",
        "toml",
        "f",
    )
    assert settings.migrations.placeholders.values == {"a": "variable", "b": "toml"}


def test_variable_replaces_one_part_of_the_login_in_the_file(tmp_path: Path) -> None:
    """The password of a Secret meets the URL of a ConfigMap."""
    written(tmp_path, "flyway.conf", URL + "flyway.user=me\nflyway.password=old\n")
    settings = load(tmp_path, FLYWAY_PASSWORD="new", FLYWAY_USER="")
    assert settings.database.require_target().describe() == "me@db:5432/shop"
    assert password_of(settings) == "new"


def test_variable_hides_what_is_wrong_in_the_file(tmp_path: Path) -> None:
    """A reference that cannot be resolved does not matter when nothing needs it."""
    text = TOML_URL + 'password = "${vault.pw}"\nuser = "${env.NO}"\n'
    written(tmp_path, "flyway.toml", text)
    settings = load(tmp_path, FLYWAY_PASSWORD="new", FLYWAY_USER="x")
    assert password_of(settings) == "new"


def test_file_that_names_another_database_than_a_variable_is_refused(tmp_path: Path) -> None:
    """Neither is believed when they disagree."""
    path = written(tmp_path, "flyway.conf", URL)
    (problem,) = problems(tmp_path, DATABASE_URL="postgresql://other/shop")
    assert (
        problem == f"{path}:1: flyway.url names db:5432/shop and DATABASE_URL names other:5432/shop"
    )


def test_login_in_a_file_without_url_is_refused(tmp_path: Path) -> None:
    """It would have no effect."""
    path = written(tmp_path, "flyway.conf", "flyway.user=me\n")
    assert problems(tmp_path) == (f"{path}:1: flyway.user is set and FLYWAY_URL is not",)


def test_environment_of_toml_is_known_to_placeholders(tmp_path: Path) -> None:
    """${flyway:environment} stands for its id."""
    written(tmp_path, "flyway.toml", '[flyway]\nenvironment="prod"\n[environments.prod]\n')
    assert load(tmp_path).migrations.placeholders.environment == "prod"
    assert load().migrations.placeholders.environment == "default"


def test_both_families_are_refused_and_named(tmp_path: Path) -> None:
    """Nobody should have to guess which of the two counts."""
    conf = written(tmp_path, "flyway.conf", URL)
    toml = written(tmp_path, "flyway.toml", TOML_URL)
    expected = (f"both {conf} and {toml} configure Flyway",)
    assert problems(tmp_path) == expected
    assert problems(FLYWAY_CONFIG_FILES=f"{toml}, {conf}") == expected


def test_named_file_decides_between_the_families(tmp_path: Path) -> None:
    """As with Flyway, what was found of the other family is left aside; it is told."""
    conf = written(tmp_path, "flyway.conf", URL)
    toml = written(tmp_path, "flyway.toml", TOML_URL)
    for named, other in ((conf, toml), (toml, conf)):
        settings = load(tmp_path, FLYWAY_CONFIG_FILES=named)
        assert settings.database.source.startswith(named)
        (note,) = settings.provenance.notes
        assert note.startswith(f"{other} is ignored: ")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("flyway.tabel=x", "is not a setting; did you mean flyway.table?"),
        ("flyway.Table=x", "is not a setting; did you mean flyway.table?"),
        ("flyway.xyzzy=x", "is not a setting"),
        ("flyway.errorOverrides=x", "is not supported: an error of the server is never"),
        ("flyway.tags.anyOf=x", "is not supported: every migration of the release is run"),
        ("flyway.detectEncoding=true", "can only be false"),
        ("flyway.mixed=maybe", "'maybe' is not true or false"),
        ("flyway.table=$(NAME)", "Kubernetes expands $(NAME) in a manifest only"),
        ("flyway.placeholders.a=$(NAME)", "Kubernetes expands $(NAME) in a manifest only"),
        ("flyway.placeholders.=1", "is no name for a placeholder"),
    ],
)
def test_bad_key_or_value_is_refused_with_file_and_line(
    tmp_path: Path, line: str, reason: str
) -> None:
    """Each refusal leads to the line to be changed."""
    path = written(tmp_path, "flyway.conf", f"\n{line}\n")
    (problem,) = problems(tmp_path)
    assert problem.startswith(f"{path}:2: {line.partition('=')[0]}")
    assert reason in problem


def test_empty_value_counts_where_it_means_something(tmp_path: Path) -> None:
    """A placeholder may stand for nothing, and no pattern may be wanted; the rest is not set."""
    far, near = tmp_path / "far", tmp_path / "near"
    written(far, "flyway.conf", "flyway.table=x\nflyway.initSql=SELECT 1\n")
    empty = ("table", "initSql", "placeholders.a", "ignoreMigrationPatterns")
    written(near, "flyway.conf", "".join(f"flyway.{key}=\n" for key in empty))
    migrations = load(far, near).migrations
    assert migrations.rules.ignore_patterns == ()
    assert migrations.history.table == "flyway_schema_history"
    assert migrations.placeholders.values == {"a": ""}


@pytest.mark.parametrize(
    "line", ["flyway.connectRetries=5", "flyway.color=always", "flyway.check.buildUrl=x"]
)
def test_harmless_key_is_noted(tmp_path: Path, line: str) -> None:
    """It is ignored as its variable is, and that is told."""
    path = written(tmp_path, "flyway.conf", f"{line}\n")
    (note,) = load(tmp_path).provenance.notes
    assert note.startswith(f"{path}:1: {line.partition('=')[0]} is ignored: ")


def test_harmless_value_need_not_be_resolved(tmp_path: Path) -> None:
    """Where a licence would come from does not matter."""
    path = written(tmp_path, "flyway.toml", '[flyway]\ntoken = "${vault.token}"\n')
    (note,) = load(tmp_path).provenance.notes
    assert note.startswith(f"{path}: flyway.token makes no difference: neither presync nor ")


def test_lower_case_variable_beside_flyway_conf_is_noted(tmp_path: Path) -> None:
    """Flyway has them for TOML only."""
    written(tmp_path, "flyway.conf", "flyway.table=x\n")
    settings = load(tmp_path, flyway_table="y")
    assert settings.migrations.history.table == "x"
    assert settings.provenance.notes == (
        "flyway_table is ignored: it has no effect beside flyway.conf",
    )


@pytest.mark.parametrize("name", ["flyway.conf", "flyway.toml"])
def test_file_that_cannot_be_read_is_refused(tmp_path: Path, name: str) -> None:
    """A directory appears where a mounted key does not exist."""
    (tmp_path / name).mkdir()
    assert problems(tmp_path) == (f"{tmp_path / name}: is a directory",)
    missing = f"{tmp_path}/missing-{name}"
    assert problems(FLYWAY_CONFIG_FILES=missing) == (f"{missing}: no such file or directory",)
    pipe = f"{tmp_path}/pipe-{name}"
    os.mkfifo(pipe)
    assert problems(FLYWAY_CONFIG_FILES=pipe) == (f"{pipe}: not a regular file",)


def test_unexpanded_list_of_files_is_refused() -> None:
    """The variable is named, not a file called $(DIR)/flyway.conf."""
    (problem,) = problems(FLYWAY_CONFIG_FILES="$(DIR)/flyway.conf")
    assert problem.startswith("FLYWAY_CONFIG_FILES holds a literal $(DIR)")


def test_default_folders_are_those_of_flyway(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The installation, the home folder, the current folder; each once."""
    monkeypatch.chdir(tmp_path)
    assert default_folders({"HOME": "/h/"}) == ("/flyway/conf", "/h", str(tmp_path))
    assert default_folders({"HOME": str(tmp_path)}) == ("/flyway/conf", str(tmp_path))
    assert default_folders({}) == ("/flyway/conf", str(tmp_path))


def test_no_parser_is_imported_without_a_file(tmp_path: Path) -> None:
    """A run without such files pays for looking, not for reading."""
    program = """
import sys
from hook.settings.load import Need, load_settings
from hook.settings.sources import Inputs
load_settings(Inputs({}, {}, (), (sys.argv[1],)), Need.NO_DATABASE)
print(*(name for name in sys.modules if name.startswith(("tomllib", "hook.settings.flyway_"))))
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    # A measuring of coverage would import a parser of its own.
    env = {"PATH": os.environ["PATH"]}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == {
        "hook.settings.flyway_files",
        "hook.settings.flyway_specification",
        "hook.settings.flyway_variables",
    }
