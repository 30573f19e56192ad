"""The checksum: vectors that Flyway computed, and laws."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hook.core.scripts.checksum import checksum
from hook.core.scripts.encoding import (
    UnknownEncoding,
    canonical_encoding,
    decode_script,
    utf8_chunks,
)

COUPLE = """create table COUPLE (
    ID int not null,
    PERSON1 int not null references PERSON(ID),\x20
    PERSON2 int not null references PERSON(ID)\x20
);"""

# Text and the checksum that Flyway 10.22 stored for it.
VECTORS = [
    ("", 0),
    ("\n", 0),
    ("\ufeff", 0),
    ("SELECT 1;", 78787420),
    ("SELECT 1;\n", 78787420),
    ("SELECT 1;\r\n", 78787420),
    ("SELECT 1;\r", 78787420),
    ("\ufeffSELECT 1;\n", 78787420),
    ("\ufeff\nSELECT 1;", 78787420),
    (" SELECT 1;\n", 1315720276),
    ("SELECT 1; ", -1951047511),
    ("CREATE TABLE t (id INT);\nINSERT INTO t VALUES (1);\n", 194980085),
    ("CREATE TABLE t (id INT);\r\n\r\nINSERT INTO t VALUES (1);\r\n\n", 194980085),
    ("CREATE TABLE t (id INT);INSERT INTO t VALUES (1);", 194980085),
    ("INSERT INTO p VALUES ('Zoë \u2013 naïve €');\n", -173164346),
    ("SELECT '😀';\n", -1517219030),
    ("CREATE TABLE ${tableName} (id INT);\n", 1666308965),
    ("SELECT 1;\u0085\u2028SELECT 2;\n", 1884146217),
    ("SELECT 1;\0\n", -1327808415),
    ("\ufeff\ufeffSELECT 1;\n", -1606921097),
    ("abc\r\ndef efg\nxyz\r\n", 989464445),
    ("abc\ndef efg\nxyz", 989464445),
    ("a\r\r\nb", -1635563411),
    ("-- " + "x" * 9000 + "\nSELECT 1;", -356558411),
    ("create table a(i int);\n", -731837914),
    ("select 1;\n", -690524359),
    ("-- only comment\n", 1428765808),
    ("create or replace view v as select i from a;\n", 1386047292),
    ("create or replace view rph as select '${mykey}'::text as x;", 1408328702),
    ("create or replace view rph as select 'v1'::text as x;", 1877710577),
    ("create or replace view rph as select 'v2'::text as x;", 327856938),
    (
        COUPLE,
        -722651034,
    ),
]


@pytest.mark.parametrize(("text", "expected"), VECTORS)
def test_checksum_is_the_one_that_flyway_stores(text: str, expected: int) -> None:
    """Each vector matches."""
    assert checksum(text.encode()) == expected


def test_checksum_counts_only_cr_and_lf_as_line_ends() -> None:
    """Other separators of Unicode are part of the line."""
    plain = checksum(b"SELECT 1;SELECT 2;")
    for separator in ("\u0085", "\u2028", "\u2029", "\f", "\v", "\x1c"):
        assert checksum(f"SELECT 1;{separator}SELECT 2;".encode()) != plain


def test_checksum_is_of_the_text_not_of_its_encoding() -> None:
    """The same text in another encoding has the same checksum."""
    text = "SELECT 'é';\n"
    assert checksum(text.encode("latin-1"), "ISO-8859-1") == 1526126742
    for encoding in ("utf-8", "windows-1252", "UTF-16", "UTF-16LE", "UTF-16BE", "UTF-32"):
        assert checksum(text.encode(encoding), encoding) == 1526126742


def test_checksum_reads_utf_16_without_mark_as_big_endian() -> None:
    """Java's default differs from the machine's."""
    assert checksum("SELECT 1;".encode("utf-16-be"), "UTF-16") == 78787420
    assert checksum("SELECT 1;".encode("utf-32-be"), "UTF-32") == 78787420


@pytest.mark.parametrize("width", ["16", "32"])
@pytest.mark.parametrize("order", ["le", "be"])
def test_checksum_follows_the_mark_of_either_byte_order(width: str, order: str) -> None:
    """The mark is no part of the text."""
    data = "\ufeffSELECT 1;".encode(f"utf-{width}-{order}")
    assert checksum(data, f"UTF-{width}") == 78787420


def test_mark_counts_wherever_it_is_not_the_first_character() -> None:
    """Neither the start of a later piece nor an empty one before it is the start of a file."""
    mark = "\ufeff".encode()
    assert b"".join(utf8_chunks((b"", mark[:1], mark[1:] + b"SELECT 1;"), "utf-8")) == b"SELECT 1;"
    assert b"".join(utf8_chunks((b"SELECT ", mark + b"1;"), "utf-8")) == b"SELECT " + mark + b"1;"
    assert checksum("SELECT \ufeff1;".encode()) != 78787420


@pytest.mark.parametrize("encoding", ["utf-8", "UTF-16", "windows-1252"])
def test_text_is_the_same_wherever_its_file_is_cut(encoding: str) -> None:
    """Also in the middle of a character; and nothing is made of nothing."""
    text = "SELECT 'naïve';"
    data = text.encode(encoding)
    pieces = (data[:12], data[12:13], data[13:])
    assert b"".join(utf8_chunks(pieces, encoding)) == text.encode()
    assert list(utf8_chunks((), encoding)) == []


def test_script_in_utf_8_has_no_mark() -> None:
    """The server would take it for a part of the first word."""
    pieces = ("\ufeffSELECT ".encode(), "'\ufeff'".encode())
    assert decode_script(pieces, "utf-8") == "SELECT '\ufeff'".encode()


@pytest.mark.parametrize(("name", "codec"), [("windows-31j", "cp932"), ("x-MacRoman", "mac-roman")])
def test_checksum_knows_code_pages_by_the_names_of_java(name: str, codec: str) -> None:
    """They are what FLYWAY_ENCODING has held for years."""
    text = "SELECT '¥';" if codec == "mac-roman" else "SELECT '①';"
    assert checksum(text.encode(codec), name) == checksum(text.encode(), "utf-8")


@pytest.mark.parametrize(
    ("name", "data", "text"),
    [
        ("Shift_JIS", b"\x81\x5c", "\u2014"),
        ("MS_Kanji", b"\x81\x60", "\u301c"),
        ("windows-31j", b"\x81\x5c\x81\x60", "\u2015\uff5e"),
        ("EUC-JP", b"\xa1\xbd", "\u2014"),
        ("ISO-2022-JP", b"\x1b$B!=\x1b(B", "\u2014"),
        ("Big5", b"\xa1\x5a", "\uff3f"),
        ("GBK", b"\xa8\x92", "\u2641"),
    ],
)
def test_checksum_is_of_the_letters_that_java_reads(name: str, data: bytes, text: str) -> None:
    """Of those that Python reads otherwise, these are of use in text; found beside OpenJDK 17."""
    assert checksum(data, name) == checksum(text.encode(), "utf-8")
    assert checksum(data, canonical_encoding(name)) == checksum(data, name)


@pytest.mark.parametrize(
    ("name", "instead"), [("cp932", "windows-31j"), (" CP949", "x-windows-949"), ("ms936", "GBK")]
)
def test_checksum_refuses_names_that_mean_something_else_to_java(name: str, instead: str) -> None:
    """IBM's code pages: a wave dash is another one, and a backslash the sign of the won."""
    with pytest.raises(UnknownEncoding, match=f"Java means another one by it; write {instead} if"):
        checksum(b"x", name)


