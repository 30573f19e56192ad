"""The SQL of PostgreSQL's own regression tests, made into scripts without psql's commands."""

from __future__ import annotations

import re
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path

from tests.testbed.download import cached
from tests.upstream.debian_source import download_source

_SCRIPT = re.compile(
    r"[^/]+/((?:src/test/regress|src/pl/plpgsql/src|contrib/[^/]+)/sql/[^/]+\.sql)"
)

# What psql's commands leave of a query. They are replaced line by line and not with the
# lexer under test: that some data or string is replaced too makes no difference.
_REPLACED = (
    # These send the query before them.
    (re.compile(r"\\(?:gset|gexec|gdesc|gx|g|crosstabview)\b.*"), ";"),
    (re.compile(r"^\\(copy\b.*\bfrom\s+stdin\b.*)", re.MULTILINE | re.IGNORECASE), r"\1;"),
    # \N and \. belong to the data of COPY, and no command has an N.
    (re.compile(r"^[ \t]*\\[a-zA-MO-Z!?].*", re.MULTILINE), ""),
    (re.compile(r"(?<=\s)\\(?:if \w+|else|endif|p|r)\b(?: \\\\)?"), ""),
    # Stands in the branch of an \if that psql passes over.
    (re.compile(r"\(bogus"), ""),
    (re.compile(r"\\;"), ";"),
)


@dataclass(frozen=True, slots=True)
class RegressionScript:
    """One script; *name* is its path in PostgreSQL's source."""

    name: str
    text: str


def load_regression_scripts() -> list[RegressionScript]:
    """Return the scripts of the core, PL/pgSQL and contrib, fetched if need be.

    Raises:
        NotAvailable: The source cannot be fetched.
    """
    folder = cached("regression-sql", _fetch)
    return [
        RegressionScript(str(path.relative_to(folder)), without_commands(path.read_text("utf-8")))
        for path in sorted(folder.rglob("*.sql"))
    ]


def without_commands(script: str) -> str:
    """Return *script* with psql's commands blanked, or replaced by the semicolon they are."""
    for pattern, replacement in _REPLACED:
        script = pattern.sub(replacement, script)
    return script


def _fetch(folder: Path) -> None:
    source = folder / "source"
    source.mkdir(parents=True)
    with tarfile.open(download_source(source)) as archive:
        for member in archive:
            found = _SCRIPT.fullmatch(member.name)
            content = found and archive.extractfile(member)
            if found and content:
                path = folder / found[1]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content.read())
    shutil.rmtree(source)
