"""Every variable and key that Flyway's own classes name has a verdict here."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from zipfile import ZipFile

import pytest

from hook.settings import flyway_keys
from hook.settings.flyway_files import PLACEHOLDER
from hook.settings.names import judge_names
from tests.interop.flyway_jars import VERSIONS, class_path

# Beginnings of names, and Java's name for one of them.
FAMILIES = {PLACEHOLDER, "FLYWAY_JDBC_PROPERTIES_", "FLYWAY_PLUGINS"}
NO_KEYS = {
    "flyway.conf", "flyway.toml", "flyway.user.toml",  # files
    "flyway.placeholders.", "flyway.jdbcProperties.", "flyway.plugins.",
    # What Flyway 13 tells of as settings of the past, some of them as beginnings.
    "flyway.dapr", "flyway.gcsm", "flyway.vault",
}  # fmt: skip
# https://docs.oracle.com/javase/specs/jvms/se17/html/jvms-4.html#jvms-4.4
_POOL_SIZE = 8
_TEXT, _STRING = 1, 8
_TAKES_TWO = {5, 6}
_SIZES = {
    3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4,
    19: 2, 20: 2,
}  # fmt: skip


def string_constants(compiled: bytes) -> Iterator[str]:
    """Yield the texts that a class has in its code, names of its fields aside."""
    (count,) = struct.unpack_from(">H", compiled, _POOL_SIZE)
    texts: dict[int, str] = {}
    used: list[int] = []
    position, index = _POOL_SIZE + 2, 1
    while index < count:
        tag = compiled[position]
        position += 1
        if tag == _TEXT:
            (length,) = struct.unpack_from(">H", compiled, position)
            texts[index] = compiled[position + 2 : position + 2 + length].decode(errors="replace")
            position += 2 + length
        else:
            if tag == _STRING:
                used += struct.unpack_from(">H", compiled, position)
            position += _SIZES[tag]
        index += 2 if tag in _TAKES_TWO else 1
    return (texts[at] for at in used)


def names_in(version: str, pattern: str) -> set[str]:
    """Return what matches *pattern* of all that the classes of Flyway *version* say."""
    folder = Path(class_path(version).partition("/*")[0])
    texts = (
        text
        for path in folder.glob("flyway-*.jar")
        for compiled in classes_in(path)
        for text in string_constants(compiled)
    )
    return {text for text in texts if re.fullmatch(pattern, text)}


def classes_in(path: Path) -> Iterator[bytes]:
    """Yield the compiled classes of the jar at *path*."""
    with ZipFile(path) as jar:
        for name in jar.namelist():
            if name.endswith(".class"):
                yield jar.read(name)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_variable_of_flyway_has_a_verdict(version: str) -> None:
    """Honoured, indifferent, or refused with a reason; none is called unknown."""
    names = names_in(version, r"FLYWAY_[A-Z0-9_]+") - FAMILIES
    assert len(names) > 60
    problems = {name: [it.text for it in judge_names({name: "x"})] for name in names}
    assert [name for name, said in problems.items() if "is not a setting" in "".join(said)] == []


@pytest.mark.parametrize("version", VERSIONS)
def test_every_key_of_flyway_has_a_verdict(version: str) -> None:
    """Be it through the variable that sets the same."""
    names = names_in(version, r"flyway\.[A-Za-z.]+") - NO_KEYS
    assert len(names) > 60
    without = [
        name
        for name in names
        if not flyway_keys.variable_of(name)
        and not flyway_keys.why_harmless(name)
        and not flyway_keys.why_refused(name)
    ]
    assert without == []
