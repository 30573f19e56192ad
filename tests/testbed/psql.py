"""Real psql, fed with a script on its standard input as in a shell pipe."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from tests.testbed.binaries import EMBEDDED, Binaries, find_binaries
from tests.testbed.database import Database

_SECONDS = 60.0


def pipe_into_psql(script: str, database: Database, binaries: Binaries) -> None:
    """Run *script* in *database*; psql stops at the first error, which is a failure."""
    done = subprocess.run(
        [_find_psql(binaries), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", database.url],
        input=script,
        env={"PATH": os.environ["PATH"], "PGCLIENTENCODING": "UTF8"},
        text=True,
        encoding="utf-8",
        capture_output=True,
        check=False,
        timeout=_SECONDS,
    )
    assert (done.returncode, done.stderr) == (0, "")


def _find_psql(binaries: Binaries) -> str:
    """Return the path of psql; not every distribution of the server has it."""
    own = binaries.folder / "psql"
    found = str(own) if own.exists() else shutil.which("psql")
    return found or str(Path(find_binaries(EMBEDDED).folder) / "psql")
