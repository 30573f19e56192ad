"""What is wrong with the files of a release: all of it is told at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from hook.core.sql.lexer import SqlSyntaxError
from hook.errors import BadMigrationSet

_HINT = "Correct the named lines; nothing was run."


@dataclass(slots=True)
class Complaints:
    """Problems, and what to do about them."""

    _problems: list[str] = field(default_factory=list)
    _hints: list[str] = field(default_factory=list)

    @contextmanager
    def about(self, script: str) -> Iterator[None]:
        """Take down, instead of raising it, why *script* cannot be run as it is."""
        try:
            yield
        except SqlSyntaxError as error:
            self.add((f"{script}:{error.line}: {error.problem}",))
        except BadMigrationSet as error:
            self.add(error.problems, error.hint)

    def add(self, problems: Iterable[str], hint: str = _HINT) -> None:
        """Take down *problems*; *hint* says what to do if there are any."""
        before = len(self._problems)
        self._problems += problems
        if len(self._problems) > before:
            self._hints.append(hint)

    def refuse(self) -> None:
        """Raise what was taken down, if anything was.

        Raises:
            BadMigrationSet: All of it; each hint once.
        """
        if self._problems:
            raise BadMigrationSet(tuple(self._problems), " ".join(dict.fromkeys(self._hints)))
