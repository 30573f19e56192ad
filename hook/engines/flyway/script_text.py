"""Reads the text of a script again, when it is to be run."""

from __future__ import annotations

import hashlib

from hook.core.encoding import decode_script
from hook.core.placeholders import UnresolvedPlaceholders
from hook.core.script import ScriptFile
from hook.core.script_scan import hashed
from hook.engines.flyway.release import Reading, read_chunks
from hook.errors import BadMigrationSet

_PLACEHOLDER_HINT = (
    "Set FLYWAY_PLACEHOLDERS_<NAME> for each of them, or FLYWAY_PLACEHOLDER_REPLACEMENT=false if"
    " the scripts mean what they say; nothing was run."
)


def read_script(script: ScriptFile, reading: Reading) -> bytes:
    """Return the text of *script* in UTF-8, ready to be sent.

    Raises:
        BadMigrationSet: It is not what was resolved, or a placeholder has no value.
    """
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
        raise BadMigrationSet(problems, _PLACEHOLDER_HINT) from error
    except (OSError, UnicodeDecodeError) as error:
        raise _changed(script) from error


def _changed(script: ScriptFile) -> BadMigrationSet:
    return BadMigrationSet(
        (f"{script.script} is not what it was when the run began",),
        "Run again when nobody writes into the folder of the migrations.",
    )
