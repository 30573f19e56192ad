"""What the documentation says of exit codes and settings, held to the code."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

import pytest

from hook.command_line import IGNORED_SWITCHES, REFUSED_COMMANDS
from hook.commands import SHAPES
from hook.core.backups.backup_document import (
    BACKUP_KEYS,
    DOCUMENT_KEYS,
    RUN_KEYS,
    load_json,
    parse_document,
)
from hook.core.backups.marker import MarkerRights, judge_rights
from hook.core.backups.restore_commands import RestorePoint, RestoreSource, restore_commands
from hook.core.sql.loss_rule import STATEMENTS, LossRule
from hook.errors import ExitCode
from hook.own_flags import OWN_FLAGS
from hook.render.report_json import report_object
from hook.settings import flyway_keys
from hook.settings.flyway_variables import CONNECTION, FILES, HARMLESS, ONLY, REFUSED
from hook.settings.setting import Group, Setting
from hook.settings.specification import SETTINGS
from tests.fakes import NOON
from tests.testbed.process import ROOT
from tests.unit.render.backup_tables import CHECK, SERVICE

DOCS = ROOT / "docs"
DEMO = {"--samples", "--migrations"}
PARTS = ("Means", "Database", "Do")


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def code(text: str) -> str:
    """Return *text* as code, safe within a table."""
    return f"`{text}`".replace("|", "\\|")


def exit_codes() -> str:
    """Return the table of exit codes."""
    rows = [
        (f"[{int(item)}](#{int(item)}-{item.name.lower()})", item.name, item.effect.value)
        for item in ExitCode
    ]
    meanings = [item.meaning for item in ExitCode]
    full = [(*row, meaning) for row, meaning in zip(rows, meanings, strict=True)]
    return table(("code", "name", "database", "meaning"), full)


def setting_row(setting: Setting[object]) -> tuple[str, ...]:
    """Return one line of the table of settings."""
    names = ", ".join(code(name) for name in setting.environment)
    default = "" if setting.default is None else code(setting.default)
    meaning = setting.meaning.replace("|", "\\|")
    return (names, code(f"{setting.flag} {setting.metavar}"), default, meaning)


def settings() -> str:
    """Return the tables of settings, one per group."""
    headers = ("variable", "flag", "default", "meaning")
    parts = [
        f"### {group.value}\n\n"
        + table(headers, [setting_row(item) for item in SETTINGS if item.group is group])
        for group in Group
    ]
    return "\n\n".join(parts)


def own_flags() -> str:
    """Return the flags of single commands."""
    rows = []
    for flag, option in OWN_FLAGS.items():
        names = ", ".join(code(shape.name) for shape in SHAPES if flag in shape.flags)
        form = f"{flag.value} {option.metavar}" if flag.takes_value else flag.value
        rows.append((names, code(form), option.help or ""))
    return table(("command", "flag", "meaning"), sorted(rows))


def harmless() -> str:
    """Return the variables that make no difference."""
    return table(("variable", "because"), [(code(name), why) for name, why in HARMLESS.items()])


def only() -> str:
    """Return the variables with some possible values."""
    rows = [
        (code(name), ", ".join(code(value) for value in values), why)
        for name, (values, why) in ONLY.items()
    ]
    return table(("variable", "values", "because"), rows)


def refused() -> str:
    """Return the variables that are refused."""
    return table(("variable", "because"), [(code(name), why) for name, why in REFUSED.items()])


def keys() -> str:
    """Return the keys of Flyway's files that no variable sets."""
    verdicts = (("ignored", flyway_keys.HARMLESS), ("refused", flyway_keys.REFUSED))
    rows = [(code(key), verdict, why) for verdict, all_ in verdicts for key, why in all_.items()]
    return table(("key", "verdict", "because"), rows)


def commands() -> str:
    """Return Flyway's commands that are not there."""
    rows = [(code(name), why) for name, why in REFUSED_COMMANDS.items()]
    return table(("command", "because"), rows)


