"""See that the role may write what a run writes beside the migrations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hook.core.execution.expectations import judge_usable
from hook.core.outcome import failed
from hook.core.schema_history.own_rights import judge_ledger_rights, judge_own_rights
from hook.core.sql.sql_text import qualified_name
from hook.errors import ExitCode
from hook.postgres.own_rights import OwnTables, fetch_own_rights
from hook.settings.words import NO_LEDGER

if TYPE_CHECKING:
    from hook.core.outcome import Finding
    from hook.core.schema_history.history import History
    from hook.core.sessions.server import ServerFacts
    from hook.postgres.session import Session


@dataclass(frozen=True, slots=True)
class OwnRightsStage:
    """Asks the catalog; nothing is tried.

    Attributes:
        ledger: Its table, next to the schema history.
        creates_schemas: Schemas that are missing are created.
        columns: Of the schema history, those that a run writes.
    """

    ledger: str
    creates_schemas: bool
    columns: tuple[str, ...]
    name: str = "rights"

    def run(self, session: Session, history: History, facts: ServerFacts) -> tuple[Finding, ...]:
        """Return what the role of *session* is missing.

        Raises:
            HookError: The catalog could not be read.
        """
        schema = history.schema
        tables = OwnTables(
            schema,
            qualified_name(schema, history.table),
            self.columns,
            qualified_name(schema, self.ledger),
        )
        rights = fetch_own_rights(session, tables)
        own = judge_own_rights(rights, history, facts, creates_schemas=self.creates_schemas)
        unusable = judge_usable(facts)
        if unusable is not None:
            message = f"{facts.user} cannot write here: {unusable.reason}"
            own = (failed(ExitCode.UNREACHABLE, "read-only", message, unusable.hint), *own)
        if self.ledger == NO_LEDGER:
            return own
        return (*own, *judge_ledger_rights(rights, schema, self.ledger, facts.user))
