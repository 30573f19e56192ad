"""What a run with nothing to do costs, beside psql and the driver alone.

Starts a throw-away PostgreSQL, applies ``migrations/`` to it, and then runs each
candidate in turn, so that a busy machine slows all of them alike. Prints medians.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.testbed.binaries import find_binaries  # noqa: E402 - found from the line above
from tests.testbed.database import created_database  # noqa: E402 - likewise
from tests.testbed.postgres_server import running_server  # noqa: E402 - likewise
from tests.testbed.proxy import Proxy, running_proxy  # noqa: E402 - likewise

RUNS = 15
DRIVER = "psycopg alone"
QUERY = 'import psycopg, sys; psycopg.connect(sys.argv[1]).execute("SELECT 1").fetchall()'
# Ends with the first line of the log, in the place of writing it.
FIRST_LINE = """
import io, os, sys
from hook.cli import main

class End(io.StringIO):
    def write(self, text):
        os._exit(0)

sys.stderr = End()
main()
"""


class Cost(NamedTuple):
    """What one process cost: seconds, and MiB at its peak."""

    wall: float
    cpu: float
    peak: float


class Line(NamedTuple):
    """A candidate's medians, and its round trips after the login."""

    name: str
    cost: Cost
    round_trips: int


def measure(command: Sequence[str], env: Mapping[str, str]) -> Cost:
    """Run *command* to its end; the figures are the operating system's own."""
    measured = [sys.executable, "-S", str(ROOT / "bench" / "measured.py"), *command]
    done = subprocess.run(measured, env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}: exit code {done.returncode}\n{done.stderr}")
    return Cost(*map(float, done.stdout.split()))


def count_round_trips(proxy: Proxy, command: Sequence[str], env: Mapping[str, str]) -> int:
    """Return how often the server was waited for once the login was over."""
    before = len(proxy.conversations)
    measure(command, env)
    return sum(item.answers - 1 for item in proxy.conversations[before:])


@contextmanager
def migrated_server() -> Iterator[tuple[str, Proxy]]:
    """Run a server whose database has all migrations; yield its URL and a way to watch it."""
    with ExitStack() as stack:
        server = stack.enter_context(running_server(find_binaries("")))
        database = stack.enter_context(created_database(server))
        measure(presync(), environment(database.url) | {"PRESYNC_BACKUP_SOURCE": "none"})
        yield database.url, stack.enter_context(running_proxy(server))


def presync() -> list[str]:
    """Return the command line of a manifest."""
    return [sys.executable, "-m", "hook", "run"]


def environment(url: str) -> dict[str, str]:
    """Return the environment of a Job; Python may keep its bytecode, as in the image."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(ROOT),
        "PRESYNC_URL": url,
        "PRESYNC_LOCATIONS": str(ROOT / "migrations"),
    }


def candidates(url: str) -> dict[str, list[str]]:
    """Return the command lines to compare, by name."""
    found = {"psql": ["psql", "-X", url, "-c", "select 1"]} if shutil.which("psql") else {}
    ours = {
        "presync run, to its first line": [sys.executable, "-c", FIRST_LINE, "run"],
        "presync run": presync(),
    }
    return found | {DRIVER: [sys.executable, "-c", QUERY, url]} | ours


def compare(url: str, proxy: Proxy) -> list[Line]:
    """Run the candidates in turn; the first round only warms up."""
    costs: dict[str, list[Cost]] = {name: [] for name in candidates(url)}
    for number in range(RUNS + 1):
        for name, command in candidates(url).items():
            cost = measure(command, environment(url))
            costs[name] += [cost] if number else []
    dbname = url.rpartition("/")[2].partition("?")[0]
    watched = f"postgresql://postgres@127.0.0.1:{proxy.port}/{dbname}?sslmode=disable"
    return [
        Line(
            name,
            Cost(*(statistics.median(column) for column in zip(*costs[name], strict=True))),
            count_round_trips(proxy, command, environment(watched)),
        )
        for name, command in candidates(watched).items()
    ]


def render(lines: Sequence[Line]) -> str:
    """Return *lines* as a table of Markdown."""
    base = next(line.cost.cpu for line in lines if line.name == DRIVER)
    rows = [
        "| process | wall ms | CPU ms | CPU ratio | peak MiB | round trips |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, cost, round_trips in lines:
        times = f"{cost.wall * 1e3:.0f} | {cost.cpu * 1e3:.0f} | {cost.cpu / base:.2f}"
        rows.append(f"| {name} | {times} | {cost.peak:.0f} | {round_trips} |")
    return "\n".join(rows)


if __name__ == "__main__":
    with migrated_server() as (address, watcher):
        print(render(compare(address, watcher)))
