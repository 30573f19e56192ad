"""Fetches the source of Debian's PostgreSQL through apt, leaving apt's own state alone."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.testbed.download import NotAvailable, require_programs, run_program

_ETC = Path("/etc/apt")
_TYPES = re.compile(r"^Types:.*$", re.MULTILINE)
_LINE = re.compile(r"^deb\s", re.MULTILINE)
_DEPENDS = re.compile(r"Depends: (postgresql-\d+)")


def download_source(folder: Path) -> Path:
    """Download the source of the release that Debian calls ``postgresql`` into *folder*.

    The package sources are this machine's, with source packages switched on; they, and
    what apt knows from them, are written below *folder*, which must be empty.

    Returns:
        The archive as PostgreSQL published it.

    Raises:
        NotAvailable: This is no Debian, or none of its package sources has it.
    """
    require_programs("apt-get", "apt-cache", "dpkg-query", packages="apt dpkg")
    options = _private_apt(folder)
    run_program("apt-get", *options, "update", "-qq")
    found = _DEPENDS.search(run_program("apt-cache", *options, "depends", "postgresql"))
    if found is None:
        raise NotAvailable("apt knows no package postgresql")
    versions = _versions(found[1], run_program("apt-cache", *options, "madison", found[1]))
    return _download(found[1], versions, options, folder)


def _versions(package: str, madison: str) -> list[str]:
    """Return the versions of the source, what is installed here first."""
    shown = subprocess.run(
        ["dpkg-query", "--show", "--showformat", "${Version}", package],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    installed = shown.stdout
    offered = [line.split() for line in madison.splitlines() if line.endswith("Sources")]
    return sorted((fields[2] for fields in offered), key=lambda version: version != installed)


def _download(package: str, versions: Sequence[str], options: Sequence[str], folder: Path) -> Path:
    """Download the first of *versions* that can be had: a mirror may have lost the newest."""
    refusal = NotAvailable(f"no package source has the source of {package}")
    for version in versions:
        try:
            name = f"{package}={version}"
            run_program("apt-get", *options, "source", "-qq", "--download-only", name, cwd=folder)
        except NotAvailable as error:
            refusal = error
        else:
            return next(folder.glob("*.orig.tar.*"))
    raise refusal


def _private_apt(folder: Path) -> list[str]:
    for name in ("parts", "lists/partial", "cache/archives/partial"):
        (folder / name).mkdir(parents=True)
    for name, text in _package_sources():
        (folder / "parts" / name).write_text(text)
    return [
        argument
        for setting in (
            "Dir::Etc::SourceList=/dev/null",
            f"Dir::Etc::SourceParts={folder}/parts",
            f"Dir::State::Lists={folder}/lists",
            f"Dir::Cache={folder}/cache",
            "APT::Sandbox::User=root",
        )
        for argument in ("-o", setting)
    ]


def _package_sources() -> Iterator[tuple[str, str]]:
    """Yield file name and text of this machine's sources, with source packages added."""
    parts = _ETC / "sources.list.d"
    for path in (_ETC / "sources.list", *sorted(parts.glob("*.list"))):
        if path.exists():
            binary = path.read_text()
            yield path.name.replace(".", "-") + ".list", binary + _LINE.sub("deb-src ", binary)
    for path in sorted(parts.glob("*.sources")):
        yield path.name, _TYPES.sub("Types: deb deb-src", path.read_text())
