"""What large scripts and many scripts cost, beside psql.

Starts a throw-away PostgreSQL and applies each release to a database of its own, with
psql and with presync in turn, five times unless it takes minutes, and prints medians. For
many scripts psql runs one session with a transaction and a history row each. Takes long;
``bench/large.py inserts copy`` runs what is named.
"""

from __future__ import annotations

import shutil
import statistics
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from bench.noop import Cost, environment, measure  # noqa: E402 - found from the line above
from tests.testbed.binaries import find_binaries  # noqa: E402 - likewise
from tests.testbed.database import created_database  # noqa: E402 - likewise
from tests.testbed.postgres_server import PostgresServer, running_server  # noqa: E402 - likewise

MEGABYTE = 1_000_000
MIB = 1 << 20
TABLE = b"CREATE TABLE big (id bigint, name text, note text);\n"
ROW = b"INSERT INTO history (script) VALUES ('x');\n"


class Case(NamedTuple):
    """A release: *scripts* scripts of *size* bytes, made of *pieces*, which are endless.

    Attributes:
        settings: Of presync; psql has none for them.
        rounds: How often it is applied by each.
    """

    name: str
    size: int
    pieces: Callable[[], Iterator[bytes]]
    head: bytes = TABLE
    tail: bytes = b""
    scripts: int = 1
    settings: tuple[tuple[str, str], ...] = ()
    rounds: int = 5


def rows(pattern: bytes) -> Callable[[], Iterator[bytes]]:
    """Return a maker of *pattern* with 1, 2, 3 … in it."""

    def make() -> Iterator[bytes]:
        number = 0
        while True:
            number += 1
            yield pattern.replace(b"%d", b"%d" % number)

    return make


INSERT = b"INSERT INTO big VALUES (%d, 'customer number %d', 'it''s a note of no great length');\n"
COPY = b"%d\tcustomer number %d\tit's a note of no great length\n"
TUPLE = b",(%d, 'customer number %d', 'it''s a note of no great length')"
INTO = TABLE + b"INSERT INTO big VALUES (0, '', '')"
FROM_STDIN = TABLE + b"COPY big FROM stdin;\n"
CASES = {
    "inserts": Case("20 MB of INSERTs", 20 * MEGABYTE, rows(INSERT)),
    "copy": Case("20 MB in a COPY block", 20 * MEGABYTE, rows(COPY), FROM_STDIN, b"\\.\n"),
    "line": Case("one line of 20 MB", 20 * MEGABYTE, rows(TUPLE), INTO, b";\n"),
    "body": Case("a body of 20 MB", 20 * MEGABYTE, rows(b"-- %d\n"), b"DO $$BEGIN\n", b"END$$;\n"),
    "tiny": Case("5 MB of tiny statements", 5 * MEGABYTE, rows(b"SELECT 1;\n")),
    "group": Case(
        "a group of two, 20 MB each",
        20 * MEGABYTE,
        rows(INSERT),
        TABLE.replace(b"TABLE", b"TABLE IF NOT EXISTS"),
        scripts=2,
        settings=(("FLYWAY_GROUP", "true"),),
    ),
    "inserts200": Case("200 MB of INSERTs", 200 * MEGABYTE, rows(INSERT), rounds=1),
    "copy200": Case(
        "200 MB in a COPY block", 200 * MEGABYTE, rows(COPY), FROM_STDIN, b"\\.\n", rounds=1
    ),
    "scripts1000": Case(
        "1,000 scripts", 0, rows(b""), b"CREATE TABLE t%d (id bigint);\n", b"", 1000
    ),
    "scripts5000": Case(
        "5,000 scripts", 0, rows(b""), b"CREATE TABLE t%d (id bigint);\n", b"", 5000
    ),
    "scripts10000": Case(
        "10,000 scripts", 0, rows(b""), b"CREATE TABLE t%d (id bigint);\n", b"", 10_000, rounds=1
    ),
}


