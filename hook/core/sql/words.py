"""Words of SQL in upper case, as keywords are compared."""

from __future__ import annotations

from functools import lru_cache

# The server cuts a longer one; it bounds what `upper_case` keeps, too.
LONGEST_NAME = 63


def fold(word: bytes) -> str:
    """Return *word* in upper case if it is of ASCII letters, else nothing.

    The server folds ASCII letters only; `str.upper` turns a dotless i into I.
    """
    return word.decode().upper() if word.isascii() else ""


# Most words of all scripts of a release are the same few. Not for longer ones.
upper_case = lru_cache(maxsize=1024)(fold)
