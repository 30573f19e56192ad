"""A file that does not open: what a mount does that has lost its server."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

# fcntl(2), which Python knows by number only.
_F_SETLEASE, _F_GETLEASE = 1024, 1025


@contextlib.contextmanager
def leased(path: Path) -> Iterator[Callable[[], bool]]:
    """Have a lease on *path*: an open of somebody else waits until it is given back.

    Or until /proc/sys/fs/lease-break-time is over, 45 seconds as a rule.

    Yields what tells whether somebody waits.
    """
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)  # which tells the same
    descriptor = os.open(path, os.O_RDWR)
    try:
        fcntl.fcntl(descriptor, _F_SETLEASE, fcntl.F_WRLCK)
        yield lambda: fcntl.fcntl(descriptor, _F_GETLEASE) != fcntl.F_WRLCK
    finally:
        os.close(descriptor)
        signal.signal(signal.SIGIO, before)
