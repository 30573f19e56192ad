"""File names: what they say under Flyway's conventions."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.scripts.callback import CALLBACK_EVENTS
from hook.core.scripts.script import Kind, Naming, Role, ScriptName, parse_file_name

DEFAULT = Naming()
NAMINGS = (
    DEFAULT,
    Naming("M", "REP", "BASE", "UNDO", "-", (".ddl", ".psql")),
    Naming("ver", "repeat", "base", "undo", "~~~", (".SQL", ".migration.ddl")),
)


@pytest.mark.parametrize(
    ("name", "version", "description"),
    [
        ("V1__a.sql", "1", "a"),
        ("V1_2__a.sql", "1.2", "a"),
        ("V001_3__x.sql", "001.3", "x"),
        ("V3.sql", "3", ""),
        ("V2__with space.sql", "2", "with space"),
        ("V4___triple.sql", "4", " triple"),
        ("V5__a__b.sql", "5", "a  b"),
        ("V25__trail_.sql", "25", "trail "),
        ("V7__UP.SQL", "7", "UP"),
        ("V24__desc.with.dots.sql", "24", "desc.with.dots"),
        ("V28__a.b.sql.sql", "28", "a.b.sql"),
        ("V2024.01.02__x.sql", "2024.01.02", "x"),
        ("V20240101120000__x.sql", "20240101120000", "x"),
        ("V99999999999999999999__x.sql", "99999999999999999999", "x"),
        ("V-13__x.sql", "-13", "x"),
        ("V+14__x.sql", "+14", "x"),
        ("V9___d.sql", "9", " d"),
    ],
)
def test_name_of_a_versioned_script(name: str, version: str, description: str) -> None:
    """Version and description are split at the first separator."""
    parsed = parse_file_name(name, DEFAULT)
    assert (parsed.role, parsed.kind) == (Role.MIGRATION, Kind.VERSIONED)
    assert parsed.version is not None
    assert (parsed.version.text, parsed.description) == (version, description)


@pytest.mark.parametrize(
    ("name", "description"),
    [("R__x.sql", "x"), ("R__r_two.sql", "r two"), ("R__.sql", "")],
)
def test_name_of_a_repeatable_script(name: str, description: str) -> None:
    """A repeatable has a description and no version."""
    parsed = parse_file_name(name, DEFAULT)
    assert (parsed.kind, parsed.version, parsed.description) == (Kind.REPEATABLE, None, description)


@pytest.mark.parametrize(("name", "kind"), [("B2__x.sql", Kind.BASELINE), ("U2__x.sql", Kind.UNDO)])
def test_name_of_a_baseline_and_an_undo_script(name: str, kind: Kind) -> None:
    """Both are versioned kinds of their own."""
    parsed = parse_file_name(name, DEFAULT)
    assert (parsed.role, parsed.kind) == (Role.MIGRATION, kind)
    assert parsed.version is not None


@pytest.mark.parametrize(
    "name",
    ["v6__x.sql", "Vendor.sql", "V__nover.sql", "V12a__x.sql", "V15-desc.sql", "V9_.__d.sql",
     "R1__bad.sql", "Rnosep.sql", "R.sql", "beforeMigrateFoo.sql", "beforemigrate.sql", "foo.sql",
     ".V17__hid.sql", ".sql"],
)  # fmt: skip
def test_name_that_follows_no_convention_is_ignored(name: str) -> None:
    """It is told apart from other files, and says why."""
    parsed = parse_file_name(name, DEFAULT)
    assert parsed.role is Role.IGNORED
    assert parsed.reason


def test_name_with_one_underscore_is_told_the_separator() -> None:
    """The likeliest slip; `'1_add' is not a version` alone leaves the reader to guess."""
    told = "'1_add' is not a version; __ goes before the description"
    assert parse_file_name("V1_add.sql", DEFAULT) == ScriptName(Role.IGNORED, reason=told)
    assert parse_file_name("V1_a__b.sql", DEFAULT).reason == "'1_a' is not a version"


@pytest.mark.parametrize(
    "name", ["V8__x.sql.bak", "README.md", "README", "V1__x.sql.conf", "Makefile", "x.txt", "V.sh"]
)
def test_name_of_another_file_is_foreign(name: str) -> None:
    """Whatever has another suffix is nobody's business."""
    assert parse_file_name(name, DEFAULT).role is Role.FOREIGN


