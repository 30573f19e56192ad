"""What a script without transaction takes down of itself with each of its statements."""

from __future__ import annotations

from typing import NamedTuple

_DONE = "{done}"


class StepNote(NamedTuple):
    """The row of this run in the ledger, which says how many statements are done.

    Written in the transaction of a statement, it is there exactly if that took effect.

    Attributes:
        writing: SQL that sets the number, which stands for ``{done}`` in it; it fails where
            the row is not there.
        reading: SQL that returns it.
    """

    writing: str
    reading: str

    def setting(self, done: int) -> str:
        """Return the SQL that says that *done* statements are done."""
        return self.writing.replace(_DONE, str(done))
