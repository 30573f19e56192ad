"""Let the server itself parse every pending script before the first one runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from hook.core.heartbeat import Heartbeat
from hook.core.outcome import passed
from hook.core.syntax_probe import Selection, SyntaxLimits, describe_syntax_error
from hook.core.text import counted
from hook.errors import BadMigrationSet
from hook.postgres.syntax import find_syntax_errors
from hook.stages import Context, Outcome

if TYPE_CHECKING:
    from hook.core.callback_book import PreparedCallback
    from hook.core.prepared import PreparedScript
    from hook.core.script import Migration
    from hook.core.statement_list import StatementList
    from hook.postgres.session import Session

_HINT = "Correct the named lines; nothing was run."
# A script in the wrong dialect has an error in every statement.
_TOLD_OF_A_SCRIPT = 20


@dataclass(frozen=True, slots=True)
class SyntaxStage:
    """Finds what the server would refuse to parse; it sees grammar, neither names nor types.

    Attributes:
        read_statements: Gives the statements of a pending script as they will be sent.
        limits: Of what is sent for it; the rest is left to the run.
    """

    read_statements: Callable[[Migration], StatementList]
    limits: SyntaxLimits = field(default_factory=SyntaxLimits)
    name: str = "syntax"

    def run(
        self,
        ctx: Context,
        session: Session,
        scripts: tuple[PreparedScript, ...],
        callbacks: tuple[PreparedCallback, ...] = (),
    ) -> Outcome[None]:
        """Have *scripts* and *callbacks* parsed on *session*, which is left as it was.

        Args:
            ctx: The run.
            session: Outside of transactions.
            scripts: In running order.
            callbacks: Of the run.

        Raises:
            BadMigrationSet: The server refuses statements; all of them are named.
            HookError: The connection failed, the deadline passed or a stop was requested.
        """
        problems: list[str] = []
        asked = left_out = 0
        between = _between_batches(ctx)
        for name, statements in self._texts(scripts, callbacks):
            selection = Selection(statements, self.limits)
            found = find_syntax_errors(session, selection, between)
            told = found[:_TOLD_OF_A_SCRIPT]
            problems += [f"{name}:{describe_syntax_error(*item)}" for item in told]
            if len(found) > len(told):
                problems.append(f"{name}: {len(found) - len(told)} more such errors")
            asked += selection.asked
            left_out += selection.left_out
        if problems:
            raise BadMigrationSet(tuple(problems), _HINT)
        pending = counted(sum(item.is_run for item in scripts), "pending script")
        if callbacks:
            pending += f" and {counted(len(callbacks), 'callback')}"
        message = f"the server can parse {counted(asked, 'statement')} of {pending}"
        if left_out:
            message += f"; {left_out} too long or in escape string syntax were not looked at"
        return Outcome((passed("syntax", message, parsed=asked, not_looked_at=left_out),), None)

    def _texts(
        self, scripts: Iterable[PreparedScript], callbacks: Iterable[PreparedCallback]
    ) -> Iterator[tuple[str, StatementList]]:
        """Yield name and statements of each; a script is in memory only while it is asked of."""
        for script in (item for item in scripts if item.is_run):
            yield script.migration.script, self.read_statements(script.migration)
        for prepared in callbacks:
            yield prepared.callback.script, prepared.body


def _between_batches(ctx: Context) -> Callable[[], None]:
    """Return what is done before each batch: stop when asked to, speak now and then."""
    began = ctx.clock.monotonic()
    heartbeat = Heartbeat()
    heartbeat.is_due(began)  # a quick check says nothing

    def look_up() -> None:
        ctx.interrupt.raise_if_set()
        ctx.deadline.raise_if_over()
        now = ctx.clock.monotonic()
        if heartbeat.is_due(now):
            ctx.events(
                "syntax.progress",
                f"the server has been parsing pending scripts for {now - began:.0f}s",
                elapsed_ms=round((now - began) * 1000),
            )

    return look_up
