"""A run that finds another primary in the place of the one it began with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from hook.core.outcome import Finding, warned
from hook.errors import HookError, MigrationLocked, MigrationPartial

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from hook.core.execution.attempt import Attempt
    from hook.core.execution.prepared import PreparedScript
    from hook.core.schema_history.history import HistoryRow
    from hook.core.sessions.server import ServerFacts


class Failover(NamedTuple):
    """A standby was promoted, and this run has reached it.

    Attributes:
        where: Host and port under which it answers.
        before: The timeline that the run began on.
        after: The timeline that is written on.
        missing: Scripts whose rows were committed and are not there.
        in_part: The one of them of which a part may be there all the same, none if each of
            them is there as a whole or not at all.
        is_recorded: The schema history has a failed row for that one.
    """

    where: str
    before: int
    after: int
    missing: tuple[str, ...] = ()
    in_part: str = ""
    is_recorded: bool = False

    def describe(self) -> str:
        """Return what happened, and what is lost by it."""
        what = (
            f"{self.where} has failed over to another primary, timeline {self.before} became"
            f" {self.after}"
        )
        if not self.missing:
            return what
        left = f"; left behind: what {self.in_part} may have done" if self.in_part else ""
        return f"{what}; committed before and not there: {', '.join(self.missing)}{left}"

    def facts(self) -> dict[str, object]:
        """Return the same, ready for JSON."""
        facts = {"timeline_before": self.before, "timeline": self.after}
        return {**facts, **({"missing": list(self.missing)} if self.missing else {})}

    def finding(self) -> Finding:
        """Return the warning that the report has of it."""
        hint = "Find out why it failed over, and whether everything committed has reached it."
        if self.missing:
            hint = (
                "Find out what else was committed shortly before and is lost; the next run applies"
                " these migrations again. If the first of them has no transaction, look before"
                " that whether a part of it is there."
            )
        return warned("failover", self.describe(), hint, **self.facts())


def refusal_after(failover: Failover) -> HookError:
    """Return why nothing more may be done after *failover*: the lock is the old primary's."""
    if not failover.in_part:
        return MigrationLocked(
            f"the migration lock is lost, as {failover.describe()}",
            "Run again; what has reached the new primary is recorded there.",
        )
    undo = f"Bring the objects of {failover.in_part} to the state before it"
    if not failover.is_recorded:
        return MigrationPartial(
            f"{failover.describe()}, no row in the schema history",
            f"{undo}, or the next run repeats what is there of it.",
        )
    return MigrationPartial(
        failover.describe(),
        f"{undo} and remove its failed row with `presync repair`; or finish it by hand and set"
        " success of that row to true.",
    )


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


def script_in_part(
    missing: Sequence[str], committed: Mapping[int, PreparedScript]
) -> tuple[int, PreparedScript] | None:
    """Return the script, with its rank, that the new primary may have a part of.

    A standby has everything that was written up to some moment, and nothing that was written
    later; so that is the first of the scripts *missing*, if it must not simply run again.
    """
    for rank, script in committed.items():
        if script.migration.script in missing[:1] and script.runs_once:
            return rank, script
    return None


def without_what_was_later(lost: Attempt, failover: Failover | None) -> Attempt:
    """Return the attempt *lost* with what of it can be on the new primary.

    Where earlier rows have not arrived, nothing has that was written later.
    """
    if failover is None or not failover.missing:
        return lost
    return replace(
        lost,
        left_behind=(),
        done_line=0,
        done_callbacks=(),
        for_next_run=(),
        in_doubt="",
        out_of_reach=(),
    )
