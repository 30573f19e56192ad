"""The project around the code: one door, locked dependencies, an example to try it with."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import pytest

from hook.core.sql.statements import split_statements
from tests.testbed.process import ROOT

MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = re.findall(r"^([a-z]+):.*?  ## ", MAKEFILE, re.MULTILINE)
LOCKS = sorted(path.name for path in ROOT.glob("requirements/*.txt"))
RUNTIME = {"psycopg", "click", "tenacity", "python-json-logger", "boto3"}


def project() -> dict[str, Any]:
    """Return what ``pyproject.toml`` says of the project."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def locked(name: str) -> list[str]:
    """Return the requirements of a lock, each with its hashes."""
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8").replace("\\\n", " ")
    return [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]


def test_makefile_is_one_door_with_few_handles() -> None:
    """Whoever comes reads ``make help`` at a glance."""
    phony = re.search(r"^\.PHONY: (.+)$", MAKEFILE, re.MULTILINE)
    assert phony is not None
    assert sorted(TARGETS) == sorted(phony[1].split())
    assert len(TARGETS) <= 14


@pytest.mark.parametrize("target", TARGETS)
def test_target_is_a_line_or_two(target: str) -> None:
    """What takes more is a program of its own."""
    rule = re.search(rf"^{target}:[^\n]*\n((?:\t[^\n]*\n)*)", MAKEFILE, re.MULTILINE)
    assert rule is not None
    assert len(rule[1].splitlines()) <= 2


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_pages_name_targets_that_exist(page: str) -> None:
    """Every ``make`` that somebody is told to type does something."""
    named = re.findall(r"(?:`|^ *)make ([a-z]+)", (ROOT / page).read_text(), re.MULTILINE)
    assert named
    assert set(named) <= set(TARGETS)


def test_ci_goes_through_every_door_that_judges() -> None:
    """But for the formatter, the measurements and what the others are made of."""
    ci = (ROOT / ".ci/run").read_text(encoding="utf-8")
    judged = set(TARGETS) - {"help", "fmt", "bench", "check"}
    called = {word for line in re.findall(r"\bmake (.+)", ci) for word in line.split()}
    assert judged <= called


def test_contributing_is_read_to_its_end() -> None:
    """A page that takes longer is not read at all."""
    assert len((ROOT / "CONTRIBUTING.md").read_text().splitlines()) <= 80


def test_contributing_shows_how_one_test_is_run() -> None:
    """The one that it names is there."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    ((file, word),) = re.findall(r"-m pytest (\S+) -k (\w+)", text)
    assert re.search(rf"^def test_\w*{word}", (ROOT / file).read_text(), re.MULTILINE)


def test_project_is_what_the_documentation_says() -> None:
    """Name, program, Python and licence."""
    table = project()
    assert (table["name"], table["requires-python"]) == ("presync-hook", ">=3.11")
    assert table["scripts"] == {"presync": "hook.cli:main"}
    assert table["license"] == "Apache-2.0"
    assert "Apache License" in (ROOT / "LICENSE").read_text()


def test_runtime_dependencies_are_locked() -> None:
    """What the image installs is what the project asks for."""
    asked = {re.split(r"[\[<>=~]", item)[0] for item in project()["dependencies"]}
    assert asked >= RUNTIME
    assert asked <= {line.partition("==")[0].partition("[")[0] for line in locked("runtime.txt")}


@pytest.mark.parametrize("name", LOCKS)
def test_lock_names_versions_and_hashes_and_no_address(name: str) -> None:
    """Which registry a package comes from is a matter of the machine, its content is not."""
    lines = locked(name)
    assert lines
    for line in lines:
        assert re.match(r"[a-z0-9._-]+(\[[a-z0-9,-]+\])?==\S+ ", line), line
        assert "--hash=sha256:" in line
        assert "://" not in line


def test_example_is_a_real_release() -> None:
    """A repeatable view, an index without lock, a function with dollar quotes, a COPY block."""
    files = {path.name: path.read_text(encoding="utf-8") for path in ROOT.glob("migrations/*.sql")}
    assert 6 <= len(files) <= 8
    statements = {
        name: [item.text for item in split_statements(text)] for name, text in files.items()
    }
    views = [name for name, texts in statements.items() if any("VIEW" in text for text in texts)]
    assert any(name.startswith("R__") for name in views)
    together = "\n".join(text for texts in statements.values() for text in texts)
    for part in ("CREATE INDEX CONCURRENTLY", "AS $body$", "FROM stdin"):
        assert part in together
