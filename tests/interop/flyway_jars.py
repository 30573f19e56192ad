"""Fetches the Flyway versions under test."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from tests.testbed.download import cached, require_programs, run_program

# The oldest major version that is promised and the newest that there is.
VERSIONS = ("10.22.0", "13.0.0")

_SOURCES = Path(__file__).parent / "flyway"
_POM = _SOURCES / "pom.xml"
_RUNNER = _SOURCES / "FlywayRunner.java"
_COPY = "org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy-dependencies"
_PACKAGES = "maven default-jdk-headless"


def major_of(version: str) -> int:
    """Return the major number of a Flyway version."""
    return int(version.partition(".")[0])


def class_path(version: str) -> str:
    """Return the class path with Flyway *version* and the runner, fetched if need be.

    Raises:
        NotAvailable: Java or Maven is missing, or Maven could not fetch Flyway.
    """

    def fetch(folder: Path) -> None:
        require_programs("javac", "mvn", packages=_PACKAGES)
        run_program(
            "mvn", "-B", "-q", "-f", _POM, _COPY, "-DincludeScope=runtime",
            f"-Dflyway.version={version}", f"-DoutputDirectory={folder}",
        )  # fmt: skip
        run_program("javac", "-cp", f"{folder}/*", "-d", folder / "classes", _RUNNER)

    require_programs("java", packages=_PACKAGES)
    digest = hashlib.sha256(_POM.read_bytes() + _RUNNER.read_bytes()).hexdigest()[:12]
    folder = cached(f"flyway-{version}-{digest}", fetch)
    return f"{folder}/*{os.pathsep}{folder}/classes"
