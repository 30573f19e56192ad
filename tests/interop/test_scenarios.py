"""Each scenario in four directions, compared with what Flyway does alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests.interop.actors import Actor, FlywayActor, PresyncActor
from tests.interop.flyway_jars import VERSIONS, major_of
from tests.interop.flyway_process import FlywayProcess
from tests.interop.judge import References, judge
from tests.interop.play import Direction, Performance, play
from tests.interop.scenario import Scenario, load_scenarios
from tests.interop.workspace import created_workspace
from tests.testbed.postgres_server import PostgresServer
from tests.testbed.process import Completed

CASES = [
    pytest.param(
        scenario,
        version,
        id=f"{scenario.name}-{version}",
        marks=pytest.mark.xdist_group(scenario.name),
    )
    for version in VERSIONS
    for scenario in load_scenarios(major_of(version))
]

Play = Callable[[Scenario, str, Direction], Performance]


@pytest.fixture(scope="session")
def played() -> dict[tuple[str, str, Direction], Performance]:
    """Return the performances of a tool alone, which serve as references."""
    return {}


@pytest.fixture
def perform(
    server: PostgresServer,
    flyway: Callable[[str], FlywayProcess],
    run_presync: Callable[..., Completed],
    tmp_path: Path,
    played: dict[tuple[str, str, Direction], Performance],
) -> Play:
    """Return ``perform(scenario, version, direction)``, once for each."""

    def perform_once(scenario: Scenario, version: str, direction: Direction) -> Performance:
        key = (scenario.name, version, direction)
        if key not in played:
            tools = FlywayActor(flyway(version)), PresyncActor(run_presync)
            with created_workspace(
                server, tmp_path / "migrations", needs_superuser=scenario.needs_superuser
            ) as workspace:
                critics = _critics(scenario, direction, tools)
                played[key] = play(scenario, workspace, direction.cast(*tools), critics)
        return played[key]

    return perform_once


def _critics(
    scenario: Scenario, direction: Direction, tools: tuple[Actor, Actor]
) -> Sequence[Actor]:
    flyway, _ = tools
    if direction is Direction.FLYWAY_ALONE or scenario.deviation:
        return (flyway,)
    return tools


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize(("scenario", "version"), CASES)
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
