"""The files that libpq reads when it connects."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping

from hook.errors import ConfigError

# By the parameter that names one, with the variable that does so beside it.
# https://www.postgresql.org/docs/current/libpq-envars.html
_FILES = {
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "sslcrl": "PGSSLCRL",
    "passfile": "PGPASSFILE",
    "servicefile": "PGSERVICEFILE",
}


def touch_driver_files(parameters: Mapping[str, str]) -> None:
    """Open each file that *parameters* or the environment name, and refuse a pipe.

    libpq reads them under the interpreter's lock: one on a mount that does not answer would
    stop everything, the end at the deadline too. Here it stops this thread alone.

    Raises:
        ConfigError: One is a pipe, to which nobody may ever write. What cannot be opened is
            left to libpq, which may do without.
    """
    for label, path in _named(parameters):
        try:
            is_pipe = stat.S_ISFIFO(os.stat(path).st_mode)  # noqa: PTH116 - each connection does so
            if not is_pipe:
                os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))
        except OSError:
            continue
        if is_pipe:
            hint = f"Let {label} name the file itself."
            raise ConfigError((f"{label}: {path} is a pipe, not a file",), hint)


def _named(parameters: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield each place that names a file, and the path."""
    for parameter, variable in _FILES.items():
        if path := parameters.get(parameter):
            yield parameter, path
        elif path := os.environ.get(variable):
            yield variable, path