@pytest.mark.parametrize(
    "name",
    [
        *("V21__noext", "V22__s.sh", "V23__p.py", "R__x.PS1", "V1__x.bash", "afterMigrate.cmd"),
        *("V2__J.class", "R__J.class", "beforeMigrate.class", "V2__J.java", "V3__x.bat"),
    ],
)
def test_name_of_a_program_is_refused(name: str) -> None:
    """Flyway runs it, or its class where it finds it: it is not passed over in silence."""
    assert parse_file_name(name, DEFAULT).role is Role.REFUSED


@pytest.mark.parametrize("name", ["Vlatest__x.sql", "VCurrent.sql", "Bnext__x.sql"])
def test_name_with_a_word_for_a_version_is_refused(name: str) -> None:
    """Flyway runs it as a version, and cannot read the row that it writes."""
    parsed = parse_file_name(name, DEFAULT)
    assert parsed.role is Role.REFUSED
    assert "a word of FLYWAY_TARGET" in parsed.reason
    assert parse_file_name(name.replace("V", "U").replace("B", "U"), DEFAULT).role is Role.IGNORED


@pytest.mark.parametrize("event", sorted(CALLBACK_EVENTS))
def test_name_of_a_callback_is_its_event(event: str) -> None:
    """A description may follow the event, not a version."""
    for name in (f"{event}.sql", f"{event}__some_text.sql"):
        assert parse_file_name(name, DEFAULT).role is Role.CALLBACK
    assert parse_file_name(f"{event}1__x.sql", DEFAULT).role is Role.IGNORED


def test_name_follows_configured_conventions() -> None:
    """Prefixes, separator and suffixes are all settings; prefixes obey case, suffixes do not."""
    naming = Naming("M", "REP", "BASE", "UNDO", "-", (".ddl", ".psql"))
    parsed = parse_file_name("M1_1-add_x.PSQL", naming)
    assert parsed.version is not None
    assert (parsed.version.text, parsed.description) == ("1.1", "add x")
    assert parse_file_name("REP-x.ddl", naming).kind is Kind.REPEATABLE
    assert parse_file_name("BASE3-x.ddl", naming).kind is Kind.BASELINE
    assert parse_file_name("UNDO3-x.ddl", naming).kind is Kind.UNDO
    assert parse_file_name("m1-x.ddl", naming).role is Role.IGNORED
    assert parse_file_name("M1-x.sql", naming).role is Role.FOREIGN


def test_name_prefers_the_longest_prefix() -> None:
    """A prefix that begins like another one is still found."""
    naming = Naming(versioned_prefix="R", repeatable_prefix="RR")
    assert parse_file_name("RR__x.sql", naming).kind is Kind.REPEATABLE
    assert parse_file_name("R1__x.sql", naming).kind is Kind.VERSIONED
    assert parse_file_name("1__x.sql", Naming(versioned_prefix="")).kind is Kind.VERSIONED


versions = st.lists(st.integers(0, 10**9).map(str), min_size=1, max_size=4).map(".".join)
# Blanks are written as underscores, so a description never has one of its own.
characters = st.characters(codec="utf-8", exclude_characters="_")
descriptions = st.lists(st.sampled_from((" ", ".", "-", "~~~", "sql")) | characters).map("".join)


@given(st.sampled_from(NAMINGS), st.sampled_from(Kind), versions, descriptions, st.data())
def test_name_written_from_its_parts_is_read_back(
    naming: Naming, kind: Kind, version: str, description: str, data: st.DataObject
) -> None:
    """Parsing is the inverse of writing, for every kind and under every convention."""
    prefix = {
        Kind.VERSIONED: naming.versioned_prefix,
        Kind.REPEATABLE: naming.repeatable_prefix,
        Kind.BASELINE: naming.baseline_prefix,
        Kind.UNDO: naming.undo_prefix,
    }[kind]
    suffix = data.draw(st.sampled_from(naming.suffixes))
    shown = data.draw(st.sampled_from((version, version.replace(".", "_"))))
    written = "" if kind is Kind.REPEATABLE else shown
    name = f"{prefix}{written}{naming.separator}{description.replace(' ', '_')}{suffix}"
    parsed = parse_file_name(name, naming)
    assert (parsed.role, parsed.kind) == (Role.MIGRATION, kind)
    assert (parsed.version.text if parsed.version else "") == written.replace("_", ".")
    assert parsed.description == description


@given(st.text())
def test_name_of_any_kind_is_understood_or_set_aside(name: str) -> None:
    """No file name, however odd, makes the parser fail."""
    assert parse_file_name(name, DEFAULT).role in set(Role)
