"""What a script without transaction takes down of itself with each of its statements."""

from __future__ import annotations

from typing import NamedTuple

_DONE = "{done}"
_FOUND = "{found}"


class StepNote(NamedTuple):
    """The row of this run in the ledger, which says how many statements are done.

    Written in the transaction of a statement, it is there exactly if that took effect.

    Attributes:
        writing: SQL that sets the number, which stands for ``{done}`` in it, and ``{found}``;
            it fails where the row is not there.
        reading: SQL that returns it.
    """

    writing: str
    reading: str

    def setting(self, done: int, *, found: bool = False) -> str:
        """Return the SQL that says that *done* statements are done.

        Args:
            done: So many.
            found: What the next one takes away is there; if it is not later, that is done too.
        """
        return self.writing.replace(_DONE, str(done)).replace(_FOUND, str(found).lower())

    @property
    def forgetting(self) -> str:
        """Return the SQL that says that nobody knows how many are done."""
        return self.writing.replace(_DONE, "null").replace(_FOUND, "false")
