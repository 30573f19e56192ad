"""Odd file names, read by real Flyway and by presync."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from hook.core.scripts.script import Naming, Role, ScriptName, parse_file_name
from tests.interop.actors import REFUSED, FlywayActor, PresyncActor
from tests.interop.flyway_jars import VERSIONS
from tests.interop.flyway_process import FlywayProcess
from tests.interop.presync_server import PresyncServer
from tests.interop.workspace import created_workspace
from tests.testbed.postgres_server import PostgresServer

FILES = 600
LEAST_MIGRATIONS = 100

# Most pieces are good ones, so that most names have only one odd piece.
PREFIXES = (*"VVVVVVRRBBU", "v", "r", "VV", "", "V-", "V+")
NUMBERS = ("{0}", "{0}.{0}", "{0}_0", "0{0}", "")
TAILS = (
    *[""] * 15,
    ".",
    "._",
    "_",
    "a",
    "-",
    "+",
    " ",
    "\u0663",
    "\uff11",
    ".\u0661",
    "\U0001d7d2",
)
SEPARATORS = (*["__"] * 6, "_", "___", "____", "", "-")
DESCRIPTIONS = (
    "",
    "a",
    "A b",
    "\u00e9",
    "a__b",
    "a.b",
    "_",
    " ",
    "'",
    "%s",
    "V1__a",
    ".sql",
    "\U0001f600",
)
SUFFIXES = (*[".sql"] * 8, ".SQL", ".sql.sql", ".txt", ".sqlx", ".sql~")


def odd_names(random: Random) -> Iterator[str]:
    """Yield names without end, most of them with a number of their own in them."""
    for number in itertools.count():
        own = random.choice(NUMBERS).format(number)
        pieces = (
            *(random.choice(PREFIXES), own, random.choice(TAILS), random.choice(SEPARATORS)),
            *(random.choice(DESCRIPTIONS), random.choice((own, "")), random.choice(SUFFIXES)),
        )
        yield "".join(pieces)


def odd_release(random: Random) -> dict[str, ScriptName]:
    """Return names that can stand in one release, with what presync reads in them."""
    chosen: dict[object, tuple[str, ScriptName]] = {}
    for name in odd_names(random):
        parsed = parse_file_name(name, Naming())
        is_migration = parsed.role is Role.MIGRATION
        key = (parsed.kind, parsed.version or parsed.description) if is_migration else name
        # Without a suffix it is a program to Flyway, which presync refuses on purpose.
        if parsed.role is not Role.REFUSED:
            chosen.setdefault(key, (name, parsed))
        if len(chosen) == FILES:
            break
    return dict(chosen.values())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.xdist_group("file-names")
def test_odd_names_mean_the_same_to_both(
    version: str,
    seed: int,
    server: PostgresServer,
    flyway: Callable[[str], FlywayProcess],
    presync: PresyncServer,
    tmp_path: Path,
) -> None:
    """The same files are migrations, of the same version, description, type and state."""
    files = odd_release(Random(seed))  # noqa: S311 - the same at each run
    with created_workspace(server, tmp_path / "migrations", needs_superuser=False) as workspace:
        for name in files:
            (workspace.root / name).write_text("SELECT 1;\n")
        theirs = FlywayActor(flyway(version)).states(workspace.settings({}))
        ours = PresyncActor(presync).states(workspace.settings({}))
    assert theirs != REFUSED
    assert sum(parsed.role is Role.MIGRATION for parsed in files.values()) >= LEAST_MIGRATIONS
    assert ours == theirs
