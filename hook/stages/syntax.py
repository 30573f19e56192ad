"""Let the server itself parse every pending script before the first one runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING

from hook.core.execution.heartbeat import Heartbeat
from hook.core.execution.syntax_probe import Selection, SyntaxLimits, describe_syntax_error
from hook.core.outcome import passed
from hook.core.scripts.problem import Problem, judge_problems
from hook.core.text import counted
from hook.postgres.syntax import find_syntax_errors
from hook.stages import Context, Outcome

if TYPE_CHECKING:
    from hook.core.execution.callback_book import PreparedCallback
    from hook.core.execution.prepared import PreparedScript
    from hook.core.execution.sqlstate import ServerMessage
    from hook.core.scripts.script import Migration
    from hook.core.sql.statement_list import Statement, StatementList
    from hook.postgres.session import Session

    Text = tuple[str, StatementList]

_HINT = "Correct the named lines."
# A script in the wrong dialect has an error in every statement.
_TOLD_OF_A_SCRIPT = 20
# Bytes of scripts that are held at the same time; a larger one is alone.
_SMALL = 1_000_000


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

        All statements that the server refuses are named.

        Args:
            ctx: The run.
            session: Outside of transactions.
            scripts: In running order.
            callbacks: Of the run.

        Raises:
            HookError: The connection failed, the deadline passed or a stop was requested.
        """
        problems: list[Problem] = []
        asked = left_out = 0
        look_up = _looking_up(ctx)
        for together in _together(self._texts(scripts, callbacks, look_up)):
            asking = [(name, Selection(texts, self.limits)) for name, texts in together]
            problems += (Problem(text, _HINT) for text in _ask(session, asking, look_up))
            asked += sum(selection.asked for _, selection in asking)
            left_out += sum(selection.left_out for _, selection in asking)
        if problems:
            # By a rule of its own: `presync lint` cannot find it.
            return Outcome(judge_problems(problems, self.name), None)
        running = sum(item.is_run for item in scripts)
        message = _told(running, len(callbacks), asked, left_out)
        return Outcome((passed("syntax", message, parsed=asked, not_looked_at=left_out),), None)

    def _texts(
        self,
        scripts: Iterable[PreparedScript],
        callbacks: Iterable[PreparedCallback],
        look_up: Callable[[], None],
    ) -> Iterator[Text]:
        """Yield name and statements of each; a script is read when it is asked for."""
        for script in (item for item in scripts if item.is_run):
            statements = self.read_statements(script.migration)
            look_up()  # many small scripts are asked about at once, and read before
            yield script.migration.script, statements
        for prepared in callbacks:
            yield prepared.callback.script, prepared.body


def _told(running: int, callbacks: int, asked: int, left_out: int) -> str:
    if not running and not callbacks:
        return "no script is to be run"
    pending = counted(running, "pending script")
    if callbacks:
        pending += f" and {counted(callbacks, 'callback')}"
    message = f"the server can parse {counted(asked, 'statement')} of {pending}"
    if left_out:
        message += f"; {left_out} too long or in escape string syntax were not looked at"
    return message


def _together(texts: Iterable[Text]) -> Iterator[list[Text]]:
    """Yield *texts* in groups, for which the server is waited for once."""
    group: list[Text] = []
    size = 0
    for name, statements in texts:
        length = len(statements.source.sql)
        if group and size + length > _SMALL:
            yield group
            group, size = [], 0
        group.append((name, statements))
        size += length
    if group:
        yield group


def _ask(
    session: Session, asking: Sequence[tuple[str, Selection]], between: Callable[[], None]
) -> Iterator[str]:
    """Yield what the server refuses of the scripts in *asking*, script by script."""
    statements = chain.from_iterable(selection for _, selection in asking)
    errors: dict[int, list[tuple[Statement, ServerMessage]]] = {}
    for item in find_syntax_errors(session, statements, between):
        errors.setdefault(id(item[0].source), []).append(item)
    for name, selection in asking:
        found = errors.get(id(selection.statements.source), [])
        for statement, failure in found[:_TOLD_OF_A_SCRIPT]:
            yield f"{name}:{describe_syntax_error(statement, failure)}"
        if len(found) > _TOLD_OF_A_SCRIPT:
            yield f"{name}: {len(found) - _TOLD_OF_A_SCRIPT} more such errors"


def _looking_up(ctx: Context) -> Callable[[], None]:
    """Return what is done now and then: stop when asked to, speak on a long check."""
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
