"""The migration lock, as far as callbacks have to do with it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from hook.postgres.session import Session


class Cover(NamedTuple):
    """What callbacks know of the lock that they run under.

    Attributes:
        hold: Has the lock, once more if it is lost; raises when nothing may be run any more.
        mark: Lets the backend of a session be known as at work under the lock.
        is_lost: Tells whether the lock is, as far as anybody has heard.
        has_survived: Tells whether a connection of the run is there that was there before the
            callbacks: then the server has run without a break.
    """

    hold: Callable[[], None]
    mark: Callable[[Session], None]
    is_lost: Callable[[], bool]
    has_survived: Callable[[], bool]


UNCOVERED = Cover(lambda: None, lambda _: None, lambda: False, lambda: False)
