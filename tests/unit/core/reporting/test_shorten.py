"""Messages made to fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.reporting.shorten import cut, shorten, squeeze

LONG = "abcdefghijklmnopqrstuvwxyz0123456789"
BLANKS = "V1__a b c d e f g h i j k l m n o p q r s t.sql"


def test_what_fits_is_left_alone() -> None:
    """Also a long path, and a long word."""
    text = f"/{LONG}/{LONG}.sql is empty"
    assert shorten(text, len(text)) == text


@pytest.mark.parametrize(
    ("text", "length", "expected"),
    [
        (f"/{LONG}/sql holds no migration", 40, "…/sql holds no migration"),
        (f"{LONG}/x.sql:7: odd", 40, "…/x.sql:7: odd"),
        (f"/{LONG}/a/x and /{LONG}/b/x differ", 50, "…/a/x and …/b/x differ"),
        (f"/{LONG}/ is empty", 36, "/abcdefghijkl…yz0123456789/ is empty"),
        (f"/{LONG} is empty", 36, "/abcdefghijkl…xyz0123456789 is empty"),
        (f"(presync/0.1.0 at) {LONG}", 44, "(presync/0.1.0 at) abcdefghijkl…yz0123456789"),
        (f"u@{LONG}/shop: refused", 40, "u@abcdefghijklmn…123456789/shop: refused"),
        (f"{LONG} of {LONG}: no", 58, "abcdefghijkl…yz0123456789 of abcdefghijkl…z0123456789: no"),
        (f"{BLANKS}:3 no", 34, "V1__a b c d e f…p q r s t.sql:3 no"),
        ("head; " + "long " * 20 + "; end", 40, "head; long long long long long…; end"),
    ],
)
def test_long_words_lose_what_identifies_nothing(text: str, length: int, expected: str) -> None:
    """Folders first, then the middle of words, then the ends of clauses."""
    assert shorten(text, length, ("", BLANKS)) == expected


@pytest.mark.parametrize(
    ("text", "length", "expected"),
    [
        ("the last word is whole", 18, "the last word is…"),
        ("the last word is whole", 17, "the last word is…"),
        ("one, two; three", 10, "one, two…"),
        ("one, two; three", 6, "one…"),
        ("found in (the stanza app)", 23, "found in (the stanza…)"),
        ("found in (the stanza app)", 15, "found in (the…)"),
        ("found in (the stanza app)", 14, "found in…"),
        ("a (b [c] d) (e f g h)", 20, "a (b [c] d) (e f g…)"),
        ('column "of two words" is', 22, 'column "of two words"…'),
        ('column "of two words" is', 20, 'column "of two…"'),
        ('at or near "(" of the rest', 24, 'at or near "(" of the…'),
        ('named "a (b c d" or so', 15, 'named "a (b c…"'),
        (f"in {LONG}{LONG}", 40, f"in {LONG}…"),
        ("数据库中的对象名称很长", 6, "数据库中的…"),
        ("((((", 3, "…"),
        ("abc", 1, "…"),
        ("abc", 0, ""),
    ],
)
def test_cut_is_behind_a_word_and_closes_what_is_open(
    text: str, length: int, expected: str
) -> None:
    """What is read last is a word, a name or a number as it is, and not a part of it."""
    assert cut(text, length) == expected


def test_what_loses_its_end_keeps_its_names() -> None:
    """A letter less in the middle of a name saves nothing where the end goes in any case."""
    table = "public.flyway_schema_history"
    told = f"{table} starts with the baseline version 1, not version 2"
    assert shorten(told, 50) == f"{table} starts with the…"
    assert shorten(f"{table} starts with 1", 38) == "public.flywa…ema_history starts with 1"
    long = shorten(f"{LONG} starts with the baseline", 40)
    assert long == "abcdefghijkl…z0123456789 starts with…"


@given(st.text(), st.integers(0, 200))
def test_cut_text_fits_and_is_a_beginning(text: str, length: int) -> None:
    """However many brackets are open."""
    short = cut(text, length)
    assert len(short) <= length
    assert short == text or text.startswith(short.rpartition("…")[0])


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0")), st.integers(0, 200), st.text()
)
def test_any_text_is_made_to_fit(text: str, length: int, name: str) -> None:
    """Whatever it holds, and however little room there is."""
    short = shorten(text, length, (name,))
    assert len(short) <= length
    assert "\0" not in short


@given(st.text(), st.integers(0, 200))
def test_squeezed_word_keeps_both_ends(word: str, length: int) -> None:
    """As much of the one as of the other."""
    short = squeeze(word, length)
    assert len(short) <= length
    kept = max(length - 1, 0) // 2
    assert len(word) <= length or (word[:kept], word[len(word) - kept :]) == (
        short[:kept],
        short[len(short) - kept :],
    )
