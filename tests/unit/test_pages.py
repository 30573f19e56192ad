"""The pages that people read: each has its beginning, and every link leads somewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from hook.commands import SHAPES
from hook.core.scripts.events import Event
from hook.postgres.queries import load_query
from tests.testbed.process import ROOT
from tests.unit.test_docs import known_names

PAGES = sorted(
    str(path.relative_to(ROOT))
    for pattern in ("*.md", "docs/*.md", "manifests/*.md")
    for path in ROOT.glob(pattern)
)
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_VARIABLE = re.compile(r"\bPRESYNC_[A-Z0-9_]*[A-Z0-9](?![A-Z0-9_<])")
_OF_THE_TESTS = {"PRESYNC_TEST_PG_BIN"}


def prose(page: str) -> str:
    """Return *page* without its examples."""
    return _FENCED.sub("", (ROOT / page).read_text(encoding="utf-8"))


def anchors(page: Path) -> Iterator[str]:
    """Yield the anchor of each heading, as GitHub makes it."""
    for heading in re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE):
        kept = re.sub(r"[^\w\- ]", "", heading.lower())
        yield kept.replace(" ", "-")


@pytest.mark.parametrize("page", PAGES)
def test_page_begins_with_its_title(page: str) -> None:
    """A page whose text got lost begins with a table that is generated."""
    assert (ROOT / page).read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str) -> None:
    """To a file that is there, and to a heading in it."""
    for target in _LINK.findall(prose(page)):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.exists(), target
        assert not anchor or anchor in anchors(path), target


@pytest.mark.parametrize("page", PAGES)
def test_page_names_settings_and_commands_that_exist(page: str) -> None:
    """What is written about them is written about this version."""
    text = (ROOT / page).read_text(encoding="utf-8")
    assert set(_VARIABLE.findall(text)) <= known_names() | _OF_THE_TESTS
    commands = set(re.findall(r"(?:`|^\s*\$ )presync ([a-z]+)", text, re.MULTILINE))
    assert commands <= {shape.name for shape in SHAPES} | {"demo"}


def test_readme_runs_the_image_that_it_has_built() -> None:
    """It is pulled from nowhere; on a terminal the result is a text and no JSON."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    (built,) = re.findall(r"^docker build --tag (\S+) \.$", text, re.MULTILINE)
    (run,) = re.findall(r"^docker run (.*?)^```", text, re.MULTILINE | re.DOTALL)
    assert text.index("docker build") < text.index("docker run")
    assert run.split("\n")[-2].split() == [built, "plan"]
    assert "--tty" in run.split()
    assert f"FROM {built}\n" in text


def test_readme_lists_every_command() -> None:
    """In the order of the help."""
    rows = re.findall(r"^\| `([a-z]+)` \| ", prose("README.md"), re.MULTILINE)
    assert rows == [*(shape.name for shape in SHAPES), "demo"]


def test_ledger_has_the_columns_that_are_described() -> None:
    """The table of columns is that of the statement which creates them, in its order."""
    statement = load_query("ledger_create")
    created = re.findall(r"^    (\w+) ", statement, re.MULTILINE)
    lines = (ROOT / "docs" / "ledger.md").read_text(encoding="utf-8").splitlines()
    cells = [line.split("|")[1] for line in lines if line.startswith("| `")]
    assert [name for cell in cells for name in re.findall(r"`(\w+)`", cell)] == created


def test_callbacks_page_knows_every_event() -> None:
    """Whoever has a file looks here when it runs."""
    page = (ROOT / "docs" / "callbacks.md").read_text()
    assert [event for event in Event if f"`{event}`" not in page] == []
