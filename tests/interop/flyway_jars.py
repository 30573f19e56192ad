"""Fetches the Flyway versions under test, once, into a cache outside the repository."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# The oldest major version that is promised and the newest that there is.
VERSIONS = ("10.22.0", "13.0.0")

_SOURCES = Path(__file__).parent / "flyway"
_POM = _SOURCES / "pom.xml"
_RUNNER = _SOURCES / "FlywayRunner.java"
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
_INSTALL = "apt-get install -y --no-install-recommends maven default-jdk-headless"


class FlywayNotAvailable(Exception):
    """Java or Maven is missing, or Maven could not fetch Flyway."""


def major_of(version: str) -> int:
    """Return the major number of a Flyway version."""
    return int(version.partition(".")[0])


def class_path(version: str) -> str:
    """Return the class path with Flyway *version* and the runner, fetched if need be.

    Raises:
        FlywayNotAvailable: The message says what to install or what Maven reported.
    """
    folder = _cache() / f"{version}-{_digest()}"
    with _locked(_cache() / "lock"):
        _require_programs("java")
        if not folder.exists():
            _require_programs("javac", "mvn")
            _fetch(version, folder)
    return f"{folder}/*{os.pathsep}{folder}/classes"


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "presync-interop"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _digest() -> str:
    return hashlib.sha256(_POM.read_bytes() + _RUNNER.read_bytes()).hexdigest()[:12]


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Let one test process fetch while the others wait."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _require_programs(*names: str) -> None:
    missing = [name for name in names if not shutil.which(name)]
    if missing:
        raise FlywayNotAvailable(f"{', '.join(missing)} not found; install with: {_INSTALL}")


def _fetch(version: str, folder: Path) -> None:
    # Built aside and renamed, so that an interrupted download leaves nothing half-made.
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        new = Path(scratch) / "new"
        _run(
            "mvn", "-B", "-q", "-f", str(_POM), _COPY, "-DincludeScope=runtime",
            f"-Dflyway.version={version}", f"-DoutputDirectory={new}",
        )  # fmt: skip
        _run("javac", "-cp", f"{new}/*", "-d", str(new / "classes"), str(_RUNNER))
        new.rename(folder)


def _run(*command: str) -> None:
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stdout + done.stderr)[-4000:]
        raise FlywayNotAvailable(f"{command[0]} ended with {done.returncode}\n{said}")
