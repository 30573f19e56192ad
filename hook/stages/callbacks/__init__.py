"""Read the callbacks that a command may run before anything is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hook.core.execution.callback_book import (
    CallbackBook,
    is_placed_by_statements,
    misfits,
    prepare_callback,
)
from hook.core.execution.complaints import Complaints
from hook.core.execution.loss_findings import judge_losses
from hook.core.outcome import passed
from hook.core.scripts.events import callbacks_of_command
from hook.core.scripts.waivers import read_directives
from hook.core.sql.creations import Creations
from hook.core.sql.statements import parse_statements
from hook.core.text import counted
from hook.postgres.partitions import Catalog
from hook.stages import Context, Outcome

if TYPE_CHECKING:
    from hook.core.execution.prepared import PreparedScript
    from hook.core.scripts.callback import Callback
    from hook.postgres.indexes import Fetches


@dataclass(frozen=True, slots=True)
class CallbacksStage:
    """Cuts the callbacks of *command* into statements and learns what they will lock."""

    command: str
    read_script: Callable[[Callback], bytes]
    allows_mixed: bool
    catalog: Catalog = field(default_factory=Catalog)
    name: str = "callbacks"

    def run(
        self,
        ctx: Context,
        callbacks: tuple[Callback, ...],
        scripts: tuple[PreparedScript, ...] = (),
        session: Fetches | None = None,
        made: Creations | None = None,
    ) -> Outcome[CallbackBook]:
        """Return what each of *callbacks* that the command may run as it is will do.

        The others are told.

        Args:
            ctx: The run.
            callbacks: All of the release.
            scripts: The pending ones, around which some callbacks run.
            session: Asked what only the catalog knows; none offline.
            made: What the pending ones create.

        Raises:
            HookError: The catalog could not be asked.
        """
        prepared, complaints, made = [], Complaints(), made or Creations()
        made.begin_script()
        for callback in callbacks_of_command(self.command, callbacks):
            ctx.interrupt.raise_if_set()
            with complaints.about(callback.script):
                text = self.read_script(callback)
                directives = read_directives(callback.script, text)
                complaints.take(directives.problems)
                statements = parse_statements(text)
                is_open = is_placed_by_statements(callback)
                prepared.append(
                    prepare_callback(
                        callback,
                        statements,
                        allows_mixed=self.allows_mixed,
                        waivers=directives.waivers,
                        partitioned=self.catalog.partitioned_in(statements, made, session)
                        if is_open
                        else (),
                    )
                )
        book = CallbackBook(tuple(prepared))
        complaints.add(misfits(book, scripts))
        if refusal := complaints.findings():
            return Outcome(refusal, book)
        message = f"{counted(len(prepared), 'callback')} can be read"
        losses = judge_losses(item.losses for item in prepared)
        return Outcome((passed("callbacks", message), *losses), book)