def switches() -> str:
    """Return Flyway's flags without value that are ignored."""
    rows = [(code(name), why) for name, why in IGNORED_SWITCHES.items()]
    return table(("flag", "because"), rows)


def told(keys_: Mapping[str, str]) -> str:
    """Return the keys of an object in the document of a command."""
    return table(("key", "what"), [(code(key), what) for key, what in keys_.items()])


def document_keys() -> str:
    """Return the keys of that document."""
    return told(DOCUMENT_KEYS)


def backup_keys() -> str:
    """Return the keys of a backup in it."""
    return told(BACKUP_KEYS)


def run_keys() -> str:
    """Return the keys of a piece of WAL in it."""
    return told(RUN_KEYS)


def rules() -> str:
    """Return the rules that a waiver may name."""
    return table(("rule", "statements"), [(code(rule), STATEMENTS[rule]) for rule in LossRule])


GENERATED: list[tuple[str, str, Callable[[], str]]] = [
    ("exit-codes.md", "table", exit_codes),
    ("settings.md", "settings", settings),
    ("settings.md", "own flags", own_flags),
    ("settings.md", "harmless", harmless),
    ("settings.md", "only", only),
    ("settings.md", "refused", refused),
    ("settings.md", "keys", keys),
    ("settings.md", "commands", commands),
    ("settings.md", "switches", switches),
    ("backup-sources.md", "document", document_keys),
    ("backup-sources.md", "backup", backup_keys),
    ("backup-sources.md", "run", run_keys),
    ("waivers.md", "rules", rules),
]


@pytest.mark.parametrize(
    ("file", "mark", "render"), GENERATED, ids=lambda item: getattr(item, "__name__", item)
)
def test_table_is_that_of_the_code(file: str, mark: str, render: Callable[[], str]) -> None:
    """The table equals what the code says; UPDATE_GOLDEN=1 writes it anew."""
    path = DOCS / file
    text = path.read_text(encoding="utf-8")
    start, end = f"<!-- generated: {mark} -->\n", "<!-- end -->"
    # Another process may be writing it: what it has not written yet would be lost.
    assert start in text
    before, _, rest = text.partition(start)
    found, _, after = rest.partition(end)
    expected = f"\n{render()}\n\n"
    if os.environ.get("UPDATE_GOLDEN") and found != expected:
        path.write_text(before + start + expected + end + after, encoding="utf-8")
        found = expected
    assert found == expected


def sections() -> dict[str, str]:
    """Return the sections of the page of exit codes by heading."""
    text = (DOCS / "exit-codes.md").read_text(encoding="utf-8")
    pieces = re.split(r"^## (.+)\n", text, flags=re.MULTILINE)
    return dict(zip(pieces[1::2], pieces[2::2], strict=True))


def test_every_exit_code_has_one_section() -> None:
    """The page names each code once, in order, and no code that does not exist."""
    assert list(sections()) == [f"{int(item)} {item.name}" for item in ExitCode]


@pytest.mark.parametrize("item", list(ExitCode), ids=lambda item: item.name)
def test_exit_code_says_what_it_means_and_what_to_do(item: ExitCode) -> None:
    """Each section has the same parts: meaning, state of the database, next step."""
    section = sections()[f"{int(item)} {item.name}"]
    assert re.findall(r"^- \*\*(\w+)\*\*: \S", section, flags=re.MULTILINE) == list(PARTS)


def known_names() -> set[str]:
    """Return every variable that the documentation may name."""
    own = {name for setting in SETTINGS for name in setting.environment}
    return own | {*CONNECTION, *FILES, *HARMLESS, *ONLY, *REFUSED}


