"""What is to be said of data that a release destroys, and of the waivers that allow it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from hook.core.outcome import Finding, Policy, Status, deciding_finding, warned
from hook.core.scripts.waivers import LossBook, Waived
from hook.core.sql.losses import Loss
from hook.core.text import counted

_TOLD = 10


class ScriptLoss(NamedTuple):
    """What a statement of *script* destroys."""

    script: str
    loss: Loss

    @property
    def place(self) -> str:
        """Return ``V2__x.sql:3``."""
        return f"{self.script}:{self.loss.line}"

    @property
    def waiver(self) -> str:
        """Return the line that would allow it."""
        return f'"-- presync: allow {self.loss.rule} because <reason>"'


def unwaived(books: Iterable[LossBook]) -> tuple[ScriptLoss, ...]:
    """Return all that is destroyed and not allowed."""
    return tuple(ScriptLoss(book.script, loss) for book in books for loss in book.unwaived)


def judge_losses(books: Iterable[LossBook]) -> tuple[Finding, ...]:
    """Return what is to be told of *books*: losses in one finding, each waiver in one."""
    books = tuple(books)
    losses = unwaived(books)
    waivers = (_judge_waiver(item) for book in books for item in book.waived)
    return (*_judge_unwaived(losses), *waivers)


def _judge_unwaived(losses: Sequence[ScriptLoss]) -> Iterator[Finding]:
    if not losses:
        return
    named = [f"{item.place} {item.loss.rule} ({item.loss.statement})" for item in losses[:_TOLD]]
    more = [f"{len(losses) - _TOLD} more"] if len(losses) > _TOLD else []
    count = counted(len(losses), "statement")
    first = losses[0]
    yield warned(
        "destructive",
        f"{count} would destroy data: {'; '.join((*named, *more))}",
        "Have a backup: as long as migrations are pending, PRESYNC_BACKUP_POLICY does not count,"
        " and only PRESYNC_BACKUP_SOURCE=none or an override of the gate sets it aside."
        f" If the data may go, write {first.waiver} on the line before"
        f" {first.place}.",
        statements=[
            {
                "script": item.script,
                "line": item.loss.line,
                "rule": item.loss.rule.value,
                "statement": item.loss.statement,
            }
            for item in losses
        ],
    )


def _judge_waiver(waived: Waived) -> Finding:
    waiver = waived.waiver
    place, facts = f"{waiver.script}:{waiver.line}", waived.describe()
    if not waived.losses:
        message = f"{place} waives nothing: {waiver.rule} is not found in what it covers"
        hint = "Remove the waiver, or correct its rule or its place."
        return Finding(Status.WARNED, "waives-nothing", message, hint=hint, facts=facts)
    lines = ", ".join(str(loss.line) for loss in waived.losses[:_TOLD])
    more = len(waived.losses) - _TOLD
    at = f"line {lines}" + (f" and {more} more" if more > 0 else "")
    message = f"{place} waives {waiver.rule} at {at}: {waiver.reason}"
    return Finding(Status.WARNED, "waived", message, facts=facts)


def demanded_policy(losses: Sequence[ScriptLoss], policy: Policy, demanded: Policy) -> Policy:
    """Return how the backup gate judges: by *policy*, or as *demanded* where data is lost.

    Args:
        losses: All that is destroyed and not allowed.
        policy: In force for this run.
        demanded: Enforce, unless somebody has overridden the gate for this run.
    """
    return demanded if losses else policy


def blame_losses(
    findings: tuple[Finding, ...], losses: Sequence[ScriptLoss]
) -> tuple[Finding, ...]:
    """Return *findings* of the backup gate, the deciding one saying what made it count."""
    deciding = deciding_finding(findings)
    if deciding is None or not losses:
        return findings
    first = losses[0]
    more = f" and {len(losses) - 1} more" if len(losses) > 1 else ""
    blamed = replace(
        deciding,
        message=f"{deciding.message}; {first.place} ({first.loss.rule}){more} would destroy data:"
        " PRESYNC_BACKUP_POLICY does not count",
        hint=f"{deciding.hint} Or, if the data may go, write {first.waiver} on the line before"
        f" {first.place}.".lstrip(),
    )
    return tuple(blamed if item is deciding else item for item in findings)
