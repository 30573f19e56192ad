"""Find the PostgreSQL server programs that the tests run on."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hook.demo.programs import embedded_programs
from hook.errors import ConfigError

SWITCH = "PRESYNC_TEST_PG_BIN"
EMBEDDED = "embedded"
_INSTALLED = Path("/usr/lib/postgresql")
_PROGRAMS = ("initdb", "pg_ctl", "postgres")


class NoServerPrograms(Exception):
    """No usable PostgreSQL server programs on this machine."""


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder with initdb, pg_ctl and postgres of one version."""

    folder: Path
    version: str
    origin: str

    @property
    def major(self) -> int:
        """Return the major version, for example 15."""
        return int(self.version.split(".", 1)[0])

    def describe(self) -> str:
        """Return the line for the head of the test report."""
        return f"PostgreSQL {self.version} ({self.origin}: {self.folder})"


def find_binaries(choice: str) -> Binaries:
    """Return the programs that *choice* (the value of ``PRESYNC_TEST_PG_BIN``) asks for.

    Empty takes an installed server and falls back to the embedded one, ``embedded``
    takes the one from the wheel, anything else is the folder itself.

    Raises:
        NoServerPrograms: There are none, or *choice* does not hold them.
    """
    if choice and choice != EMBEDDED:
        return _read(Path(choice), SWITCH)
    installed = [] if choice == EMBEDDED else _installed_folders()
    if installed:
        return _read(installed[0], "installed")
    return _read(_embedded_folder(), EMBEDDED)


def _read(folder: Path, origin: str) -> Binaries:
    absent = [name for name in _PROGRAMS if not os.access(folder / name, os.X_OK)]
    if absent:
        message = f"{folder} ({origin}) has no {', '.join(absent)}"
        raise NoServerPrograms(message)
    output = subprocess.run(
        [folder / "postgres", "--version"], check=True, capture_output=True, text=True
    ).stdout
    found = re.search(r"\d+(\.\d+)?", output)
    if found is None:
        message = f"{folder}/postgres does not tell its version: {output!r}"
        raise NoServerPrograms(message)
    return Binaries(folder, found.group(), origin)


def _installed_folders() -> list[Path]:
    """Return folders of complete installations, newest version first.

    The folder of the Debian packages comes first: what PATH shows may be single links.
    """
    folders = sorted(
        (path for path in _INSTALLED.glob("*/bin") if path.parent.name.isdigit()),
        key=lambda path: int(path.parent.name),
        reverse=True,
    )
    on_path = shutil.which("postgres")
    if on_path:
        folders.append(Path(on_path).resolve().parent)
    return [path for path in folders if all((path / name).exists() for name in _PROGRAMS)]


def _embedded_folder() -> Path:
    try:
        return embedded_programs()
    except ConfigError as error:
        message = f"{error}. {error.hint} Or set {SWITCH} to the folder with initdb and pg_ctl."
        raise NoServerPrograms(message) from None
