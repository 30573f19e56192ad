"""What is said on the command line alone, never by a variable or a file."""

from __future__ import annotations

from typing import NamedTuple

from hook.core.version import Version


class Orders(NamedTuple):
    """What somebody told a command that edits the schema history.

    Attributes:
        is_confirmed: ``--yes``: make the changes, instead of telling them only.
        only: ``--version``: the one version to repair.
    """

    is_confirmed: bool = False
    only: Version | None = None
