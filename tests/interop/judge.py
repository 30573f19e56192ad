"""Compares a performance with the one of each tool alone."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tests.interop.actors import REFUSED
from tests.interop.play import Performance, Turn
from tests.interop.scenario import Scenario
from tests.interop.snapshot import Snapshot


@dataclass(frozen=True, slots=True)
class References:
    """What each tool does alone."""

    flyway: Performance
    presync: Performance

    def snapshot(self, number: int, tool: str) -> Snapshot:
        """Return what *tool* alone leaves after turn *number*."""
        alone = self.flyway if tool == "flyway" else self.presync
        return alone.turns[number].snapshot


def judge(scenario: Scenario, performance: Performance, references: References) -> Iterator[str]:
    """Yield what is not as the scenario says or as the tools alone do it."""
    for number, turn in enumerate(performance.turns):
        earlier = performance.turns[:number]
        yield from _judge_verdict(turn, earlier, number)
        expected = references.snapshot(number, _author(turn, earlier))
        for line in expected.differences(turn.snapshot):
            yield f"turn {number + 1}, {turn.verdict.tool}: {line}"
    yield from _judge_result(scenario, performance, references)


def _judge_verdict(turn: Turn, earlier: Sequence[Turn], number: int) -> Iterator[str]:
    expected = _expected_code(turn, earlier)
    verdict = turn.verdict
    if verdict.tool in {each.verdict.tool for each in earlier if each.step.deviation}:
        return  # what a tool says to its own doing is no part of the comparison
    if verdict.code != expected:
        yield (
            f"turn {number + 1}, {verdict.tool} {turn.step.command}:"
            f" {verdict.code or 'accepted'} instead of {expected or 'accepted'}\n{verdict.said}"
        )
    elif verdict.tool == "flyway" and verdict.problems != turn.step.problems:
        yield f"turn {number + 1}: problems {verdict.problems} instead of {turn.step.problems}"


def _expected_code(turn: Turn, earlier: Sequence[Turn]) -> str:
    step = turn.step
    done_before = any(
        before.verdict.accepted and before.verdict.tool != turn.verdict.tool
        for before in earlier
        if before.step.deviation
    )
    if done_before and not step.is_verdict_shared and not step.stands:
        return ""
    if turn.verdict.tool == "flyway":
        return step.refused
    return str(step.exit_code or "")


def _author(turn: Turn, earlier: Sequence[Turn]) -> str:
    """Return the tool whose doing the database shows.

    Up to a deviation both leave the same, so Flyway stands for both. A deviation
    shows the doing of the tool that accepted it first; of two that refuse, Flyway
    may have begun, presync leaves nothing behind.
    """
    deviating = [each.verdict for each in (*earlier, turn) if each.step.deviation]
    tools = [each.tool for each in deviating]
    accepting = [each.tool for each in deviating if each.accepted]
    return next(iter(accepting), "flyway" if "flyway" in tools or not tools else "presync")


def _judge_result(
    scenario: Scenario, performance: Performance, references: References
) -> Iterator[str]:
    (expected,) = references.flyway.states.values()
    if scenario.deviation:
        for name, states in performance.states.items():
            if states == REFUSED != expected:
                yield f"{name} cannot read the history any more"
        return
    (valid,) = (verdict.accepted for verdict in references.flyway.validity.values())
    # A set that is refused need not be shown; each tool shows what it can.
    may_refuse = not performance.turns[-1].verdict.accepted
    for name, states in performance.states.items():
        if states != expected and not (may_refuse and REFUSED in (states, expected)):
            yield f"info of {name}: {states}\ninstead of {expected}"
    for name, verdict in performance.validity.items():
        if verdict.accepted != valid and not (may_refuse and not verdict.accepted):
            yield f"validate of {name}: {verdict.code or 'accepted'}\n{verdict.said}"
