"""Reads settings files that somebody has mounted, or refuses them."""

from __future__ import annotations

import errno
import stat
from pathlib import Path
from typing import Any

from hook.errors import ConfigError

# Of a file that is looked for at its usual place.
MOUNTED = "Correct what is mounted there, or remove it."


def read_regular(path: str) -> bytes:
    """Return what the file *path* holds; a pipe, which nobody may ever write to, is refused.

    Raises:
        OSError: It cannot be read, or is no regular file.
    """
    file = Path(path)
    kind = file.stat().st_mode
    # To read a folder fails by itself.
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise OSError(errno.EINVAL, "not a regular file")
    return file.read_bytes()


def read_mounted(path: str, hint: str) -> bytes:
    """Return what the settings file *path* holds.

    Raises:
        ConfigError: It cannot be read; *hint* says what to do then.
    """
    try:
        return read_regular(path)
    except OSError as error:
        reason = (error.strerror or "not readable").lower()
        raise ConfigError((f"{path}: {reason}",), hint) from error


def read_toml(path: str, hint: str) -> dict[str, Any]:
    """Return the tables of the TOML file *path*; numbers with a point keep their digits.

    Raises:
        ConfigError: It cannot be read, see `read_mounted`, or is not TOML.
    """
    # Most runs have no such file.
    import tomllib  # noqa: PLC0415 - see above
    from decimal import Decimal  # noqa: PLC0415 - likewise

    data = read_mounted(path, hint)
    try:
        return tomllib.loads(data.decode("utf-8-sig"), parse_float=Decimal)
    except UnicodeDecodeError as error:
        raise ConfigError((f"{path} is not UTF-8",), "TOML is always UTF-8.") from error
    except (ValueError, RecursionError) as error:
        raise ConfigError((f"{path} is not TOML: {error}",)) from error
