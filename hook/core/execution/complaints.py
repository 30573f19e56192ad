"""What is wrong with scripts that are to be run: all of it is told at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from hook.core.outcome import Finding
from hook.core.scripts.problem import Problem, judge_problems
from hook.core.sql.lexer import SqlSyntaxError
from hook.errors import BadMigrationSet

_HINT = "Correct the named lines."


@dataclass(slots=True)
class Complaints:
    """Problems, as they are come upon."""

    _problems: list[Problem] = field(default_factory=list)

    @contextmanager
    def about(self, script: str = "") -> Iterator[None]:
        """Take down, instead of raising it, why *script*, or several, cannot be run as it is."""
        try:
            yield
        except SqlSyntaxError as error:
            self.add((f"{script}:{error.line}: {error.problem}",))
        except BadMigrationSet as error:
            self.add(error.problems, error.hint)

    def add(self, texts: Iterable[str], hint: str = _HINT) -> None:
        """Take down *texts*, the next step for each of which is *hint*."""
        self._problems += (Problem(text, hint) for text in texts)

    def take(self, problems: Iterable[Problem]) -> None:
        """Take down *problems*."""
        self._problems += problems

    def findings(self, rule: str = BadMigrationSet.rule) -> tuple[Finding, ...]:
        """Return the refusal for what was taken down, none if nothing was."""
        return judge_problems(self._problems, rule)
