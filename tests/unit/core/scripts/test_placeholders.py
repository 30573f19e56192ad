"""Placeholders: textual, without regard to case, none left behind."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.scripts.placeholders import (
    PlaceholderSyntax,
    RunFacts,
    UnresolvedPlaceholders,
    builtin_placeholders,
    replace_placeholders,
)

SYNTAX = PlaceholderSyntax()
VALUES = {"mykey": "v1", "empty": "", "recursive": "${mykey}"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select 1;", "select 1;"),
        ("${mykey}", "v1"),
        ("${MyKey} ${MYKEY}", "v1 v1"),
        ("-- ${mykey}\n'${mykey}' $$ ${mykey} $$", "-- v1\n'v1' $$ v1 $$"),
        ("a${empty}b", "ab"),
        ("${recursive}", "${mykey}"),
        ("$mykey {mykey} $ {mykey}", "$mykey {mykey} $ {mykey}"),
        ("${mykey}}", "v1}"),
    ],
)
def test_placeholders_are_replaced_as_text(text: str, expected: str) -> None:
    """Everywhere, once, without regard to case."""
    assert replace_placeholders(text.encode(), VALUES, SYNTAX).decode() == expected


def test_placeholders_without_value_are_all_named_with_their_lines() -> None:
    """Each name once, where it first stands."""
    with pytest.raises(UnresolvedPlaceholders) as raised:
        replace_placeholders(b"${a}\n${mykey}${B}\n${A}\n", VALUES, SYNTAX)
    assert raised.value.problems == ("line 1: no value for ${a}", "line 2: no value for ${B}")


def test_name_with_a_blank_is_told_as_it_is_written() -> None:
    """It is another name than the one without, which may well have a value."""
    with pytest.raises(UnresolvedPlaceholders) as raised:
        replace_placeholders(b"SELECT '${ a }', '${b\nc}'", {"a": "1"}, SYNTAX)
    assert raised.value.problems == (
        "line 1: no value for ${ a }",
        "line 1: no value for ${b\\nc}",
    )


def test_placeholder_that_does_not_end_is_an_error() -> None:
    """The rest of the file cannot be its name."""
    with pytest.raises(UnresolvedPlaceholders) as raised:
        replace_placeholders(b"a\n\nb ${abc", VALUES, SYNTAX)
    assert raised.value.problems == ("line 3: ${ without }",)


def test_placeholders_follow_their_own_syntax() -> None:
    """Prefix, suffix and separator are settings; the separator renames the built-in ones."""
    syntax = PlaceholderSyntax("@@", "@@", ".")
    facts = RunFacts("app", "joe", "shop", "2026-03-01 12:00:00", "/work", "history", "prod")
    values = builtin_placeholders(facts, syntax)
    text = "@@flyway.defaultSchema@@ @@Flyway.USER@@ @@flyway.environment@@ ${x}"
    assert replace_placeholders(text.encode(), values, syntax).decode() == "app joe prod ${x}"


def test_builtin_placeholders_are_those_of_flyway() -> None:
    """A repeatable that uses them keeps its checksum when the tools are swapped."""
    facts = RunFacts("app", "joe", "shop", "2026-03-01 12:00:00", "/work", "history", "prod")
    assert builtin_placeholders(facts, SYNTAX) == {
        "flyway:defaultschema": "app",
        "flyway:user": "joe",
        "flyway:database": "shop",
        "flyway:timestamp": "2026-03-01 12:00:00",
        "flyway:workingdirectory": "/work",
        "flyway:table": "history",
        "flyway:environment": "prod",
    }


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="$")), st.just("${mykey}")
        )
    )
)
def test_text_around_placeholders_is_kept(pieces: list[tuple[str, str]]) -> None:
    """Nothing but the placeholders changes."""
    text = "".join(before + name for before, name in pieces)
    expected = "".join(f"{before}v1" for before, _ in pieces)
    assert replace_placeholders(text.encode(), VALUES, SYNTAX).decode() == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("${x}", "1"),
        ("$${x}", "$${x}"),
        ("$$${x}", "$$1"),
        ("$$$${x}", "$$$${x}"),
        ("$x$${x}$x$", "$x$${x}$x$"),
        ("$$ body $$ ${x}", "$$ body $$ 1"),
    ],
)
def test_dollar_in_front_of_a_placeholder_makes_it_text(text: str, expected: str) -> None:
    """A character that breaks off the prefix is not tried as its start again, as in Flyway."""
    assert replace_placeholders(text.encode(), {"x": "1"}, PlaceholderSyntax()).decode() == expected
