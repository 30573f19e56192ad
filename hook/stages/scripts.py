"""Read every pending script before the first one runs."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
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
from hook.core.sql.partition_refusals import PARTITIONED_TABLE, relations_in_doubt
from hook.core.text import counted
from hook.postgres.partitions import fetch_partitioned
from hook.stages import Context, Outcome

if TYPE_CHECKING:
    from hook.core.execution.prepared import ParsedScript
    from hook.core.sql.creations import Name
    from hook.core.sql.statement_list import StatementList
    from hook.postgres.indexes import Fetches

    Place = Callable[[Migration, StatementList, Collection[Name]], ParsedScript]

_FIRST_TO_REINDEX_PARTITIONS = 140000


@dataclass(frozen=True, slots=True)
class ScriptsStage:
    """Cuts the pending scripts into statements and learns what they will lock.

    Attributes:
        read_script: Gives the text of a pending script.
        cut_script: Gives the statements of that text.
        place_script: Tells how they run, with the relations that are known to be partitioned.
        grouping: Whether the scripts have to fit into one transaction.
        records_only: The scripts are recorded as applied and none is run.
        version_num: Of the server, 0 when none was asked.
        schema: Of the schema history, empty when no server was asked.
    """

    read_script: Callable[[Migration], bytes]
    cut_script: Callable[[Migration, bytes], StatementList]
    place_script: Place
    allows_mixed: bool
    grouping: Grouping = Grouping.EACH
    records_only: bool = False
    version_num: int = 0
    schema: str = ""
    name: str = "scripts"

    def run(
        self, ctx: Context, pending: tuple[Migration, ...], session: Fetches | None = None
    ) -> Outcome[tuple[PreparedScript, ...]]:
        """Return what each of *pending* that can be run as it is will do; the others are told.

        Args:
            ctx: The run.
            pending: In running order.
            session: Asked what only the catalog knows of a script; none offline.

        Raises:
            HookError: The catalog could not be asked.
        """
        prepared: list[PreparedScript] = []
        complaints, made = Complaints(), Creations()
        for migration in pending:
            ctx.interrupt.raise_if_set()
            with complaints.about(migration.script):
                text = self.read_script(migration)
                directives = read_directives(migration.script, text)
                complaints.take(directives.problems)
                statements = self.cut_script(migration, text)
                partitioned = self._partitioned(migration, statements, made, session)
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
            *judge_builds(builds, self.version_num),
            passed("scripts", _told(prepared, self.grouping)),
            *judge_recorded(prepared),
            *judge_losses(item.losses for item in prepared if item.is_run),
        )
        return Outcome(findings, tuple(prepared))

    def _partitioned(
        self,
        migration: Migration,
        statements: StatementList,
        made: Creations,
        session: Fetches | None,
    ) -> Collection[Name]:
        """Return the partitioned relations on which it depends how *statements* can run.

        The ``.conf`` decides alone. Older servers pass over them, in whatever transaction.
        """
        is_open = migration.in_transaction is None
        if not is_open or 0 < self.version_num < _FIRST_TO_REINDEX_PARTITIONS:
            return ()
        names = relations_in_doubt(statements)
        created = frozenset(name for name in names if made.has(PARTITIONED_TABLE, name))
        asked = [name for name in names if not made.has("TABLE", name)]
        if session is None or not asked:
            return created
        return created | fetch_partitioned(session, self.schema, asked)


def _told(prepared: Sequence[PreparedScript], grouping: Grouping) -> str:
    if not prepared:
        return "no script is pending"
    statements = counted(sum(item.statement_count for item in prepared), "statement")
    is_one = len(prepared) > 1 and len(units_of(prepared, grouping)) == 1
    together = ", all in one transaction" if is_one else ""
    return f"{counted(len(prepared), 'script')} with {statements} can be read{together}"
