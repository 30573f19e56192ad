"""What a stage found: findings, their policy, and which one decides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from hook.errors import (
    DeadlineExceeded,
    DeadlineReached,
    Effect,
    ExitCode,
    HookError,
    Interrupted,
)


class Status(StrEnum):
    """How a finding or a stage ended."""

    PASSED = "passed"
    SKIPPED = "skipped"
    WARNED = "warned"
    UNKNOWN = "unknown"
    FAILED = "failed"


_WEIGHT = {status: weight for weight, status in enumerate(Status)}


class Policy(StrEnum):
    """What a gate's bad finding does to the run."""

    ENFORCE = "enforce"
    WARN = "warn"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Finding:
    """One judged fact.

    Attributes:
        rule: Stable machine name of what was judged, for example ``backup-age``.
        message: Facts first, lower case, no full stop, the object named.
        code: The exit code this finding asks for; `ExitCode.OK` unless it failed.
        hint: The next step, one imperative sentence.
        facts: Further JSON-ready fields for the report.
        problems: What *message* is joined of, when it tells of several things.
    """

    status: Status
    rule: str
    message: str
    code: ExitCode = ExitCode.OK
    hint: str = ""
    facts: Mapping[str, object] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


class Result(NamedTuple):
    """A finished stage. ``duration_ms`` is whole milliseconds."""

    name: str
    findings: tuple[Finding, ...] = ()
    duration_ms: int = 0

    @property
    def status(self) -> Status:
        """Return the worst status among the findings, passed when there are none."""
        return worst_status(self.findings)


def passed(rule: str, message: str, **facts: object) -> Finding:
    """Return a passed finding."""
    return Finding(Status.PASSED, rule, message, facts=facts)


def failed(code: ExitCode, rule: str, message: str, hint: str = "", **facts: object) -> Finding:
    """Return a failed finding that asks for *code*."""
    return Finding(Status.FAILED, rule, message, code, hint, facts)


def warned(rule: str, message: str, hint: str = "", **facts: object) -> Finding:
    """Return a finding that is told and does not stop the run."""
    return Finding(Status.WARNED, rule, message, hint=hint, facts=facts)


def unknown(code: ExitCode, rule: str, message: str, hint: str = "", **facts: object) -> Finding:
    """Return a finding for evidence that could not be had; it fails under enforce."""
    return Finding(Status.UNKNOWN, rule, message, code, hint, facts)


def from_error(error: HookError, status: Status = Status.FAILED) -> Finding:
    """Return *error* as a finding with its own code, rule, hint and facts."""
    return Finding(
        status,
        error.rule,
        error.message,
        error.exit_code,
        error.hint,
        error.facts,
        error.problems,
    )


def located(error: HookError, stage: str) -> HookError:
    """Return *error* with the *stage* that it ended, if it says nothing of what was under way."""
    if isinstance(error, Interrupted) and not error.situation:
        told: HookError = Interrupted(error.signal_name, f"at stage {stage}", error.hint)
    elif isinstance(error, DeadlineReached):
        told = DeadlineExceeded(f"{error.message} at stage {stage}", error.hint)
    else:
        return error
    told.facts = error.facts
    return told


def worst_status(findings: Iterable[Finding]) -> Status:
    """Return the worst status of *findings*, passed when there are none."""
    return max((item.status for item in findings), key=_WEIGHT.__getitem__, default=Status.PASSED)


def apply_policy(findings: tuple[Finding, ...], policy: Policy) -> tuple[Finding, ...]:
    """Return *findings* as *policy* lets them count.

    Under enforce a failed or unknown finding keeps its code and stops the run;
    otherwise it is told as a warning and its code is dropped.
    """
    if policy is Policy.ENFORCE:
        return findings
    return tuple(
        replace(item, status=Status.WARNED, code=ExitCode.OK)
        if item.status in {Status.FAILED, Status.UNKNOWN}
        else item
        for item in findings
    )


_SEVERITY = {
    Effect.HUMAN: 4,
    Effect.ROLLED_BACK: 3,
    Effect.UNTOUCHED: 2,
    Effect.RETRY: 1,
    Effect.READY: 0,
}


def deciding_finding(findings: Iterable[Finding]) -> Finding | None:
    """Return the finding that decides the run's exit code, or none.

    A code that a human must resolve outranks one that trying again may clear, so
    that the operator is not sent round the retry loop for a permanent refusal.
    Among equals the first found decides.
    """
    stopping = [item for item in findings if item.code is not ExitCode.OK]
    return max(stopping, key=lambda item: _SEVERITY[item.code.effect], default=None)
