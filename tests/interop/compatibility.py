"""Writes docs/flyway-compatibility.md from the scenarios.

python -m tests.interop.compatibility
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.interop.flyway_jars import VERSIONS, major_of
from tests.interop.scenario import Scenario, Step, load_scenarios

PAGE = Path(__file__).parents[2] / "docs" / "flyway-compatibility.md"

_HEAD = """\
# Compatibility with Flyway

This page is written by `python -m tests.interop.compatibility` from the scenarios in
`tests/interop/scenarios`; change those instead. `make interop` plays each of the {count}
scenarios on PostgreSQL with real Flyway {versions}: Flyway alone, presync
alone, and the two in turn, beginning with either. After every command the history table (all
columns but the times), the schema and the rows of all tables must be as Flyway alone leaves
them; at the end both tools must show the same states and agree on whether the history is valid.

A number is presync's exit code where a command is refused.
"""

_DEVIATIONS = """\
## Different on purpose

Here presync does something else than Flyway. In each case Flyway can still read the history
that presync has written.
"""


def compatibility_page() -> str:
    """Return the text of the page."""
    scenarios = _all_scenarios()
    other = [each for each in scenarios if each.deviation]
    same = [each for each in scenarios if each not in other]
    head = _HEAD.format(count=len(scenarios), versions=" and ".join(VERSIONS))
    return "\n".join((head, *_same(same), _DEVIATIONS, *_different(other)))


def _all_scenarios() -> list[Scenario]:
    """Return every scenario once, as it applies to the newest major version it names."""
    found: dict[str, Scenario] = {}
    for version in VERSIONS:
        found |= {each.name: each for each in load_scenarios(major_of(version))}
    return sorted(found.values(), key=lambda each: (each.area, each.name))


def _same(scenarios: Sequence[Scenario]) -> Iterator[str]:
    for area in sorted({scenario.area for scenario in scenarios}):
        yield f"## {area}\n\n| | commands | scenario |\n|---|---|---|"
        for scenario in scenarios:
            if scenario.area == area:
                commands = ", ".join(_command(step) for step in scenario.steps)
                yield f"| {_title(scenario)} | {commands} | `{scenario.name}` |"
        yield ""


def _different(scenarios: Sequence[Scenario]) -> Iterator[str]:
    yield "| | Flyway | presync | why | scenario |\n|---|---|---|---|---|"
    for scenario in scenarios:
        step = scenario.steps[-1]
        flyway = "refuses" if step.refused else "accepts"
        presync = f"refuses ({step.exit_code})" if step.exit_code else "accepts"
        why = scenario.deviation.replace("|", "\\|")
        yield f"| {_title(scenario)} | {flyway} | {presync} | {why} | `{scenario.name}` |"
    yield ""


def _title(scenario: Scenario) -> str:
    versions = ", ".join(str(major) for major in scenario.majors)
    return f"{scenario.title} (Flyway {versions})" if versions else scenario.title


def _command(step: Step) -> str:
    name = "run" if step.command == "migrate" else step.command
    return f"{name} {step.exit_code}" if step.exit_code else name


if __name__ == "__main__":
    PAGE.write_text(compatibility_page(), encoding="utf-8")
