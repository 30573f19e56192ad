"""Plays a scenario: whose turn it is, what each turn leaves behind."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from tests.interop.actors import Actor, State, Verdict
from tests.interop.scenario import Scenario, Step
from tests.interop.snapshot import Snapshot, take_snapshot
from tests.interop.workspace import Workspace

_PATTERNS = "FLYWAY_IGNORE_MIGRATION_PATTERNS"


class Direction(StrEnum):
    """Who plays; with two, they take turns, so that each takes over from the other."""

    FLYWAY_ALONE = "flyway-alone"
    PRESYNC_ALONE = "presync-alone"
    FLYWAY_FIRST = "flyway-then-presync"
    PRESYNC_FIRST = "presync-then-flyway"

    def cast(self, flyway: Actor, presync: Actor) -> Sequence[Actor]:
        """Return the players of one round."""
        return {
            Direction.FLYWAY_ALONE: (flyway,),
            Direction.PRESYNC_ALONE: (presync,),
            Direction.FLYWAY_FIRST: (flyway, presync),
            Direction.PRESYNC_FIRST: (presync, flyway),
        }[self]


def directions_of(scenario: Scenario) -> Sequence[Direction]:
    """Return the directions in which *scenario* can be played."""
    if scenario.is_alone:
        return (Direction.FLYWAY_ALONE, Direction.PRESYNC_ALONE)
    return tuple(Direction)


@dataclass(frozen=True, slots=True)
class Turn:
    """What one tool answered, and what the database held afterwards."""

    step: Step
    verdict: Verdict
    snapshot: Snapshot


@dataclass(frozen=True, slots=True)
class Performance:
    """All turns, and what each tool says of the final state.

    Attributes:
        states: For each tool that was asked, its entries of `info`.
        validity: For each tool that was asked, whether `validate` accepts what was
            applied; what is pending shows in the states.
    """

    turns: tuple[Turn, ...]
    states: dict[str, tuple[State, ...]]
    validity: dict[str, Verdict]


def play(
    scenario: Scenario, workspace: Workspace, cast: Sequence[Actor], critics: Sequence[Actor]
) -> Performance:
    """Play *scenario* with *cast* in turn and ask *critics* about the result."""
    pairs = zip(scenario.turns, itertools.cycle(cast), strict=False)
    turns = [take_turn(step, workspace, actor) for step, actor in pairs]
    settings = workspace.settings(turns[-1].step.settings)
    lenient = settings | {_PATTERNS: f"{settings.get(_PATTERNS, '*:future')},*:pending"}
    return Performance(
        tuple(turns),
        {critic.name: critic.states(settings) for critic in critics},
        {critic.name: critic.run("validate", lenient) for critic in critics},
    )


def take_turn(step: Step, workspace: Workspace, actor: Actor) -> Turn:
    """Prepare *step*, let *actor* do it and look at the result."""
    workspace.prepare(step.preparation)
    verdict = actor.run(step.command, workspace.settings(step.settings))
    with workspace.connect() as connection:
        return Turn(step, verdict, take_snapshot(connection))
