"""Flyway's files in the format of Java properties."""

from __future__ import annotations

from pathlib import Path

import pytest

from hook.errors import ConfigError
from hook.settings.flyway_conf import read_conf_files
from hook.settings.flyway_entry import Reading


def read(tmp_path: Path, text: str | bytes, environment: dict[str, str] | None = None) -> Reading:
    """Return what a file with *text* says."""
    path = tmp_path / "flyway.conf"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_conf_files([str(path)], environment or {})


def texts(reading: Reading) -> dict[str, str]:
    """Return the values by key."""
    return {entry.key: entry.given.text for entry in reading.entries}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("flyway.table=a", "a"),
        ("flyway.table = a  ", "a"),
        ("flyway.table:a", "a"),
        ("  flyway.table a", "a"),
        ("# c\n! d\nflyway.table=a", "a"),
        ("flyway.table=a\r\n", "a"),
        ("\ufeffflyway.table=a", "a"),
        ("flyway.table=a#b", "a#b"),
        ("flyway.table=c:\\temp\\new", "c:\\temp\\new"),
        ("flyway.table=a,\\\n  b,\\\n  c", "a,b,c"),
        ("flyway.table=a\\\nflyway.target=1", "a\\"),
        ("flyway.table=a\\\n\n", "a\\"),
        ("flyway.table=a\\", "a\\"),
        ("flyway.table=\\u0041", "\\u0041"),
        ("flyway.table=x${A}y", "x1y"),
        ("flyway.table=${A}${B}${A}", "121"),
        ("flyway.table=${A:x}", "${A:x}"),
    ],
)
def test_conf_is_read_as_flyway_reads_it(tmp_path: Path, text: str, expected: str) -> None:
    """Backslashes mean themselves but at the end of a line that goes on."""
    reading = read(tmp_path, text, {"A": "1", "B": "2\n"})
    assert texts(reading)["flyway.table"] == expected


def test_conf_value_knows_its_line(tmp_path: Path) -> None:
    """The place of a value that several lines make up is the first of them."""
    reading = read(tmp_path, "# c\nflyway.locations=a,\\\n b\n\nflyway.table=x\n")
    labels = [entry.given.label.removeprefix(str(tmp_path)) for entry in reading.entries]
    assert labels == ["/flyway.conf:2: flyway.locations", "/flyway.conf:5: flyway.table"]


def test_conf_key_set_again_is_told(tmp_path: Path) -> None:
    """As with Flyway the last value counts, but not in silence."""
    reading = read(tmp_path, "flyway.table=a\nflyway.target=1\nflyway.table=b\n")
    assert texts(reading)["flyway.table"] == "b"
    (note,) = reading.notes
    assert note.endswith("flyway.conf:1: flyway.table is ignored: line 3 sets it again")


def test_conf_line_of_something_else_is_told_and_not_quoted(tmp_path: Path) -> None:
    """It may be the rest of a password that was broken off."""
    reading = read(tmp_path, "s3cr3t=x\nflyway.table=a\n")
    assert texts(reading) == {"flyway.table": "a"}
    (note,) = reading.notes
    assert note.endswith("flyway.conf:1 is ignored: it does not begin with flyway.")


def test_conf_variable_that_is_not_set_is_told(tmp_path: Path) -> None:
    """Flyway puts nothing in its place."""
    reading = read(tmp_path, "# ${C}\nflyway.table=a${NO}\n")
    assert texts(reading)["flyway.table"] == "a"
    (note,) = reading.notes
    assert note.endswith("flyway.conf:2: NO is not set, so ${NO} is empty")


def test_conf_variable_of_several_lines_is_refused(tmp_path: Path) -> None:
    """Its second line would become a key."""
    with pytest.raises(ConfigError, match=r"^PW holds several lines") as refused:
        read(tmp_path, "flyway.password=${PW}", {"PW": "a\ns3cr3t"})
    assert "s3cr3t" not in str(refused.value)


def test_conf_is_read_in_its_encoding(tmp_path: Path) -> None:
    """The encoding is UTF-8 unless a variable says otherwise."""
    data = b"flyway.table=\xe9"
    with pytest.raises(ConfigError, match=r"flyway.conf is not UTF-8$"):
        read(tmp_path, data)
    environment = {"FLYWAY_CONFIG_FILE_ENCODING": "ISO-8859-1"}
    assert texts(read(tmp_path, data, environment)) == {"flyway.table": "é"}
    with pytest.raises(ConfigError, match=r"^FLYWAY_CONFIG_FILE_ENCODING: 'klingon' is not"):
        read(tmp_path, data, {"FLYWAY_CONFIG_FILE_ENCODING": "klingon"})


def test_later_conf_is_stronger_key_by_key(tmp_path: Path) -> None:
    """An empty value takes the place of what a weaker file says."""
    weak, strong = tmp_path / "weak", tmp_path / "strong"
    weak.write_text("flyway.table=a\nflyway.target=1\nflyway.mixed=true\n")
    strong.write_text("flyway.table=b\nflyway.target=\n")
    reading = read_conf_files([str(weak), str(strong)], {})
    expected = {"flyway.table": "b", "flyway.target": "", "flyway.mixed": "true"}
    assert texts(reading) == expected
