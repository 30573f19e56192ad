"""How a report is put down where others read it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from hook.core.reporting.redaction import Redactor
from hook.core.reporting.report import Report


class Wording(NamedTuple):
    """The report as an object, and the way to take secrets out of it.

    Attributes:
        as_object: Returns a report ready for JSON, secrets and all.
    """

    as_object: Callable[[Report], Mapping[str, object]]
    redactor: Redactor
