"""Secrets taken out of text."""

from __future__ import annotations

import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.reporting.redaction import Redactor

SECRETS = ["hunter2!", "pa ss/wörd", "quo'te\"back\\slash", "100%sure", "line\nbreak"]


@pytest.mark.parametrize("secret", SECRETS)
def test_redactor_knows_the_spellings_of_a_secret(secret: str) -> None:
    """Percent-encoding, JSON, `repr`, SQL and conninfo quoting do not let it through."""
    redactor = Redactor([secret])
    conninfo = secret.replace("\\", "\\\\").replace("'", "\\'")
    sql = secret.replace("'", "''")
    for spelling in (secret, quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1]):
        assert redactor.text(f"<{spelling}>") == "<***>"
    assert redactor.text(f"<{conninfo}><{sql}>") == "<***><***>"


@pytest.mark.parametrize(
    ("cut", "expected"),
    [
        ("password corre… refused", "password ***… refused"),
        ("…t horse refused", "…*** refused"),
        ("password corr…orse refused", "password ***…*** refused"),
        ("a cor…rse b", "a cor…rse b"),
    ],
)
def test_redactor_masks_a_secret_that_was_cut(cut: str, expected: str) -> None:
    """A message that was made to fit shows neither the beginning nor the end of a secret."""
    assert Redactor(["correct horse"]).text(cut) == expected


def test_redactor_leaves_names_that_are_public() -> None:
    """Masking the user's name where the password is the same would tell the password."""
    assert Redactor(["postgres"], ["postgres"]).text("postgres@db") == "postgres@db"


def test_redactor_replaces_the_longer_of_two_secrets_first() -> None:
    """A secret that begins with another one leaves no tail."""
    assert Redactor(["abcd", "abcdefgh"]).text("abcdefgh abcd") == "*** ***"


def test_redactor_ignores_empty_and_tiny_secrets() -> None:
    """An empty password does not turn every text into masks."""
    assert Redactor(["", "a"]).text("a banana") == "a banana"


def test_redactor_reaches_nested_values() -> None:
    """Every text in a JSON-ready value is looked at; keys and numbers stay."""
    value = {"a": ["x hunter2!", 3, None], "b": {"c": ("hunter2!",)}}
    expected = {"a": ["x ***", 3, None], "b": {"c": ["***"]}}
    assert Redactor(SECRETS).value(value) == expected


@given(st.text(min_size=4), st.text(), st.text())
def test_redactor_leaves_no_secret(secret: str, before: str, after: str) -> None:
    """Wherever it stands, the secret is gone."""
    text = Redactor([secret]).text(before + secret + after)
    assert secret not in text or secret in "***" + after or secret in before + "***"


@given(
    st.lists(st.text("abc\u00e4", max_size=9), max_size=9),
    st.lists(st.text("abc\u00e4", min_size=4, max_size=7), max_size=3),
)
def test_text_in_pieces_is_redacted_as_a_whole_one(texts: list[str], secrets: list[str]) -> None:
    """Wherever the pieces end, each can be redacted alone."""
    redactor = Redactor(secrets)
    pieces = list(redactor.cut_apart(texts))
    assert "".join(pieces) == "".join(texts)
    shown = "".join(redactor.text(piece) for piece in pieces)
    assert all(secret not in shown for secret in secrets)
    spans = [
        (at, at + len(secret))
        for secret in secrets
        for at in range(sum(map(len, texts)))
        if "".join(texts).startswith(secret, at)
    ]
    end = 0
    for piece in pieces:
        end += len(piece)
        assert not any(start < end < stop for start, stop in spans)


@given(st.lists(st.text()), st.lists(st.text(), max_size=3), st.text())
def test_text_that_is_called_clean_has_nothing_to_redact(
    texts: list[str], secrets: list[str], cut: str
) -> None:
    """Whatever JSON escapes in it, the spellings of a secret among the rest."""
    redactor = Redactor(secrets)
    value = {"plain": [*texts, f"{cut}…"], "spelled": [quote(item) + repr(item) for item in texts]}
    if redactor.is_clean(json.dumps(value, ensure_ascii=False)):
        assert redactor.value(value) == value


@pytest.mark.parametrize("secret", SECRETS)
def test_text_with_a_secret_is_not_clean(secret: str) -> None:
    """Nor is one that may have been cut inside of it; of others nobody has to look closer."""
    redactor = Redactor([secret])
    for text in (f"<{secret}>", f"<{quote(secret, safe='')}>", f"<{secret!r}>", "…"):
        assert not redactor.is_clean(json.dumps([text], ensure_ascii=False))
    assert redactor.is_clean(json.dumps(["<other>"]))
    assert Redactor([]).is_clean("…")
