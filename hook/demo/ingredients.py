"""What the demo is made of, and where a checkout keeps it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from hook.demo.programs import Account, embedded_programs, server_account
from hook.demo.repository import INFO
from hook.errors import ConfigError

CHECKOUT = Path(__file__).parents[2]
SAMPLE = CHECKOUT / "tests" / "samples" / "pgbackrest" / "small-repo"
MIGRATIONS = CHECKOUT / "migrations"

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Ingredients:
    """All that is needed, known to be there.

    Attributes:
        programs: Folder with the programs of the embedded server.
        account: What the server runs under, none for the caller's own.
        sample: Recorded pgBackRest repository.
        migrations: Folder with the release's migrations.
    """

    programs: Path
    account: Account | None
    sample: Path
    migrations: Path


def find_ingredients(sample: Path | None = None, migrations: Path | None = None) -> Ingredients:
    """Return what the demo needs; *sample* and *migrations* are those of the checkout if none.

    Raises:
        ConfigError: Something is not there; all of it is named.
    """
    problems: list[str] = []
    programs = _noted(embedded_programs, problems)
    account = _noted(server_account, problems)
    sample = (sample or SAMPLE).absolute()
    if not (sample / INFO).is_file():
        problems.append(f"no recorded pgBackRest repository: {sample / INFO} does not exist")
    migrations = (migrations or MIGRATIONS).absolute()
    if not migrations.is_dir():
        problems.append(f"no migrations: {migrations} is no folder")
    if programs is None or problems:
        hint = "Run `make demo` in a checkout of presync, which holds all that the demo needs."
        raise ConfigError(tuple(problems), hint)
    return Ingredients(programs, account, sample, migrations)


def _noted(find: Callable[[], T], problems: list[str]) -> T | None:
    try:
        return find()
    except ConfigError as error:
        problems.extend(error.problems)
        return None
