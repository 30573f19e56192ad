"""The demo from curtain to curtain: a server, a repository, four acts, and nothing left."""

from __future__ import annotations

import contextlib
import re
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

from hook.clock import Interrupt
from hook.demo.acts import MIGRATED, REFUSED, REPEATED, SHOWN, Theatre
from hook.demo.ingredients import Ingredients, find_ingredients
from hook.demo.programs import reachable
from hook.demo.repository import STANZA, Repository
from hook.demo.server import FAST, SUPERUSER, Cluster, new_cluster
from hook.errors import DatabaseUnreachable, ExitCode, HookError
from hook.render.palette import Colour, Palette

# Only who may enter the folder of the socket can reach the server, which trusts everybody.
_SETTINGS = {**FAST, "listen_addresses": ""}
_FOLDER_PREFIX = "presync-demo-"
_PORT = 5432  # part of the socket's name, libpq's default
_DATABASE = "shop"
_OWNER = "shop_migrator"
_STATEMENTS = (
    f"CREATE ROLE {_OWNER} LOGIN IN ROLE pg_monitor",
    f"CREATE DATABASE {_DATABASE} OWNER {_OWNER}",
)
_STALE = timedelta(hours=31)
_FRESH = timedelta(minutes=12)
_IDENTIFIER = re.compile(r"^Database system identifier: +(\d+)$", re.MULTILINE)


def perform(
    sample: Path | None,
    migrations: Path | None,
    tell: Callable[[str], None],
    palette: Palette,
    interrupt: Interrupt,
) -> ExitCode:
    """Play the demo and return its exit code; whatever ends it early is told in a line.

    Args:
        sample: Recorded pgBackRest repository, that of the checkout if none.
        migrations: Folder of the release, that of the checkout if none.
        tell: Writes lines to the audience, at once.
        palette: Of the audience's terminal.
        interrupt: Ends the demo before its time.
    """
    _stop_when_the_terminal_closes(interrupt)
    try:
        _play(find_ingredients(sample, migrations), tell, palette, interrupt)
    except HookError as error:
        line = f"presync demo: {error.message}. {error.hint}".rstrip()
        tell(palette.paint(line, Colour.BAD))
        return error.exit_code
    return ExitCode.OK


def _play(
    ingredients: Ingredients, tell: Callable[[str], None], palette: Palette, interrupt: Interrupt
) -> None:
    began = time.monotonic()
    tell("Starting a throw-away PostgreSQL server ...")
    with (
        _running_server(ingredients, interrupt) as cluster,
        tempfile.TemporaryDirectory(prefix=_FOLDER_PREFIX, dir="/tmp") as name,
    ):
        folder = Path(name)
        repository = Repository(
            ingredients.sample, folder / "repository", _read_identifier(cluster)
        )
        settings = {
            "PRESYNC_URL": f"postgresql://{_OWNER}@/{_DATABASE}?host={cluster.folder}",
            "PRESYNC_LOCATIONS": str(ingredients.migrations),
            "PRESYNC_BACKUP_SOURCE": f"pgbackrest:{repository.root}",
            "PRESYNC_BACKUP_STANZA": STANZA,
            "PRESYNC_FORMAT": "text",
            "PRESYNC_TERMINATION_LOG": str(folder / "termination-log"),
        }
        tell("Every command below has this environment, as a pod would:\n")
        tell("\n".join(f"  {item}={value}" for item, value in settings.items()))
        theatre = Theatre(folder, settings, tell, palette, interrupt)
        repository.copy_all(datetime.now(UTC) - _STALE)
        theatre.play(1, REFUSED)
        repository.add_full_backup(datetime.now(UTC) - _FRESH)
        theatre.play(2, MIGRATED)
        theatre.play(3, REPEATED)
        theatre.play(4, SHOWN)
    seconds = time.monotonic() - began
    end = f"All of it was real and took {seconds:.1f} s; server and repository are gone again."
    tell(f"\n{palette.paint(end, Colour.STRONG)}")


@contextlib.contextmanager
def _running_server(ingredients: Ingredients, interrupt: Interrupt) -> Iterator[Cluster]:
    """Lend a server with an empty database.

    Its programs take less than a second each and are let finish; a stop is seen in between.
    """
    account = ingredients.account
    with (
        reachable(ingredients.programs, account) as programs,
        new_cluster(programs, account, _FOLDER_PREFIX) as cluster,
    ):
        interrupt.raise_if_set()
        cluster.initialise(_SETTINGS)
        interrupt.raise_if_set()
        cluster.start(_PORT)
        options = ("-X", "-q", "-v", "ON_ERROR_STOP=1", "-h", str(cluster.folder), "-U", SUPERUSER)
        for statement in _STATEMENTS:
            cluster.run("psql", *options, "-c", statement, "postgres")
        interrupt.raise_if_set()
        yield cluster


def _read_identifier(cluster: Cluster) -> str:
    found = _IDENTIFIER.search(cluster.run("pg_controldata", "-D", str(cluster.data)))
    if found is None:
        raise DatabaseUnreachable("pg_controldata does not tell the system identifier")
    return found[1]


def _stop_when_the_terminal_closes(interrupt: Interrupt) -> None:
    """Treat SIGHUP as a stop, unless it is ignored on purpose (nohup)."""

    def stop(number: int, _frame: FrameType | None) -> None:
        interrupt.set(signal.Signals(number).name)

    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, stop)
