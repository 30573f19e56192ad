"""The order in which the statements of a script and of the callbacks around it run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from hook.core.execution.callback_book import EachCallbacks, PreparedCallback
from hook.core.scripts.callback import Callback
from hook.core.sql.finished_work import finished_work
from hook.core.sql.leftovers import may_run_again, settled_line
from hook.core.sql.statement_list import Statement, StatementList


@dataclass(frozen=True, slots=True)
class Step:
    """Statements that run one after the other, of the script unless of *callback*."""

    statements: StatementList = field(repr=False)
    callback: Callback | None = None


def steps_in_transaction(script: StatementList, each: EachCallbacks) -> Iterator[Step]:
    """Yield what runs within the transaction of *script*, in as few steps as there can be."""
    yield from _whole(each.before)
    if each.is_per_statement:
        for at in range(len(script)):
            yield from _whole(each.before_statement)
            yield Step(script[at : at + 1])
            yield from _whole(each.after_statement)
    elif len(script):
        yield Step(script)
    yield from _whole(each.after)


@dataclass(frozen=True, slots=True)
class Program:
    """The single statements of a script without transaction and of its callbacks.

    Attributes:
        before: Steps in front of the script; *after* are those behind it.
        around: Steps of one statement of the script, that statement itself left out: so
            many of them are in front of it as *ahead* says.
    """

    script: StatementList = field(repr=False)
    before: tuple[Step, ...] = ()
    around: tuple[Step, ...] = ()
    ahead: int = 0
    after: tuple[Step, ...] = ()

    @classmethod
    def of(cls, script: StatementList, each: EachCallbacks | None) -> Program:
        """Return *script* with the callbacks *each*."""
        if each is None:
            return cls(script)
        ahead = tuple(_single(each.before_statement))
        return cls(
            script,
            before=tuple(_single(each.before)),
            around=(*ahead, *_single(each.after_statement)),
            ahead=len(ahead),
            after=tuple(_single(each.after)),
        )

    def __len__(self) -> int:
        return len(self.before) + len(self.script) * self._turn + len(self.after)

    def __getitem__(self, index: int) -> Step:
        inside = index - len(self.before)
        if inside < 0:
            return self.before[index]
        at, part = divmod(inside, self._turn)
        if at >= len(self.script):
            return self.after[inside - len(self.script) * self._turn]
        if part == self.ahead:
            return Step(self.script[at : at + 1])
        return self.around[part if part < self.ahead else part - 1]

    def statement(self, index: int) -> Statement:
        """Return the statement of step *index*."""
        return self[index].statements[0]

    def settled(self, done: int) -> tuple[int, tuple[str, ...]]:
        """Return what the first *done* steps may have changed.

        Returns:
            The last line of the script's own statements among them, 0 when they changed
            nothing, and the names of the callbacks.
        """
        changed: dict[str, None] = {}
        for index in range(done):
            step = self[index]
            if step.callback is not None and settled_line(step.statements, 1):
                changed[step.callback.script] = None
        return settled_line(self.script, self._of_script(done)), tuple(changed)

    def finished(self, done: int) -> tuple[str, ...]:
        """Name what the script's own statements among the first *done* steps have left."""
        return finished_work(self.script, self._of_script(done))

    def may_repeat(self, done: int) -> bool:
        """Tell whether each of the first *done* steps may be run again."""
        return all(may_run_again(self.statement(index)) for index in range(done))

    def _of_script(self, done: int) -> int:
        """Return how many of the first *done* steps are of the script."""
        inside = max(done - len(self.before), 0)
        at, part = divmod(inside, self._turn)
        return min(at + (part > self.ahead), len(self.script))

    @property
    def _turn(self) -> int:
        return len(self.around) + 1


def _whole(callbacks: Iterable[PreparedCallback]) -> Iterator[Step]:
    return (Step(item.body, item.callback) for item in callbacks if len(item.body))


def _single(callbacks: Iterable[PreparedCallback]) -> Iterator[Step]:
    for item in callbacks:
        for at in range(len(item.body)):
            yield Step(item.body[at : at + 1], item.callback)
