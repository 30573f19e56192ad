"""What is wrong with the files of a release, and the next step for each of it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from hook.core.outcome import Finding, Status
from hook.errors import BadMigrationSet, ExitCode


class Problem(NamedTuple):
    """One fault of a file or folder, which *text* names; *hint* is the next step."""

    text: str
    hint: str


def judge_problems(
    problems: Iterable[Problem], rule: str = BadMigrationSet.rule
) -> tuple[Finding, ...]:
    """Return the one refusal that names all *problems*, each hint once; none for none."""
    found = tuple(problems)
    if not found:
        return ()
    texts, hint = tuple(item.text for item in found), join_hints(found)
    refusal = Finding(Status.FAILED, rule, "; ".join(texts), ExitCode.BAD_SET, hint, problems=texts)
    return (refusal,)


def join_hints(problems: Iterable[Problem]) -> str:
    """Return the next steps of *problems*, each once."""
    return " ".join(dict.fromkeys(item.hint for item in problems))
