"""What a script without transaction takes down of itself with each of its statements."""

from __future__ import annotations

import json
from typing import NamedTuple

from hook.core.sessions.lock_key import lock_address
from hook.core.sql.sql_text import quote_literal

_DONE = "{done}"
_FOUND = "{found}"


class SessionLook(NamedTuple):
    """SQL that finds out what a session holds that another one would not.

    Attributes:
        writing: As that of `StepNote`, and what the session holds besides, ``{told}`` being
            a literal of what we know of that, and ``{classid}`` and ``{objid}`` our own mark.
        correcting: Sets that once more, if it has changed with the end of the transaction.
        beginning: Remembers the settings that each session is brought to.
        before: Remembers them in front of a statement that changes the settings of each.
        after: Remembers what that has changed.
        unseen: Returns what may keep something that the server does not tell.
    """

    writing: str
    correcting: str
    beginning: str
    before: str
    after: str
    unseen: str


class StepNote(NamedTuple):
    """The row of this run in the ledger, which says how many statements are done.

    Written in the transaction of a statement, it is there exactly if that took effect.

    Attributes:
        writing: SQL that sets the number, which stands for ``{done}`` in it, and ``{found}``;
            it fails where the row is not there.
        reading: SQL that returns it, and what only the session had by then.
        look: For a script that may leave something in its session.
    """

    writing: str
    reading: str
    look: SessionLook

    def setting(self, done: int, *, found: bool = False) -> str:
        """Return the SQL that says that *done* statements are done.

        Args:
            done: So many.
            found: What the next one takes away is there; if it is not later, that is done too.
        """
        return _with_number(self.writing, str(done), found=found)

    @property
    def forgetting(self) -> str:
        """Return the SQL that says that nobody knows how many are done."""
        return _with_number(self.writing, "null", found=False)

    def looking(
        self, done: int, told: tuple[str, ...], mark: int, *, found: bool = False
    ) -> tuple[str, str]:
        """Return the same that also says what the session holds, and what corrects that.

        Args:
            done: See `setting`, and so for *found*.
            told: What else is known to be gone with the session.
            mark: Key of the lock by which our backends are known.
            found: As above.
        """
        address = lock_address(mark)
        # Without an encoding the server takes no escapes for what is beyond ASCII.
        known = quote_literal(json.dumps(told, ensure_ascii=False))
        writing = _with_number(self.look.writing, str(done), found=found)
        texts = (
            text.replace("{classid}", str(address.classid))
            .replace("{objid}", str(address.objid))
            .replace("{told}", known)
            for text in (writing, self.look.correcting)
        )
        return next(texts), next(texts)


def _with_number(writing: str, done: str, *, found: bool) -> str:
    return writing.replace(_DONE, done).replace(_FOUND, str(found).lower())