@pytest.mark.parametrize("file", ["exit-codes.md", "settings.md", "backup-sources.md"])
def test_documentation_names_only_what_exists(file: str) -> None:
    """No setting, flag or command is made up."""
    text = (DOCS / file).read_text(encoding="utf-8")
    named = set(re.findall(r"\b(?:PRESYNC|FLYWAY)_[A-Z0-9_]*[A-Z0-9](?![A-Z0-9_<])", text))
    assert named <= known_names()
    commands = set(re.findall(r"`presync (\w+)", text))
    assert commands <= {"demo", *(shape.name for shape in SHAPES)}
    flags = set(re.findall(r"`(--[a-z0-9-]+)", text))
    own = {flag.value for shape in SHAPES for flag in shape.flags}
    assert flags <= {setting.flag for setting in SETTINGS} | {"--placeholder"} | own | DEMO


def test_document_of_a_command_is_one() -> None:
    """The example can be copied, and holds every key of a backup that is needed."""
    page = (DOCS / "backup-sources.md").read_text()
    (example,) = re.findall(r"^```json\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    told_ = parse_document(load_json(example.encode()))
    assert len(told_.backups) == 2
    assert told_.runs
    assert told_.backups[1].references == (told_.backups[0].label,)


def test_page_of_the_table_shows_what_is_printed() -> None:
    """Its example is the golden file's, its columns and keys are those of the program."""
    page = (DOCS / "check.md").read_text(encoding="utf-8")
    golden = (ROOT / "tests" / "golden" / "render" / "check.txt").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```\n(.*?)\n^```", page, re.MULTILINE | re.DOTALL)
    assert example in golden.split("\n\n")
    columns = re.search(r"^\| column .*?\n\n", page, re.MULTILINE | re.DOTALL)
    assert columns is not None
    assert re.split(r"  +", example.splitlines()[1].strip()) == _first_cells(columns[0])
    told = report_object(CHECK._replace(backups=SERVICE))["backups"]
    assert isinstance(told, dict)
    for title, keys in (
        ("`backups`", told),
        ("`backups.rows[]`", told["rows"][0]),
        ("`backups.window`", told["window"]),
    ):
        table = re.search(rf"^\| {re.escape(title)} \|.*?\n\n", page, re.MULTILINE | re.DOTALL)
        assert table is not None
        assert _first_cells(table[0].replace("`", "")) == list(keys)


def _first_cells(table: str) -> list[str]:
    return [line.split(" | ")[0].removeprefix("| ") for line in table.strip().splitlines()[2:]]


def test_document_of_a_service_is_one() -> None:
    """The second example can be copied as well, and tells a window."""
    page = (DOCS / "backup-sources.md").read_text()
    (example,) = re.findall(r"^```js\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    told_ = parse_document(load_json(example.encode()))
    assert told_.origin.hosts
    assert told_.window is not None


def test_way_back_page_names_what_exists() -> None:
    """Settings by their names, commands that can be typed, and the grant that is asked for."""
    page = (DOCS / "way-back.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\bPRESYNC_[A-Z0-9_]*[A-Z0-9]", page)) <= known_names()
    assert set(re.findall(r"`presync (\w+)", page)) <= {shape.name for shape in SHAPES}
    missing = MarkerRights(may_create=False, may_switch=False)
    grant = judge_rights(missing, "shop_migrator", "shop").hint
    found = re.search(r"^    (GRANT EXECUTE .*;)$", page, re.MULTILINE)
    assert found is not None
    assert found[1] in grant
    functions = found[1].partition(" TO ")[0]
    assert functions in (ROOT / "README.md").read_text(encoding="utf-8")


def test_way_back_page_has_a_line_for_each_command() -> None:
    """Of those that are printed for pgBackRest, and for no other."""
    page = (DOCS / "way-back.md").read_text(encoding="utf-8")
    point = RestorePoint("presync-shop", "0/1", NOON, 1, "full")
    ways = restore_commands(RestoreSource("pgbackrest", "app"), point)
    rows = re.findall(r"^\| `(--[a-z0-9-]+(?:=[a-z]+)?)", page, re.MULTILINE)
    assert len(rows) == len(ways)
    assert all(row in way.command for row, way in zip(rows, ways, strict=True))
