"""The memory of a whole run is bounded by its largest script, whatever that looks like."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.testbed.deployment import Deployment
from tests.testbed.process import ROOT

MIB = 1 << 20
TABLE = b"CREATE TABLE big (id int, note text);\n"


def _inserts() -> bytes:
    """Return rows in ASCII but for one character that takes four bytes wherever it stands."""
    note = b"'" + b"it''s a note; " * 25 + b"'"
    row = b"INSERT INTO big (id, note) VALUES (%d, " + note + b");\n"
    rows = b"".join(row % number for number in range(40_000))
    return TABLE + rows + "INSERT INTO big VALUES (0, '😀');\n".encode()


def _copy() -> bytes:
    rows = b"".join(b"%d\tit's a note of no great length\n" % number for number in range(700_000))
    return TABLE + b"COPY big FROM stdin;\n" + rows + b"\\.\n"


def _one_line() -> bytes:
    rows = b",".join(b"(%d,'%s')" % (number, b"x" * 1000) for number in range(20_000))
    return TABLE + b"INSERT INTO big VALUES " + rows + b";\n"


def _dollar_body() -> bytes:
    return b"DO $body$ BEGIN\n" + b"-- a long story: COMMIT;\n" * 800_000 + b"END $body$;\n"


def _latin_1(letters: bytes) -> bytes:
    """Return one statement in which each x of *letters* is one that is no UTF-8."""
    return _one_line().replace(letters, letters.replace(b"x", b"\xe4"))


# A tiny script is over before its run loads what watches it.
WATCHING = 2_000_000
# What each may take, in sizes of the script. libpq has a statement twice while it is sent, and
# how much of what was freed is used again differs from server to server.
SCRIPTS: dict[str, tuple[Callable[[], bytes], float]] = {
    "inserts": (_inserts, 2.5),
    "copy": (_copy, 2.5),
    "one line": (_one_line, 3.1),
    "dollar body": (_dollar_body, 3.1),
}


def peak_of(command: str, deployment: Deployment, **more: str) -> int:
    """Return the peak memory of *command*, which has to end well, in bytes.

    Args:
        command: With its flags.
        deployment: What it is run for.
        **more: Settings.
    """
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(ROOT),
        "HOME": str(deployment.folder),
        **deployment.env(**more),
    }
    # What watches the tests takes memory too.
    environment = {name: it for name, it in environment.items() if "COVERAGE" not in name}
    measured = [sys.executable, "-S", str(Path(ROOT) / "bench" / "measured.py")]
    done = subprocess.run(
        [*measured, sys.executable, "-m", "hook", *command.split()],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return round(float(done.stdout[-200:].split()[-1]) * MIB)


@pytest.mark.parametrize("name", SCRIPTS)
def test_memory_is_bounded_by_the_script(name: str, deployment: Deployment) -> None:
    """Beyond what a run with one tiny script takes."""
    make, factor = SCRIPTS[name]
    deployment.release({"V1__tiny.sql": "SELECT 1"})
    tiny = peak_of("run", deployment) + WATCHING
    script = make()
    assert len(script) > 15 * MIB
    deployment.release({"V2__big.sql": script})
    assert (peak_of("run", deployment) - tiny) / len(script) < factor
    assert [row[1] for row in deployment.history()] == ["1", "2"]


@pytest.mark.parametrize(
    ("letters", "factor"), [(b"'xx", 3.1), (b"xx", 3.2)], ids=["few", "nearly all"]
)
def test_memory_is_bounded_by_the_text_of_another_encoding(
    letters: bytes, factor: float, deployment: Deployment
) -> None:
    """It is sent as UTF-8, and held once, as that: up to twice the file."""
    deployment.release({"V1__tiny.sql": "SELECT 1"})
    tiny = peak_of("run", deployment) + WATCHING
    script = _latin_1(letters)
    deployment.release({"V2__big.sql": script})
    peak = peak_of("run", deployment, FLYWAY_ENCODING="ISO-8859-1")
    assert (peak - tiny) / len(script.decode("latin-1").encode()) < factor


def test_memory_of_a_script_of_200_mb_is_that_of_its_messages(deployment: Deployment) -> None:
    """It is read piece by piece until it runs, and then held once."""
    deployment.release({"V1__tiny.sql": "SELECT 1"})
    tiny = peak_of("run", deployment) + WATCHING
    row = b"x" * 8_000 + b"\n"
    script = b"CREATE TABLE big (t text);\nCOPY big FROM stdin;\n" + row * 25_000 + b"\\.\n"
    assert len(script) > 200_000_000
    deployment.release({"V2__big.sql": script})
    assert (peak_of("run", deployment) - tiny) / len(script) < 1.5
    assert deployment.database.query("SELECT count(*), sum(length(t)) FROM big") == [
        (25_000, 200_000_000)
    ]


def test_memory_of_a_group_is_bounded_by_its_largest_script(deployment: Deployment) -> None:
    """What was sent of the transaction is not held until its end."""
    deployment.release({"V1__tiny.sql": "SELECT 1"})
    tiny = peak_of("run", deployment) + WATCHING
    first, second = _inserts(), _one_line()[len(TABLE) :]
    deployment.release({"V2__a.sql": first, "V3__b.sql": second})
    peak = peak_of("run", deployment, FLYWAY_GROUP="true")
    assert (peak - tiny) / max(len(first), len(second)) < SCRIPTS["one line"][1]


@pytest.mark.parametrize("name", ["copy", "one line"])
@pytest.mark.parametrize("form", ["json", "text"])
def test_memory_of_a_plan_as_sql_is_bounded_by_the_script(
    name: str, form: str, deployment: Deployment
) -> None:
    """It is shown as it is made, in either form."""
    deployment.release({"V1__tiny.sql": "SELECT 1"})
    tiny = peak_of("run", deployment) + WATCHING
    script = SCRIPTS[name][0]()
    deployment.release({"V2__big.sql": script})
    assert (peak_of(f"plan --sql --format {form}", deployment) - tiny) / len(script) < 2.5


def test_memory_of_many_tiny_statements_is_bounded(deployment: Deployment) -> None:
    """What is kept of each is no more than it is long. No server is asked: it would take longer."""
    deployment.release({"V1__tiny.sql": "SELECT;"})
    tiny = peak_of("lint", deployment)
    script = b"SELECT;" * 400_000
    deployment.release({"V2__big.sql": script})
    assert (peak_of("lint", deployment) - tiny) / len(script) < 3


def test_ten_thousand_scripts_are_looked_at_in_little_memory(deployment: Deployment) -> None:
    """What is kept of a script that is not running is some hundred bytes, not its text."""
    names = (f"V{number}__a_script_with_a_name.sql" for number in range(1, 10_001))
    deployment.release(dict.fromkeys(names, "CREATE TABLE IF NOT EXISTS t (id int);\n"))
    assert peak_of("plan", deployment) < 110 * MIB
    assert peak_of("info", deployment) < 100 * MIB