def write_release(case: Case, folder: Path) -> int:
    """Write the scripts of *case* into *folder*; return the size of the largest."""
    largest = 0
    for number in range(1, case.scripts + 1):
        path = folder / f"V{number}__script.sql"
        with path.open("wb") as file:
            written = file.write(case.head.replace(b"%d", b"%d" % number))
            pieces = case.pieces()
            while written < case.size:
                written += file.write(next(pieces))
            largest = max(largest, written + file.write(case.tail))
    return largest


def psql_input(case: Case, folder: Path) -> Path:
    """Return the file for psql: the script itself, or all of them with rows of a history."""
    if case.scripts == 1:
        return folder / "V1__script.sql"
    path = folder.parent / "all.sql"
    with path.open("wb") as file:
        file.write(b"CREATE TABLE history (script text);\n")
        for number in range(1, case.scripts + 1):
            script = (folder / f"V{number}__script.sql").read_bytes()
            file.writelines((b"BEGIN;\n", script, ROW, b"COMMIT;\n"))
    return path


class Round(NamedTuple):
    """What one release cost; *plan* is before it is applied and *look*, `info`, afterwards."""

    psql: Cost
    plan: Cost
    presync: Cost
    look: Cost


class Line(NamedTuple):
    """A release, the size of its largest script, and what it cost each time."""

    name: str
    size: int
    rounds: list[Round]


def compare(server: PostgresServer, case: Case) -> Line:
    """Apply *case* with either in turn, each time to an empty database."""
    with TemporaryDirectory() as root:
        folder = Path(root) / "sql"
        folder.mkdir()
        size = write_release(case, folder)
        script = psql_input(case, folder)
        rounds = [apply(server, case, folder, script) for _ in range(case.rounds)]
    return Line(case.name, size, rounds)


def apply(server: PostgresServer, case: Case, folder: Path, script: Path) -> Round:
    """Apply *case*, which is in *folder* and for psql in *script*, with both."""
    presync = [sys.executable, "-m", "hook"]
    with created_database(server) as database:
        psql = ["psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-f", str(script), database.url]
        by_psql = measure(psql, environment(database.url))
    with created_database(server) as database:
        env = environment(database.url) | {
            "PRESYNC_LOCATIONS": str(folder),
            "PRESYNC_BACKUP_SOURCE": "none",
            **dict(case.settings),
        }
        costs = [measure([*presync, command], env) for command in ("plan", "run", "info")]
    return Round(by_psql, *costs)


def median(costs: list[Cost]) -> Cost:
    """Return the medians of *costs*."""
    return Cost(*(statistics.median(column) for column in zip(*costs, strict=True)))


def render(line: Line) -> str:
    """Return *line* as a row of Markdown; the ratio is the median of those of each round."""
    ratio = statistics.median(item.presync.wall / item.psql.wall for item in line.rounds)
    psql, plan, presync, look = (median(list(costs)) for costs in zip(*line.rounds, strict=True))
    more = (presync.peak - look.peak) * MIB
    share = f"{more / line.size:.1f}" if line.size > MEGABYTE else "-"
    return (
        f"| {line.name} | {psql.wall:.1f} | {presync.wall:.1f} | {ratio:.2f}"
        f" | {psql.cpu:.1f} | {presync.cpu:.1f} | {presync.peak:.0f} | {share}"
        f" | {plan.cpu:.2f} | {look.cpu:.2f} | {look.peak:.0f} |"
    )


HEADER = """
| release | psql s | run s | ratio | psql CPU | CPU s | MiB | per byte | plan CPU | info CPU | MiB |
|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|
""".strip()

if __name__ == "__main__":
    if shutil.which("psql") is None:
        sys.exit("psql is needed to compare with")
    print(HEADER)
    with running_server(find_binaries("")) as running:
        for key in sys.argv[1:] or CASES:
            print(render(compare(running, CASES[key])), flush=True)
