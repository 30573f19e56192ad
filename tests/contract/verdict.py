"""One way a place of backups can be, and what the gate must say of it, for every system."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from hook.core.outcome import Finding, Status, deciding_finding
from hook.errors import ExitCode
from tests.testbed.s3_server import SECRET_KEY

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Case(Generic[T]):
    """What *make* does to a good place, and what is told of it then."""

    name: str
    make: Callable[[T], object]
    code: ExitCode
    status: Status
    told: tuple[str, ...]


def passes(name: str, make: Callable[[T], object], *told: str) -> Case[T]:
    """Return a case in which nothing is wrong."""
    return Case(name, make, ExitCode.OK, Status.PASSED, told)


def warns(name: str, make: Callable[[T], object], *told: str) -> Case[T]:
    """Return a case in which there is a way back, and something to be told."""
    return Case(name, make, ExitCode.OK, Status.WARNED, told)


def refuses(name: str, make: Callable[[T], object], *told: str) -> Case[T]:
    """Return a case in which there is no way back."""
    return Case(name, make, ExitCode.NO_WAY_BACK, Status.FAILED, told)


def cannot_tell(name: str, make: Callable[[T], object], *told: str) -> Case[T]:
    """Return a case in which nobody can know."""
    return Case(name, make, ExitCode.UNKNOWN_BACKUP, Status.UNKNOWN, told)


def text_of(findings: tuple[Finding, ...]) -> str:
    """Return every message in *findings*, after a look that none tells the secret."""
    text = "\n".join(finding.message for finding in findings)
    assert SECRET_KEY not in repr(findings)
    return text


def assert_verdict(findings: tuple[Finding, ...], case: Case[T]) -> None:
    """Fail unless *findings* are what *case* must lead to."""
    decisive = deciding_finding(findings)
    text = text_of(findings)
    assert (ExitCode.OK if decisive is None else decisive.code) is case.code, text
    assert max(findings, key=lambda item: list(Status).index(item.status)).status is case.status
    for part in case.told:
        assert part in text
    assert all(item.hint for item in findings if item.status is not Status.PASSED)
