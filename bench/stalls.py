"""What a migration costs the clients of the table that it alters, beside Flyway and psql.

Fifty clients of pgbench work on a table while somebody sits in a transaction that has read
it, and a migration wants to add a column. Needs psql and pgbench, for Flyway Java and Maven
too; takes some four minutes. ``bench/stalls.py presync psql`` runs what is named.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.noop import environment, presync  # noqa: E402 - found from the line above
from hook.errors import ExitCode  # noqa: E402 - likewise
from tests.interop.flyway_jars import VERSIONS  # noqa: E402 - likewise
from tests.interop.flyway_process import running_flyway  # noqa: E402 - likewise
from tests.testbed.binaries import find_binaries  # noqa: E402 - likewise
from tests.testbed.database import Database, created_database  # noqa: E402 - likewise
from tests.testbed.postgres_server import PostgresServer, running_server  # noqa: E402 - likewise

CLIENTS = 50
# All together, a second: what two cores do with ease, so that a late answer is a stall.
RATE = 500
SECONDS = 40
# From the start of the clients on, in seconds.
MIGRATES_AT, HOLDER_LEAVES_AT = 5, 25
TABLE = """
CREATE TABLE accounts (id int PRIMARY KEY, balance int NOT NULL);
INSERT INTO accounts SELECT n, 0 FROM generate_series(1, 10000) AS n;
"""
ALTER = "ALTER TABLE accounts ADD COLUMN note text;\n"
WORK = """
\\set id random(1, 10000)
SELECT balance FROM accounts WHERE id = :id;
UPDATE accounts SET balance = balance + 1 WHERE id = :id;
"""
MICROSECONDS = 1_000_000


class Candidate(NamedTuple):
    """A way to run a release; *run* returns how it ended."""

    name: str
    run: Callable[[Database, Path], str]


class Line(NamedTuple):
    """What the clients met, in seconds, and how the migration ended after how many."""

    name: str
    median: float
    p99: float
    longest: float
    late: int
    ending: str
    took: float


def by_psql(database: Database, folder: Path) -> str:
    """Run the script with psql, which knows no timeout."""
    script = str(folder / "V1__note.sql")
    command = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", script, database.url]
    code = subprocess.run(command, capture_output=True, check=False).returncode
    return f"exit code {code}"


def by_presync(**settings: str) -> Callable[[Database, Path], str]:
    """Return what runs the release with presync, with these *settings* of its waits."""

    def run(database: Database, folder: Path) -> str:
        env = environment(database.url) | {
            "PRESYNC_LOCATIONS": str(folder),
            "PRESYNC_BACKUP_SOURCE": "none",
            "PRESYNC_ALLOW_BASELINE": "true",
            "FLYWAY_BASELINE_ON_MIGRATE": "true",
            "FLYWAY_BASELINE_VERSION": "0",
            **settings,
        }
        done = subprocess.run(presync(), env=env, capture_output=True, text=True, check=False)
        if done.returncode not in {ExitCode.OK, ExitCode.CONTENTION}:
            sys.exit(done.stderr)
        return f"exit code {done.returncode}"

    return run


@contextmanager
def flyway_candidate() -> Iterator[Candidate]:
    """Yield Flyway, its JVM running, so that none of its start is measured."""
    with running_flyway(VERSIONS[-1]) as flyway:

        def run(database: Database, folder: Path) -> str:
            server = database.server
            settings = {
                "FLYWAY_URL": f"jdbc:postgresql://{server.host}:{server.port}/{database.name}",
                "FLYWAY_USER": server.superuser,
                "FLYWAY_LOCATIONS": f"filesystem:{folder}",
                "FLYWAY_BASELINE_ON_MIGRATE": "true",
                "FLYWAY_BASELINE_VERSION": "0",
            }
            answer = flyway.run("migrate", settings, seconds=10 * SECONDS)
            return "exit code 0" if answer.accepted else answer.error

        yield Candidate(f"Flyway {VERSIONS[-1]}", run)


@contextmanager
def candidates(names: Sequence[str]) -> Iterator[list[Candidate]]:
    """Yield those that are named, all for none."""
    unguarded = by_presync(PRESYNC_BLOCKERS_POLICY="off")
    known = {
        "none": Candidate("no migration", lambda _database, _folder: "-"),
        "presync": Candidate("presync", by_presync()),
        "unguarded": Candidate("presync, blockers gate off", unguarded),
        "psql": Candidate("psql", by_psql),
    }
    wanted = names or (*known, "flyway")
    with ExitStack() as stack:
        if "flyway" in wanted:
            known["flyway"] = stack.enter_context(flyway_candidate())
        yield [known[name] for name in wanted]


def run_clients(database: Database, folder: Path) -> None:
    """Let the clients work; what each of their transactions took goes to files in *folder*."""
    script = folder / "work.sql"
    script.write_text(WORK)
    command = [
        "pgbench", "--no-vacuum", "--file", str(script), "--client", str(CLIENTS), "--jobs", "2",
        "--rate", str(RATE), "--time", str(SECONDS), "--log",
        "--log-prefix", str(folder / "clients"), database.url,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"pgbench: exit code {done.returncode}\n{done.stderr}")


def read_log(folder: Path) -> tuple[list[float], list[float]]:
    """Return the latencies of all transactions and their times without the wait for a client.

    A latency begins when the transaction was due, so that work counts which is late because
    every client is stuck; the other is what one client waited for one transaction.
    """
    latencies, times = [], []
    for path in folder.glob("clients.*"):
        for line in path.read_text().splitlines():
            fields = line.split()
            latency, lag = float(fields[2]), float(fields[6])
            latencies.append(latency / MICROSECONDS)
            times.append((latency - lag) / MICROSECONDS)
    return sorted(latencies), times


def measure(server: PostgresServer, candidate: Candidate) -> Line:
    """Let *candidate* migrate a database under load."""
    with created_database(server) as database, TemporaryDirectory() as root:
        database.execute(TABLE)
        release = Path(root) / "sql"
        release.mkdir()
        (release / "V1__note.sql").write_text(ALTER)
        clients = threading.Thread(target=run_clients, args=(database, Path(root)))
        with database.connect(autocommit=False) as holder:
            holder.execute("SELECT balance FROM accounts WHERE id = 1")
            clients.start()
            time.sleep(MIGRATES_AT)
            leaving = threading.Timer(HOLDER_LEAVES_AT - MIGRATES_AT, holder.rollback)
            leaving.start()
            began = time.monotonic()
            ending = candidate.run(database, release)
            took = time.monotonic() - began
            leaving.join()
        clients.join()
        latencies, times = read_log(Path(root))
    return Line(
        candidate.name,
        latencies[len(latencies) // 2],
        latencies[len(latencies) * 99 // 100],
        max(times),
        sum(item > 1 for item in latencies),
        ending,
        took,
    )


def render(line: Line) -> str:
    """Return *line* as a row of Markdown."""
    milliseconds = " | ".join(f"{item * 1e3:.0f}" for item in line[1:4])
    return f"| {line.name} | {milliseconds} | {line.late} | {line.ending} | {line.took:.1f} |"


HEADER = """
| migrated by | median ms | p99 ms | longest stall ms | later than 1 s | ended with | after s |
|---|---:|---:|---:|---:|---|---:|
""".strip()

if __name__ == "__main__":
    for program in ("psql", "pgbench"):
        if shutil.which(program) is None:
            sys.exit(f"{program} is needed")
    print(HEADER)
    with running_server(find_binaries("")) as running, candidates(sys.argv[1:]) as chosen:
        for each in chosen:
            print(render(measure(running, each)), flush=True)
