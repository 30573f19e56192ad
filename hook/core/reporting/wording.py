"""How a report is put down where others read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple

from hook.core.reporting.redaction import Redactor
from hook.core.reporting.report import Report

if TYPE_CHECKING:
    from hook.core.outcome import Finding

# Puts a report on record; returns what is to be told of that.
Keep = Callable[[Report], "tuple[Finding, ...]"]


class Wording(NamedTuple):
    """The report as an object, and the way to take secrets out of it.

    Attributes:
        as_object: Returns a report ready for JSON, secrets and all.
        note_keeper: Given what keeps a report, for one that comes to another end once it is
            told.
    """

    as_object: Callable[[Report], Mapping[str, object]]
    redactor: Redactor
    note_keeper: Callable[[Keep], None]
