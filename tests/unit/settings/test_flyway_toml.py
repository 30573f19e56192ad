"""Flyway's files in TOML, and its variables in lower case."""

from __future__ import annotations

from pathlib import Path

import pytest

from hook.errors import ConfigError
from hook.settings.flyway_entry import Reading
from hook.settings.flyway_reference import resolve
from hook.settings.flyway_toml import read_toml_files

TWO = """
[flyway]
environment = "prod"
locations = ["filesystem:a", "filesystem:b"]
mixed = true
[flyway.placeholders]
price = 5
[environments.dev]
url = "jdbc:postgresql:dev"
[environments.prod]
url = "jdbc:postgresql:prod"
schemas = ["app"]
[environments.prod.jdbcProperties]
sslmode = "require"
[environments.prod.flyway]
mixed = false
"""


def read(tmp_path: Path, *contents: str, **environment: str) -> Reading:
    """Return what files with *contents*, the weakest first, say."""
    paths = [tmp_path / f"{number}.toml" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_text(content)
    lower = [name for name in environment if name.islower()]
    return read_toml_files([str(path) for path in paths], lower, environment)


def texts(reading: Reading) -> dict[str, str]:
    """Return the values by key."""
    return {entry.key: entry.given.text for entry in reading.entries}


def problems(reading: Reading, tmp_path: Path) -> list[str]:
    """Return what is wrong, without the folder of the files."""
    return [problem.text.replace(f"{tmp_path}/", "") for problem in reading.problems]


def test_toml_environment_is_the_selected_one(tmp_path: Path) -> None:
    """Its settings become those of the run, and are stronger than the general ones."""
    reading = read(tmp_path, TWO)
    assert reading.environment == "prod"
    assert texts(reading) == {
        "flyway.locations": "filesystem:a,filesystem:b",
        "flyway.mixed": "false",
        "flyway.placeholders.price": "5",
        "flyway.url": "jdbc:postgresql:prod",
        "flyway.schemas": "app",
        "flyway.jdbcProperties.sslmode": "require",
    }
    assert reading.problems == ()


def test_toml_environment_is_the_default_one_unless_selected(tmp_path: Path) -> None:
    """Flyway calls it "default"."""
    reading = read(tmp_path, '[environments.default]\nuser = "me"\n[environments.x]\nuser = "x"')
    assert reading.environment == "default"
    assert texts(reading) == {"flyway.user": "me"}


def test_lower_case_variables_are_stronger_than_the_files(tmp_path: Path) -> None:
    """This is how Flyway lets the environment select another database."""
    reading = read(
        tmp_path, TWO, flyway_environment="dev", flyway_table="t", environments_dev_user="me"
    )
    assert reading.environment == "dev"
    found = {entry.key: entry.given.label for entry in reading.entries}
    assert found["flyway.user"] == "environments_dev_user"
    assert found["flyway.table"] == "flyway_table"
    assert texts(reading)["flyway.url"] == "jdbc:postgresql:dev"


def test_lower_case_variables_need_no_file() -> None:
    """They alone can name a database."""
    environment = {"flyway_url": "jdbc:postgresql:shop", "environments_default_user": "me"}
    reading = read_toml_files([], list(environment), environment)
    assert texts(reading) == {"flyway.url": "jdbc:postgresql:shop", "flyway.user": "me"}


def test_later_toml_is_stronger_key_by_key(tmp_path: Path) -> None:
    """Tables are merged; an empty list gives way, as in Flyway."""
    strong = '[flyway]\nlocations = []\n[flyway.placeholders]\nname = "x"\n'
    found = texts(read(tmp_path, TWO, strong))
    assert found["flyway.locations"] == "filesystem:a,filesystem:b"
    assert found["flyway.placeholders.price"] == "5"
    assert found["flyway.placeholders.name"] == "x"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1.10", "1.10"),
        ("+1.50", "1.50"),
        ("1e3", "1E+3"),
        ("0xFF", "255"),
        ("1_000", "1000"),
        ("2024-01-15", "2024-01-15"),
        ("true", "true"),
    ],
)
def test_toml_value_is_the_text_that_flyway_makes_of_it(
    tmp_path: Path, text: str, expected: str
) -> None:
    """Measured with Flyway 13: a version keeps its zeros."""
    found = texts(read(tmp_path, f"\ufeff[flyway.placeholders]\nx = {text}\n"))
    assert found == {"flyway.placeholders.x": expected}


