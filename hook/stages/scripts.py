"""Read every pending script before the first one runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hook.core.execution.complaints import Complaints
from hook.core.execution.group import Grouping, grouped, units_of
from hook.core.execution.loss_findings import judge_losses
from hook.core.execution.prepared import PreparedScript, prepare_script
from hook.core.outcome import passed
from hook.core.reporting.recorded import judge_recorded, recorded_only
from hook.core.scripts.script import Migration
from hook.core.scripts.waivers import read_directives
from hook.core.sql.creations import Creations
from hook.core.sql.index_build import judge_builds
from hook.core.text import counted
from hook.postgres.partitions import Catalog
from hook.stages import Context, Outcome

if TYPE_CHECKING:
    from hook.core.execution.prepared import ParsedScript
    from hook.core.sql.creations import Name
    from hook.core.sql.statement_list import StatementList
    from hook.postgres.indexes import Fetches

    Place = Callable[[Migration, StatementList, Collection[Name]], ParsedScript]


@dataclass(frozen=True, slots=True)
class ScriptsStage:
    """Cuts the pending scripts into statements and learns what they will lock.

    Attributes:
        read_script: Gives the text of a pending script.
        cut_script: Gives the statements of that text.
        place_script: Tells how they run, with the relations that are known to be partitioned.
        grouping: Whether the scripts have to fit into one transaction.
        records_only: The scripts are recorded as applied and none is run.
        catalog: Where the relations of the scripts are.
    """

    read_script: Callable[[Migration], bytes]
    cut_script: Callable[[Migration, bytes], StatementList]
    place_script: Place
    allows_mixed: bool
    grouping: Grouping = Grouping.EACH
    records_only: bool = False
    catalog: Catalog = field(default_factory=Catalog)
    name: str = "scripts"

    def run(
        self,
        ctx: Context,
        pending: tuple[Migration, ...],
        session: Fetches | None = None,
        made: Creations | None = None,
    ) -> Outcome[tuple[PreparedScript, ...]]:
        """Return what each of *pending* that can be run as it is will do; the others are told.

        Args:
            ctx: The run.
            pending: In running order.
            session: Asked what only the catalog knows of a script; none offline.
            made: What the scripts create is added to it.

        Raises:
            HookError: The catalog could not be asked.
        """
        prepared: list[PreparedScript] = []
        complaints, made = Complaints(), made or Creations()
        for migration in pending:
            ctx.interrupt.raise_if_set()
            with complaints.about(migration.script):
                text = self.read_script(migration)
                directives = read_directives(migration.script, text)
                complaints.take(directives.problems)
                statements = self.cut_script(migration, text)
                # The ``.conf`` decides alone.
                is_open = migration.in_transaction is None
                partitioned = (
                    self.catalog.partitioned_in(statements, made, session) if is_open else ()
                )
                parsed = self.place_script(migration, statements, partitioned)
                prepared.append(prepare_script(migration, parsed, directives.waivers, made))
        if self.grouping is Grouping.ALL:
            with complaints.about():
                prepared = list(grouped(prepared, allows_mixed=self.allows_mixed))
        if self.records_only:
            prepared = [recorded_only(script) for script in prepared]
        if refusal := complaints.findings():
            return Outcome(refusal, tuple(prepared))
        builds = {item.migration.script: item.builds for item in prepared if item.is_run}
        findings = (
            *judge_builds(builds, self.catalog.version_num),
            passed("scripts", _told(prepared, self.grouping)),
            *judge_recorded(prepared),
            *judge_losses(item.losses for item in prepared if item.is_run),
        )
        return Outcome(findings, tuple(prepared))


def _told(prepared: Sequence[PreparedScript], grouping: Grouping) -> str:
    if not prepared:
        return "no script is pending"
    statements = counted(sum(item.statement_count for item in prepared), "statement")
    is_one = len(prepared) > 1 and len(units_of(prepared, grouping)) == 1
    together = ", all in one transaction" if is_one else ""
    return f"{counted(len(prepared), 'script')} with {statements} can be read{together}"