@pytest.mark.parametrize("data", [b"SELECT '\xe9';", b"\xff", b"ok\n\xc3", b"\xed\xa0\x80"])
def test_checksum_refuses_bytes_of_another_encoding(data: bytes) -> None:
    """A replacement character would be a wrong checksum, silently."""
    with pytest.raises(UnicodeDecodeError):
        checksum(data)


@pytest.mark.parametrize("name", ["utf-9", "hex", "", "a\0b", "IBM037", "MacGreek"])
def test_checksum_refuses_an_unknown_encoding(name: str) -> None:
    """Also what is no text to Python, and what Java reads in another way."""
    with pytest.raises(UnknownEncoding):
        checksum(b"x", name)


@given(st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\r\n"))))
def test_checksum_is_the_same_for_every_line_ending(lines: list[str]) -> None:
    """Editors and Git may change line ends without changing a migration."""
    joined = {ending: checksum(ending.join(lines).encode()) for ending in ("\n", "\r\n", "\r")}
    assert len(set(joined.values())) == 1
    assert checksum(("\n".join(lines) + "\n").encode()) == joined["\n"]


@given(
    st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\r\n")),
            st.sampled_from(("\n", "\r\n", "\r")),
        )
    )
)
def test_checksum_is_the_same_for_mixed_line_endings(lines: list[tuple[str, str]]) -> None:
    """A file that several editors wrote is the file that one of them would have written."""
    mixed = "".join(line + ending for line, ending in lines)
    assert checksum(mixed.encode()) == checksum("\n".join(line for line, _ in lines).encode())


@given(st.text(st.characters(codec="utf-8", exclude_characters="\ufeff")), st.data())
def test_text_does_not_depend_on_how_a_file_is_read(text: str, data: st.DataObject) -> None:
    """Pieces cut anywhere add up to the whole, and no character is torn."""
    whole = text.encode()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    chunks = [whole[start:end] for start, end in pairwise((0, *cuts, len(whole)))]
    assert "".join(piece.decode() for piece in utf8_chunks(chunks, "utf-8")) == text
    assert -(2**31) <= checksum(whole) < 2**31


def test_checksum_of_a_large_file_is_read_in_pieces() -> None:
    """A character on the border of two pieces is not torn apart."""
    start = b"x" * ((1 << 20) - 1)
    assert checksum(start + "é".encode() + b"\r\ny") == checksum(start + "éy".encode())