def test_toml_text_for_patterns_that_is_empty_gives_way(tmp_path: Path) -> None:
    """To Flyway it is no list; a list with an empty text in it is one."""
    key = "flyway.ignoreMigrationPatterns"
    weak, strong = f'{key} = ["*:missing"]', f'{key} = ""'
    assert texts(read(tmp_path, weak, strong)) == {key: "*:missing"}
    assert texts(read(tmp_path, weak, f'{key} = [""]')) == {key: ""}


def test_toml_environment_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """Only the variable with the URL can stand in for it, as in Flyway."""
    content = '[flyway]\nenvironment = "prd"\n[environments.prod]\n'
    expected = ["0.toml: flyway.environment: no [environments.prd]"]
    assert problems(read(tmp_path, content), tmp_path) == expected
    assert problems(read(tmp_path, content, FLYWAY_URL="jdbc:postgresql:x"), tmp_path) == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ('[flyway]\nurl = "x"', "flyway.url belongs into [environments.<id>]"),
        ('[flyway]\nschemas = ["x"]', "flyway.schemas belongs into [environments.<id>]"),
        ('[environments.default]\nusr = "x"', "environments.default.usr is not a setting"),
        ('[flywy]\ntable = "x"', "flywy.table is not a setting; did you mean flyway?"),
        ("[flyway]\ntable = 10:00:00", "flyway.table is not a text, a number, a date"),
        ("[flyway]\ntable = 2024-01-15T10:00:00", "flyway.table is not a text, a number, a date"),
        ("[flyway]\ntable = [[1]]", "flyway.table is not a text, a number, a date"),
        ('[flyway]\nlocations = ["a,b"]', "flyway.locations: an item holds a comma"),
    ],
)
def test_toml_that_cannot_be_meant_is_refused(tmp_path: Path, content: str, problem: str) -> None:
    """Each problem names file and key."""
    (found,) = problems(read(tmp_path, content), tmp_path)
    assert found.startswith(f"0.toml: {problem}")


def test_toml_of_other_environments_and_programs_is_left_alone(tmp_path: Path) -> None:
    """One file serves many: what is not selected is not judged."""
    content = 'id = "x"\n[environments.dev]\nusr = 1.5\n[flywayDesktop]\nx = 1\n'
    reading = read(tmp_path, content)
    assert (reading.entries, reading.problems) == ((), ())
    assert [note.partition(" ")[0] for note in reading.notes] == ["id", "flywayDesktop"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"[flyway]\ntable = \n", r"0.toml is not TOML: .*\(at line 2, column 9\)$"),
        (b"[flyway]\nmixed = true\nmixed = true\n", r"is not TOML: .*\(at line 3, column 13\)$"),
        (b"[flyway]\n[flyway]\n", r"is not TOML: .*\(at line 2, column 8\)$"),
        (b'[flyway]\ntable = "\xe9"', r"0.toml is not UTF-8$"),
        (b"a = " + b"[" * 100_000, r"0.toml is not TOML: "),
    ],
)
def test_toml_that_cannot_be_parsed_is_refused_with_the_line(
    tmp_path: Path, content: bytes, reason: str
) -> None:
    """The place is told, not the value."""
    path = tmp_path / "0.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=reason):
        read_toml_files([str(path)], [], {})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${env.A}", "1"),
        ("x${ env.A }y${ENV.A}", "x1y1"),
        ("$${env.A}", "${env.A}"),
        ("!{${env.A}}", "${env.A}"),
        ("${A} ${", "${A} ${"),
    ],
)
def test_reference_stands_for_a_variable(text: str, expected: str) -> None:
    """What is doubled or marked as verbatim stays as it is."""
    assert resolve(text, {"A": "1\n"}) == expected


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("${env.B}", "the variable B is not set"),
        ("${vault.key}", r"the resolver vault is not supported; \$\{env.NAME\} is"),
        ("${env.A:D}", "the filter in .* is not supported"),
    ],
)
def test_reference_that_cannot_be_resolved_is_refused(text: str, reason: str) -> None:
    """A secret that cannot be had is no empty password."""
    with pytest.raises(ValueError, match=reason):
        resolve(text, {"A": "1"})
