"""String syntax: what a backslash means, statement after statement."""

from __future__ import annotations

import pytest

from hook.core.sql.lexer import SqlSyntaxError, StringSyntax
from hook.core.sql.statements import split_statements

OFF = "set standard_conforming_strings = off;"
LOCAL_OFF = "set local standard_conforming_strings = off;"


def syntax_after(sql: str) -> StringSyntax:
    """Return the string syntax in which a statement behind *sql* is read."""
    return split_statements(f"{sql} select 1;")[-1].string_syntax


@pytest.mark.parametrize(
    "sql",
    [
        OFF,
        "SET Standard_Conforming_Strings TO 'off';",
        'set session "standard_conforming_strings" = FALSE;',
        LOCAL_OFF,
        "set standard_conforming_strings = 0;",
        "set standard_conforming_strings to n;",
        f"begin; {OFF} commit;",
        f"begin; {OFF} rollback to s; select 1;",
        f"begin; savepoint s; release s; commit; {OFF}",
        f"{OFF} rollback prepared 'x';",
        f"{OFF} begin; set standard_conforming_strings = on; rollback;",
        f"{OFF} begin; begin; set standard_conforming_strings = on; abort work;",
        f"{OFF} begin; set local standard_conforming_strings = on; prepare transaction 'x';",
        f"begin; {OFF} rollback; begin; {OFF} commit and chain;",
        f"begin; {OFF} commit and chain; set standard_conforming_strings = on; rollback;",
    ],
)
def test_backslash_escapes_while_the_setting_is_off(sql: str) -> None:
    """SET in all its spellings, and what the end of a transaction brings back."""
    assert syntax_after(sql) is StringSyntax.ESCAPE


@pytest.mark.parametrize(
    "sql",
    [
        "set search_path = off;",
        "set time zone 'UTC';",
        "set standard_conforming_strings;",
        f"{OFF} set standard_conforming_strings = 'on';",
        f"{OFF} set standard_conforming_strings to default;",
        f"{OFF} reset standard_conforming_strings;",
        f"{OFF} reset all;",
        f"{OFF} discard all;",
        f"begin; {OFF} rollback;",
        f"start transaction; {OFF} rollback transaction;",
        f"begin; {LOCAL_OFF} commit;",
        f"begin; {LOCAL_OFF} end work;",
        f"begin; {LOCAL_OFF} prepare transaction 'x';",
        f"begin; {LOCAL_OFF} commit and chain;",
        "prepare q as select 1;",
        "select set_config('standard_conforming_strings', 'on', false);",
        "select set_config('search_path', '', false);",
        "reset search_path;",
        "discard plans;",
        "savepoint s; set standard_conforming_strings = on;",
    ],
)
def test_backslash_is_ordinary_otherwise(sql: str) -> None:
    """Other settings, resets, and what the end of a transaction takes back."""
    assert syntax_after(sql) is StringSyntax.STANDARD


@pytest.mark.parametrize(
    ("sql", "problem"),
    [
        ("set standard_conforming_strings = maybe;", "set to neither on nor off"),
        ("set local standard_conforming_strings = o;", "set to neither on nor off"),
        (
            "select pg_catalog.set_config ( 'standard_conforming_strings' , 'off', true);",
            r"changed by set_config\(\), not by SET",
        ),
        (f"begin; savepoint s; {OFF}", "changed after a savepoint"),
    ],
)
def test_changes_that_cannot_be_followed_are_refused(sql: str, problem: str) -> None:
    """Every later string might be cut wrongly."""
    with pytest.raises(SqlSyntaxError, match=f"^line 2: standard_conforming_strings {problem}$"):
        split_statements(f"\n{sql}")


def test_strings_are_cut_by_the_syntax_in_force() -> None:
    """The same text is one statement or two."""
    text = r"select 'a\'; select 'b'"
    standard = [item.text for item in split_statements(f"{text};")]
    assert standard == [r"select 'a\'", "select 'b'"]
    with pytest.raises(SqlSyntaxError, match="unterminated bit string literal"):
        split_statements(f"{OFF} {text};")
