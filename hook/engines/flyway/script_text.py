"""Reads the text of a script again, when it is to be run."""

from __future__ import annotations

import ctypes
import hashlib
from functools import cache

from hook.core.scripts.encoding import decode_script
from hook.core.scripts.placeholders import UnresolvedPlaceholders
from hook.core.scripts.script import ScriptFile
from hook.core.scripts.script_scan import hashed
from hook.engines.flyway.script_files import PLACEHOLDER_HINT, Reading, read_chunks
from hook.errors import BadMigrationSet

# Of <malloc.h>; see mallopt(3).
_M_MMAP_THRESHOLD = -3
_LARGE_BLOCK = 1 << 20


def read_script(script: ScriptFile, reading: Reading) -> bytes:
    """Return the text of *script* in UTF-8, ready to be sent.

    Raises:
        BadMigrationSet: It is not what was resolved, or a placeholder has no value.
    """
    _give_large_blocks_back()
    digest = hashlib.sha256()
    try:
        chunks = hashed(read_chunks(script.path), digest.update)
        text = decode_script(chunks, script.encoding)
        if digest.hexdigest() != script.content_hash:
            raise _changed(script)
        if not script.replaces_placeholders:
            return text
        return reading.replace(text, script.script.rpartition("/")[2])
    except UnresolvedPlaceholders as error:
        problems = tuple(f"{script.script} {problem}" for problem in error.problems)
        raise BadMigrationSet(problems, PLACEHOLDER_HINT) from error
    except (OSError, UnicodeDecodeError) as error:
        raise _changed(script) from error


@cache
def _give_large_blocks_back() -> None:
    """Have the C library return a large block to the system when it is freed.

    glibc does so at first, but takes a freed one for a sign that more of that size follow:
    from then on it keeps them in its heap, where the next, larger script has no room.
    """
    # Other C libraries do not have it, nor the habit.
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE_BLOCK)


def _changed(script: ScriptFile) -> BadMigrationSet:
    return BadMigrationSet(
        (f"{script.script} is not what it was when the run began",),
        "Run again when nobody writes into the folder of the migrations.",
    )
