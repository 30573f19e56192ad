"""A run that finds another primary in the place of the one it began with."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from hook.core.outcome import Finding, warned

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from hook.core.history import HistoryRow
    from hook.core.server import ServerFacts


class Failover(NamedTuple):
    """A standby was promoted, and this run has reached it.

    Attributes:
        where: Host and port under which it answers.
        before: The timeline that the run began on.
        after: The timeline that is written on.
        missing: Scripts whose rows were committed and are not there.
    """

    where: str
    before: int
    after: int
    missing: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return what happened, and what is lost by it."""
        what = (
            f"{self.where} has failed over to another primary, timeline {self.before} became"
            f" {self.after}"
        )
        if not self.missing:
            return what
        return f"{what}; committed before and not there: {', '.join(self.missing)}"

    def facts(self) -> dict[str, object]:
        """Return the same, ready for JSON."""
        facts = {"timeline_before": self.before, "timeline": self.after}
        return {**facts, **({"missing": list(self.missing)} if self.missing else {})}

    def finding(self) -> Finding:
        """Return the warning that the report has of it."""
        hint = (
            "Find out what else was committed shortly before and is lost; the next run applies"
            " these migrations again."
            if self.missing
            else "Find out why it failed over, and whether everything committed has reached it."
        )
        return warned("failover", self.describe(), hint, **self.facts())


def failover_between(before: ServerFacts, now: ServerFacts) -> Failover | None:
    """Return the failover between the facts of two sessions with one cluster, if there was one.

    A role that may not see the timelines does not notice.
    """
    if before.timeline is None or now.timeline is None or before.timeline == now.timeline:
        return None
    return Failover(f"{now.host}:{now.port}", before.timeline, now.timeline)


def missing_rows(committed: Mapping[int, str], rows: Iterable[HistoryRow]) -> tuple[str, ...]:
    """Return the scripts *committed*, by rank, that are not among *rows*."""
    found = {(row.installed_rank, row.script) for row in rows}
    return tuple(script for rank, script in committed.items() if (rank, script) not in found)
