"""A run as it is remembered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from hook.core.text import counted


class FailedScript(NamedTuple):
    """The script that a run failed at, and what it would have to be to fail again.

    Attributes:
        rank: Of the row that it would have become.
        message: What the run said of it.
    """

    script: str
    checksum: int | None
    rank: int
    message: str


class BegunScript(NamedTuple):
    """A script without transaction that a run has begun, and may have done a part of.

    Attributes:
        text: See `PreparedScript.text`, empty where it is not noted how far it came.
        done: How many of its statements are done, none where nobody knows.
        found: What the next of them takes away was there when that was begun.
        tells_of_first: See `PreparedScript.tells_of_first`.
        held: What only the session knew by then, or had; gone with it.
    """

    script: str
    checksum: int | None
    text: str = ""
    done: int | None = None
    found: bool = False
    tells_of_first: bool = False
    held: tuple[str, ...] = ()

    @property
    def is_untouched(self) -> bool:
        """Tell whether none of its statements can have changed anything."""
        return self.tells_of_first and self.done == 0 and not self.held

    @property
    def progress(self) -> str:
        """Return how far it came, in words."""
        if self.done is None or (self.done == 0 and not self.tells_of_first):
            return "nobody knows how far it came"
        return f"{counted(self.done, 'statement')} of it noted as done"

    def facts(self) -> dict[str, object]:
        """Return the same, ready for JSON."""
        facts: dict[str, object] = {"script": self.script, "checksum": self.checksum}
        if self.text:
            facts["text"] = self.text
        if self.done is not None:
            facts["done"] = self.done
        if self.found:
            facts["found"] = True
        if self.tells_of_first:
            facts["tells_of_first"] = True
        if self.held:
            facts["held"] = list(self.held)
        return facts


class Resumption(NamedTuple):
    """Where a run goes on that knows of one which was cut off.

    Attributes:
        script: That one is known to have begun it; empty when there is none.
        done: How many of its statements are done for good, none when nobody knows.
        found: See `BegunScript.found`.
    """

    script: str = ""
    done: int | None = None
    found: bool = False


NO_RESUMPTION = Resumption()


class PastMarker(NamedTuple):
    """Where in the server's log a run began; *name* is none without a restore point."""

    name: str | None
    lsn: str
    time: datetime
    timeline: int


class PastRun(NamedTuple):
    """A run that the ledger tells of; times on the clock of whoever ran.

    Attributes:
        finished_at: None when it was killed, or is still at work.
        age: Since the row was last written, on the server's clock.
        marker: None when the run left none.
        cut_off: Script of which it does not know how far that came: where it lost its
            connection or, if it has no end, what it had begun.
        noted: Scripts that it was to begin only once *cut_off* names them, with their texts.
    """

    command: str
    run_id: str
    started_at: datetime
    finished_at: datetime | None
    verdict: str | None
    exit_code: int | None
    set_digest: str
    version_before: str | None
    version_after: str | None
    pod: str | None
    failed: FailedScript | None
    age: timedelta
    marker: PastMarker | None = None
    cut_off: BegunScript | None = None
    noted: Mapping[str, str] = MappingProxyType({})
