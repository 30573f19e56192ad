"""What became of a transaction whose connection was lost, by what the server says of its number."""

from __future__ import annotations

from enum import Enum


class Fate(Enum):
    """What became of a transaction.

    Attributes:
        UNKNOWN: Nobody can tell.
    """

    COMMITTED = "committed"
    ROLLED_BACK = "rolled back"
    UNKNOWN = "unknown"


# As `pg_xact_status()` has them.
_COMMITTED, _ABORTED, _IN_PROGRESS = "committed", "aborted", "in progress"


def judge_fate(status: str | None, *, is_same_server: bool) -> Fate:
    """Return what *status* says of a transaction whose backend is gone.

    A server that has crashed gives a number that it had not written down yet to somebody else,
    and so does a standby that was promoted. One that is committed may be that one's then, while
    of what is not committed nothing is left, whosever it is.

    Args:
        status: Of the number of the transaction, none when the server has forgotten it.
        is_same_server: It has run without a break since the transaction began.
    """
    if status == _ABORTED or (status == _IN_PROGRESS and not is_same_server):
        return Fate.ROLLED_BACK
    is_committed = status == _COMMITTED and is_same_server
    return Fate.COMMITTED if is_committed else Fate.UNKNOWN
