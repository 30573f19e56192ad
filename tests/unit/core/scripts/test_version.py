"""Versions: what is one, and which comes first."""

from __future__ import annotations

import itertools
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.scripts.version import EMPTY, InvalidVersion, Version, newest_version

LONG = "9999999999999999999999999999999999.8888888231231231231231298797298789132.22"
# Numbers with a sign, leading zeros and either separator; few, so that many are equal.
parts = st.sampled_from(("0", "00", "1", "01", "2", "10", "9" * 30, "9" * 29 + "8"))
texts = st.builds(
    lambda sign, first, rest: sign + first + "".join(rest),
    st.sampled_from(("", "", "", "+", "-")),
    parts,
    st.lists(st.builds("{}{}".format, st.sampled_from("._"), parts), max_size=2),
)


@pytest.mark.parametrize(
    "text", ["1", "1.0", "1.00", "001", "001.0", "1_0", "+1", "\u0661", "\uff11.0\u0660"]
)
def test_version_is_the_number_whatever_its_spelling(text: str) -> None:
    """Zeros in front and behind and the script of its digits do not count, in sets either."""
    assert Version.parse(text) == Version.parse("1")
    assert len({Version.parse(text), Version.parse("1")}) == 1


def test_versions_compare_number_by_number() -> None:
    """Each part counts as a number of any size, a missing one as zero."""
    ordered = [
        "-13",
        "0",
        "0.5",
        "1.1",
        "1.1.0.1",
        "1.9",
        "1.10",
        "2",
        "1201",
        "201004171859",
        LONG,
    ]
    parsed = [Version.parse(text) for text in ordered]
    assert all(low < high for low, high in itertools.pairwise(parsed))
    assert Version.parse("1.1") == Version.parse("1.1.0.0")
    assert all(version > EMPTY for version in parsed)


@pytest.mark.parametrize(
    ("text", "shown"), [("001_3", "001.3"), ("1_2", "1.2"), (LONG, LONG), ("2024.01.02",) * 2]
)
def test_version_shows_the_text_with_dots(text: str, shown: str) -> None:
    """What is stored keeps leading zeros; an underscore is a dot."""
    assert Version.parse(text).text == shown
    assert str(Version.parse(text)) == shown


@pytest.mark.parametrize(
    "text",
    ["", ".1", "1.", "1..1", "11..1", "abc", "12a", "1.2.1b", "1-2", "9_", "_10", "1.-2", "--1",
     " 1", "1 ", "1\n", "\u00b2", "1.\u0661", "\U0001d7d2", "latest", "1__2", "0x1", "1e3"],
)  # fmt: skip
def test_version_refuses_what_is_no_number(text: str) -> None:
    """The error names the text."""
    with pytest.raises(InvalidVersion) as raised:
        Version.parse(text)
    assert repr(text) in str(raised.value)


def numbers_of(text: str) -> list[int]:
    """Return the numbers that *text* names, as many as any version here has."""
    named = [int(number) for number in text.replace("_", ".").split(".")]
    return named + [0] * (4 - len(named))


# Two versions drawn by themselves are hardly ever the same one in another spelling.
pairs = st.tuples(texts, texts) | st.builds(
    lambda text, zeros: (text, text + zeros), texts, st.sampled_from(("", ".0", "_00"))
)


@given(pairs)
def test_versions_are_totally_ordered(pair: tuple[str, str]) -> None:
    """Exactly one of less, equal and greater holds: what holds for the numbers named."""
    one, two = pair
    a, b = Version.parse(one), Version.parse(two)
    left, right = numbers_of(one), numbers_of(two)
    assert (a < b, a == b, a > b) == (left < right, left == right, left > right)
    assert (a <= b, a != b, a >= b) == (left <= right, left != right, left >= right)
    assert a != b or hash(a) == hash(b)


@given(st.lists(texts, max_size=6), st.randoms(use_true_random=False))
def test_versions_are_sorted_one_way(found: list[str], random: Random) -> None:
    """In whatever order files are found, they run in the same one."""
    versions = [Version.parse(text) for text in found]
    shuffled = random.sample(versions, len(versions))
    assert sorted(shuffled) == sorted(versions)
    assert all(low <= high for low, high in itertools.combinations(sorted(shuffled), 2))


@given(texts)
def test_version_parses_what_it_shows(text: str) -> None:
    """Showing and parsing again changes nothing, and only separators are shown differently."""
    version = Version.parse(text)
    assert version.text == text.replace("_", ".")
    assert Version.parse(version.text) == version
    assert Version.parse(version.text).text == version.text


@pytest.mark.parametrize(
    ("texts_given", "newest"),
    [((), None), ((None,), None), (("2", None, "10", "9.9"), "10"), (("1_0",), "1.0")],
)
def test_newest_version_is_the_highest(
    texts_given: tuple[str | None, ...], newest: str | None
) -> None:
    """Whatever the order they were applied in; none of nothing."""
    assert newest_version(*texts_given) == newest
