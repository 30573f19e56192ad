"""The demo from curtain to curtain: a server, a repository, four acts, and nothing left."""

from __future__ import annotations

import contextlib
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import FrameType

from hook.clock import Interrupt, SystemClock
from hook.demo.acts import MIGRATED, REFUSED, REPEATED, SHOWN, Theatre
from hook.demo.ingredients import Ingredients, find_ingredients
from hook.demo.programs import reachable
from hook.demo.repository import ARCHIVE_INFO, STANZA, BackedUp, Repository
from hook.demo.server import FAST, SUPERUSER, Cluster, new_cluster
from hook.errors import DatabaseUnreachable, ExitCode, HookError, Interrupted
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
# Functions belong to each database on its own.
_GRANT = f"GRANT EXECUTE ON FUNCTION pg_create_restore_point(text), pg_switch_wal() TO {_OWNER}"
_STALE = timedelta(hours=31)
_FRESH = timedelta(minutes=12)
_REPOSITORY = "repository"
_ARCHIVE_SECONDS = 60.0
_POLL_SECONDS = 0.02


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
        with _stop_told_first(interrupt):
            _play(find_ingredients(sample, migrations), tell, palette, interrupt)
    except Interrupted as error:
        # Its hint is about a Job; whoever stops a demo knows why.
        tell(palette.paint(f"presync demo: {error.message}.", Colour.BAD))
        return error.exit_code
    except HookError as error:
        line = f"presync demo: {error.message}. {error.hint}".rstrip()
        tell(palette.paint(line, Colour.BAD))
        return error.exit_code
    return ExitCode.OK


@contextlib.contextmanager
def _stop_told_first(interrupt: Interrupt) -> Iterator[None]:
    """Let a stop count before what it has done to the server's programs.

    One that was begun at that moment is still in our process group, and hears the Ctrl-C too.
    """
    try:
        yield
    except DatabaseUnreachable:
        interrupt.raise_if_set()
        raise


def _play(
    ingredients: Ingredients, tell: Callable[[str], None], palette: Palette, interrupt: Interrupt
) -> None:
    began = time.monotonic()
    tell("Starting a throw-away PostgreSQL server ...")
    with (
        tempfile.TemporaryDirectory(prefix=_FOLDER_PREFIX, dir="/tmp") as name,
        _running_server(ingredients, Path(name), interrupt) as cluster,
    ):
        folder = Path(name)
        repository = Repository(ingredients.sample, folder / _REPOSITORY, _describe(cluster))
        _await_archived(repository, SystemClock(interrupt))
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
def _running_server(
    ingredients: Ingredients, folder: Path, interrupt: Interrupt
) -> Iterator[Cluster]:
    """Lend a server with an empty database, which archives its WAL below *folder*.

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
        archive = folder / _REPOSITORY / ARCHIVE_INFO.parent / f"{_major(cluster)}-1"
        cluster.own(folder)
        cluster.configure({"archive_mode": "on", "archive_command": archive_command(archive)})
        cluster.start(_PORT)
        for statement in _STATEMENTS:
            _execute(cluster, statement)
        _execute(cluster, _GRANT, _DATABASE)
        interrupt.raise_if_set()
        yield cluster


def _execute(cluster: Cluster, statement: str, database: str = "postgres") -> str:
    """Run *statement* as the superuser and return what it returns, unaligned."""
    options = ("-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-U", SUPERUSER)
    place = ("-h", str(cluster.folder), "-c", statement, database)
    return cluster.run("psql", *options, *place).strip()


def _major(cluster: Cluster) -> str:
    return (cluster.data / "PG_VERSION").read_text().strip()


def archive_command(archive: Path) -> str:
    """Return a command that keeps a segment as pgBackRest names it, by its own checksum.

    Until it is whole it has the name that pgBackRest gives it while it is written.
    """
    folder = f"{archive}/$(echo %f | cut -c 1-16)"
    checksum = "$( (sha1sum || shasum) < %p 2>/dev/null | cut -c 1-40)"
    keep = 'cp %p "$kept.pgbackrest.tmp" && mv "$kept.pgbackrest.tmp" "$kept"'
    return f'mkdir -p "{folder}" && kept="{folder}/%f-{checksum}" && {keep}'


def _describe(cluster: Cluster) -> BackedUp:
    """Return the cluster as its backups know it, with a WAL segment that is now finished."""
    identifier = _execute(cluster, "SELECT system_identifier FROM pg_control_system()")
    position = _execute(cluster, "SELECT pg_switch_wal()")
    segment = _execute(cluster, f"SELECT pg_walfile_name('{position}')")
    return BackedUp(identifier, _major(cluster), segment, position)


def _await_archived(repository: Repository, clock: SystemClock) -> None:
    """Return as soon as the WAL that the backups need is archived.

    Raises:
        DatabaseUnreachable: It is not within a minute.
        Interrupted: A stop was requested.
    """
    ends = clock.monotonic() + _ARCHIVE_SECONDS
    while not any(repository.archive.glob(f"*/{repository.cluster.segment}-*")):
        if clock.monotonic() > ends:
            raise DatabaseUnreachable("the demo's server does not archive its WAL")
        clock.sleep(_POLL_SECONDS)


def _stop_when_the_terminal_closes(interrupt: Interrupt) -> None:
    """Treat SIGHUP as a stop, unless it is ignored on purpose (nohup)."""

    def stop(number: int, _frame: FrameType | None) -> None:
        interrupt.set(signal.Signals(number).name)

    if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
        signal.signal(signal.SIGHUP, stop)
