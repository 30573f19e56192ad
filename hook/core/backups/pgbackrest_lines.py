"""The text form of pgBackRest's info files and manifests, and the checksum they carry.

Such a file is INI-like: sections, and keys whose value is JSON. The section ``backrest``
stands at both ends of the file, which is why `configparser` refuses it. The format is
that of ``src/common/ini.c`` and ``src/info/info.c`` of pgBackRest 2.x, whose repositories all
say ``backrest-format=5``.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO

from hook.core.text import clip
from hook.errors import BackupUnknown

FORMAT = 5
FORMAT_KEY = ("backrest", "backrest-format")
CHECKSUM_KEY = ("backrest", "backrest-checksum")
_REASON_LENGTH = 200
_DAMAGED = "See whether pgBackRest itself can read the repository: pgbackrest info."
# The key of a line in a manifest is the name of a file, and may contain some.
_EQUALS_SIGNS = 16


class InfoDamaged(BackupUnknown):
    """A file of pgBackRest's is not what pgBackRest wrote."""

    def __init__(self, reason: str) -> None:
        """Say in *reason* what is wrong with it."""
        super().__init__(clip(reason, _REASON_LENGTH), _DAMAGED)


@dataclass(frozen=True, slots=True)
class InfoLine:
    """One ``key=value`` of an info file; *raw* is the value's JSON as it stands there."""

    section: str
    key: str
    raw: str

    def value(self) -> object:
        """Return the decoded value."""
        value: object = json.loads(self.raw)
        return value


class InfoChecksum:
    """The SHA-1 that pgBackRest takes over the raw text of all values but itself."""

    def __init__(self) -> None:
        """Begin in front of the first line."""
        self._digest = hashlib.sha1(usedforsecurity=False)
        self._section, self._opening, self._between = "", "{", ""

    def add(self, line: InfoLine) -> None:
        """Take the next line in; the checksum's own leaves no trace."""
        if (line.section, line.key) == CHECKSUM_KEY:
            return
        if line.section != self._section:
            self._digest.update(f'{self._opening}"{line.section}":{{'.encode())
            self._section, self._opening, self._between = line.section, "},", ""
        key = json.dumps(line.key, ensure_ascii=False)
        self._digest.update(f"{self._between}{key}:{line.raw}".encode())
        self._between = ","

    def hexdigest(self) -> str:
        """Return what it is behind the last line."""
        whole = self._digest.copy()
        whole.update(b"}}")
        return whole.hexdigest()


def info_checksum(lines: Iterable[InfoLine]) -> str:
    """Return the checksum of the file that consists of *lines*."""
    checksum = InfoChecksum()
    for line in lines:
        checksum.add(line)
    return checksum.hexdigest()


def read_info_lines(data: bytes) -> Iterator[InfoLine]:
    """Yield what assigns a value, in file order, once it is sure to be JSON.

    Decoded values are not kept: they take ten times the room of their text, and a hook
    pod has little.

    Raises:
        InfoDamaged: *data* is damaged; nothing is known of its checksum yet.
    """
    for line, _ in read_values(BytesIO(data)):
        yield line


def read_values(lines: Iterable[bytes]) -> Iterator[tuple[InfoLine, object]]:
    """Yield what assigns a value, in file order, each with the decoded value.

    Raises:
        InfoDamaged: As `read_info_lines`.
    """
    section = ""
    for number, raw in enumerate(lines, 1):
        text = _decode(raw).removesuffix("\n")
        if text.startswith("[") and text.endswith("]"):
            section = text[1:-1]
        elif text:
            if not section:
                raise InfoDamaged(f"line {number}: text before the first section")
            yield _read_line(section, text, number)


def _read_line(section: str, text: str, number: int) -> tuple[InfoLine, object]:
    """Return what *text* assigns: its key ends at the first sign that leaves JSON behind it."""
    equals = text.find("=")
    if equals < 0:
        raise InfoDamaged(f"line {number}: no key=value (truncated?)")
    for _ in range(_EQUALS_SIGNS):
        line = InfoLine(section, text[:equals], text[equals + 1 :])
        try:
            return line, line.value()
        except (ValueError, RecursionError):
            equals = text.find("=", equals + 1)
            if equals < 0:
                break
    raise InfoDamaged(f"line {number}: the value is not JSON (truncated?)")


def _decode(raw: bytes) -> str:
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise InfoDamaged("not a text file") from None
