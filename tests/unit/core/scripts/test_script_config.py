"""Configuration files of single scripts, in Java's properties format."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.scripts.properties import parse_properties
from hook.core.scripts.script_config import BadScriptConfig, ScriptConfig, parse_script_config

DEFAULT = ScriptConfig("utf-8", replaces_placeholders=True)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=b", {"a": "b"}),
        ("  a = b c \n", {"a": "b c "}),
        ("a:b\nc d\ne", {"a": "b", "c": "d", "e": ""}),
        ("# x\n! y\n\n \t\na=1\r\nb=2\rc=3", {"a": "1", "b": "2", "c": "3"}),
        ("a=one\\\n   two", {"a": "onetwo"}),
        ("a=x\\\\\nb=y", {"a": "x\\", "b": "y"}),
        ("a\\=b\\ c=d\\te\\u00e9\\z", {"a=b c": "d\te\u00e9z"}),
        ("a=1\na=2", {"a": "2"}),
        ("a=b=c:d", {"a": "b=c:d"}),
        ("a=last\\", {"a": "last"}),
        ("", {}),
    ],
)
def test_properties_are_read_as_java_reads_them(text: str, expected: dict[str, str]) -> None:
    """Separators, comments, continuation lines and escapes."""
    assert parse_properties(text) == expected


@given(st.text())
def test_properties_of_any_text_are_read(text: str) -> None:
    """No text makes the parser fail."""
    parse_properties(text)


def parse(text: str) -> ScriptConfig:
    """Return what *text* sets; a placeholder stands for its name in capitals."""
    return parse_script_config(text, DEFAULT, lambda value: value.replace("${env}", "ENV"))


def test_script_config_overrides_the_defaults() -> None:
    """Each of the three keys has its effect."""
    text = "executeInTransaction=FALSE\nencoding=ISO-8859-1\nplaceholderReplacement=false\n"
    assert parse(text) == ScriptConfig(
        "iso8859-1", replaces_placeholders=False, in_transaction=False
    )
    assert parse("executeInTransaction = true ").in_transaction is True
    assert parse("") == DEFAULT


@pytest.mark.parametrize(
    "text",
    [
        "\ufeffexecuteInTransaction=true",
        "executeInTransaction=tr\\ \n  ue",
        "executeInTransaction: true\r\n",
    ],
)
def test_script_config_is_read_as_flyway_reads_it(text: str) -> None:
    """As `flyway.conf` is, byte order mark and continued lines included."""
    assert parse(text).in_transaction is True


def test_script_config_has_no_escapes() -> None:
    """A backslash means itself."""
    with pytest.raises(BadScriptConfig, match=r"not '\\\\u0074rue'"):
        parse("executeInTransaction=\\u0074rue")


def test_script_config_names_every_problem() -> None:
    """Unknown keys, words that are neither true nor false, and what is not supported."""
    text = "foo=1\nexecuteInTransaction=yes\nencoding=utf-9\nshouldExecute=${env}="
    with pytest.raises(BadScriptConfig) as raised:
        parse(text)
    assert raised.value.problems == (
        "unknown property 'foo'",
        "executeInTransaction must be true or false, not 'yes'",
        "encoding: 'utf-9' is not a known encoding",
        "shouldExecute=${env}= cannot be understood",
    )


@pytest.mark.parametrize(("value", "executes"), [("${env} == ENV", True), ("${env}!=ENV", False)])
def test_condition_is_kept_as_written_and_evaluated(
    value: str,
    executes: bool,  # noqa: FBT001 - a column
) -> None:
    """What was put in for its placeholders may be a secret."""
    config = parse(f"shouldExecute={value}")
    assert (config.condition, config.executes) == (value, executes)
