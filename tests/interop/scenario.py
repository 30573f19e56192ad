"""Scenarios as data: one folder each, read and checked before anything runs.

A folder holds ``scenario.toml`` and the migrations of each release. The keys:

    title     what is compared, one sentence
    area      the heading under which the compatibility page lists it
    majors    the Flyway major versions it applies to; all when absent
    role      ``superuser`` when the migrations need one
    alone     true where the tools are not played in turn, as each leaves something else
    [settings]   FLYWAY_* variables of both tools; ``{root}`` is the migrations folder and
                 ``{url}`` the database; PRESYNC_* where presync asks for a second word
    [[steps]]    what happens, in order:
      files       a folder that is copied over the migrations
      write       file name -> text, for what an editor or git would change
      encoding    of `write`, UTF-8 unless told
      links       name of a link -> what it points to, which may be nothing
      remove      file names to delete
      sql         what a bystander runs before, as the migrating role
      admin_sql   the same, as a superuser
      settings    further FLYWAY_* variables, of this step
      run         migrate (presync: run), validate, repair, baseline
      refused     Flyway's error code, when it refuses, or a table of codes by major version
      problems    the code of each entry that `validate` objects to
      exit        presync's exit code; 0 when absent
      deviation   why presync does something else than Flyway, on purpose
      stands      the refusal stands even when the other tool has done the work before
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "scenarios"
COMMANDS = ("migrate", "validate", "repair", "baseline")

_KEYS = {"title", "area", "majors", "role", "alone", "settings", "steps"}
_STEP_KEYS = {
    "files", "write", "encoding", "links", "remove", "sql", "admin_sql", "settings", "run",
    "refused", "problems", "exit", "deviation", "stands",
}  # fmt: skip


class BadScenario(Exception):
    """The scenario contradicts itself or has a key that does not exist."""


@dataclass(frozen=True, slots=True)
class Preparation:
    """What changes before a command: files and, by a bystander, the database."""

    files: Path | None = None
    write: Mapping[str, bytes] | None = None
    links: Mapping[str, str] | None = None
    remove: tuple[str, ...] = ()
    sql: str = ""
    admin_sql: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """One command, by whichever tool has its turn, and what each must answer."""

    preparation: Preparation
    command: str
    settings: Mapping[str, str]
    refused: str
    problems: tuple[str, ...]
    exit_code: int
    deviation: str
    stands: bool

    @property
    def is_verdict_shared(self) -> bool:
        """Tell whether both tools accept, or both refuse."""
        return bool(self.refused) == bool(self.exit_code)

    def again(self) -> Step:
        """Return the same command without another preparation."""
        return replace(self, preparation=Preparation())


@dataclass(frozen=True, slots=True)
class Scenario:
    """One folder. A deviation can only be in the last step: later ones could not agree."""

    name: str
    title: str
    area: str
    majors: tuple[int, ...]
    needs_superuser: bool
    is_alone: bool
    steps: tuple[Step, ...]

    @property
    def deviation(self) -> str:
        """Return the reason of the deviation on purpose, if there is one."""
        return self.steps[-1].deviation

    @property
    def turns(self) -> tuple[Step, ...]:
        """Return the steps as they are played.

        A last step that nobody could take over, because it is the only one or ends
        in a deviation, is played once more, by the other tool if there are two.
        """
        if len(self.steps) == 1 or self.deviation:
            return (*self.steps, self.steps[-1].again())
        return self.steps


def load_scenarios(major: int, folder: Path = FOLDER) -> tuple[Scenario, ...]:
    """Return the scenarios below *folder* that speak of Flyway *major*, by name.

    Raises:
        BadScenario: One of them is malformed.
    """
    paths = sorted(folder.glob("*/scenario.toml"))
    scenarios = (load_scenario(path.parent, major) for path in paths)
    return tuple(each for each in scenarios if not each.majors or major in each.majors)


def load_scenario(folder: Path, major: int) -> Scenario:
    """Read the scenario in *folder* as it applies to Flyway *major*.

    Raises:
        BadScenario: It is malformed.
    """
    try:
        raw = tomllib.loads((folder / "scenario.toml").read_text(encoding="utf-8"))
        scenario = _scenario(folder, raw, major)
    except (KeyError, ValueError, TypeError) as error:
        raise BadScenario(f"{folder.name}: {error!r}") from error
    for problem in _contradictions(scenario):
        raise BadScenario(f"{folder.name}: {problem}")
    return scenario


def _scenario(folder: Path, raw: Mapping[str, Any], major: int) -> Scenario:
    _reject_unknown(raw, _KEYS)
    common = raw.get("settings", {})
    return Scenario(
        name=folder.name,
        title=raw["title"],
        area=raw["area"],
        majors=tuple(raw.get("majors", ())),
        needs_superuser=raw.get("role") == "superuser",
        is_alone=raw.get("alone", False),
        steps=tuple(
            _step(folder, {**step, "settings": common | step.get("settings", {})}, major)
            for step in raw["steps"]
        ),
    )


def _step(folder: Path, raw: Mapping[str, Any], major: int) -> Step:
    _reject_unknown(raw, _STEP_KEYS)
    refused = raw.get("refused", "")
    encoding = raw.get("encoding", "utf-8")
    preparation = Preparation(
        files=(folder / raw["files"]).resolve() if "files" in raw else None,
        write={name: text.encode(encoding) for name, text in raw.get("write", {}).items()},
        links=raw.get("links"),
        remove=tuple(raw.get("remove", ())),
        sql=raw.get("sql", ""),
        admin_sql=raw.get("admin_sql", ""),
    )
    return Step(
        preparation=preparation,
        command=raw["run"],
        settings=raw["settings"],
        refused=refused if isinstance(refused, str) else refused[str(major)],
        problems=tuple(raw.get("problems", ())),
        exit_code=raw.get("exit", 0),
        deviation=" ".join(raw.get("deviation", "").split()),
        stands=raw.get("stands", False),
    )


def _reject_unknown(raw: Mapping[str, Any], known: set[str]) -> None:
    if unknown := set(raw) - known:
        raise ValueError(f"unknown keys {sorted(unknown)}")


def _contradictions(scenario: Scenario) -> Iterator[str]:
    for number, step in enumerate(scenario.steps, 1):
        is_last = number == len(scenario.steps)
        if step.command not in COMMANDS:
            yield f"step {number}: no command {step.command}"
        if step.deviation and not is_last:
            yield f"step {number}: only the last step may deviate"
        if not step.is_verdict_shared and not step.deviation:
            yield f"step {number}: the tools disagree and no deviation says why"
        if step.problems and step.command != "validate":
            yield f"step {number}: only validate lists problems"
        if not all(name.startswith(("FLYWAY_", "PRESYNC_")) for name in step.settings):
            yield f"step {number}: settings are FLYWAY_* and PRESYNC_* variables"
        folder = step.preparation.files
        if folder and not folder.is_dir():
            yield f"step {number}: {folder} is not a folder"
