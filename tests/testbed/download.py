"""What tests fetch from outside, once per machine, into a cache outside of the checkout."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

_TOLD = 4000


class NotAvailable(Exception):
    """A program to fetch with is missing, or it could not fetch; the message says which."""


def cached(name: str, fetch: Callable[[Path], None]) -> Path:
    """Return the folder *name* of the cache, after ``fetch(folder)`` if it is not there.

    *fetch* creates the folder it is given. That is a folder aside, renamed at the end, so
    that an interrupted download leaves nothing half-made; other processes wait meanwhile.
    """
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    cache = Path(base) / "presync-interop"
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / name
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            with tempfile.TemporaryDirectory(dir=cache) as scratch:
                new = Path(scratch) / "new"
                fetch(new)
                new.rename(folder)
    return folder


def require_programs(*names: str, packages: str) -> None:
    """Fail if one of the programs *names* is not on ``PATH``; Debian's *packages* have them.

    Raises:
        NotAvailable: All that are missing, and how to install them.
    """
    missing = [name for name in names if not shutil.which(name)]
    if missing:
        install = f"apt-get install -y --no-install-recommends {packages}"
        raise NotAvailable(f"{', '.join(missing)} not found; install with: {install}")


def run_program(*command: str | Path, cwd: Path | None = None) -> str:
    """Run *command* without input and return its standard output.

    Raises:
        NotAvailable: It failed; the message ends with what it wrote.
    """
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, cwd=cwd, check=False
    )
    if done.returncode:
        said = (done.stdout + done.stderr)[-_TOLD:]
        raise NotAvailable(f"{command[0]} ended with {done.returncode}\n{said}")
    return done.stdout
