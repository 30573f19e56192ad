"""Each scenario in four directions, compared with what Flyway does alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.interop.actors import Actor, FlywayActor, PresyncActor
from tests.interop.flyway_jars import VERSIONS, major_of
from tests.interop.flyway_process import FlywayProcess
from tests.interop.judge import References, judge
from tests.interop.play import Direction, Performance, directions_of, play
from tests.interop.presync_server import PresyncServer
from tests.interop.scenario import Scenario, load_scenarios
from tests.interop.workspace import created_workspace
from tests.testbed.postgres_server import PostgresServer

SCENARIOS = [
    (scenario, version) for version in VERSIONS for scenario in load_scenarios(major_of(version))
]
# One worker plays all of a scenario, so that it plays the references only once.
CASES = [
    pytest.param(
        scenario,
        version,
        direction,
        id=f"{scenario.name}-{version}-{direction}",
        marks=pytest.mark.xdist_group(scenario.name),
    )
    for scenario, version in SCENARIOS
    for direction in directions_of(scenario)
]

Play = Callable[[Scenario, str, Direction], Performance]
Played = dict[tuple[str, str, Direction], Performance]


@pytest.fixture(scope="session")
def played() -> Played:
    """Return what has been played already."""
    return {}


@pytest.fixture
def perform(
    server: PostgresServer,
    flyway: Callable[[str], FlywayProcess],
    presync: PresyncServer,
    tmp_path: Path,
    played: Played,
) -> Play:
    """Return ``perform(scenario, version, direction)``, which plays each only once."""

    def perform_once(scenario: Scenario, version: str, direction: Direction) -> Performance:
        # presync alone does not depend on the version; all of them are asked about it.
        is_alone = direction is Direction.PRESYNC_ALONE
        versions = _versions(scenario) if is_alone else (version,)
        key = (scenario.name, "" if is_alone else version, direction)
        if key not in played:
            flyways = [FlywayActor(flyway(each)) for each in versions]
            cast = direction.cast(flyways[0], PresyncActor(presync))
            critics = _critics(scenario, direction, flyways, PresyncActor(presync))
            with created_workspace(
                server, tmp_path / "migrations", needs_superuser=scenario.needs_superuser
            ) as workspace:
                played[key] = play(scenario, workspace, cast, critics)
        return played[key]

    return perform_once


def _versions(scenario: Scenario) -> tuple[str, ...]:
    return tuple(
        version
        for version in VERSIONS
        if not scenario.majors or major_of(version) in scenario.majors
    )


def _critics(
    scenario: Scenario, direction: Direction, flyways: Sequence[Actor], presync: Actor
) -> Sequence[Actor]:
    if direction is Direction.FLYWAY_ALONE or scenario.deviation:
        return flyways
    return (*flyways, presync)


@pytest.mark.parametrize(("scenario", "version", "direction"), CASES)
def test_scenario_ends_the_same_whoever_plays(
    scenario: Scenario, version: str, direction: Direction, perform: Play
) -> None:
    """Verdicts are as the scenario says, and the database as Flyway alone leaves it."""
    references = References(
        flyway=perform(scenario, version, Direction.FLYWAY_ALONE),
        presync=perform(scenario, version, Direction.PRESYNC_ALONE),
    )
    problems = list(judge(scenario, perform(scenario, version, direction), references))
    assert not problems, "\n".join(problems)
