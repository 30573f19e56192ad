"""Runs the tests of the engine on each PostgreSQL that is promised, or on those named.

``python -m tests.upstream.server_versions [MAJOR ...]``, where the versions that ``make test``
runs on, the installed and the embedded one, are left out unless they are named.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence

from hook.demo.programs import reachable, server_account
from tests.testbed.binaries import EMBEDDED, SWITCH, find_binaries
from tests.testbed.download import NotAvailable
from tests.testbed.process import ROOT
from tests.upstream.npm_servers import SUPPORTED, server_programs

# Whatever the engine asks of a server. The rest cannot tell one version from another, and
# whole processes are at work on the oldest and the newest one where faults strike them.
_TESTS = ("tests/integration",)
_OF_NO_VERSION = ("test_rds_gate", "test_dump_trigger", "test_backup_trigger", "test_testbed")


def main(arguments: Sequence[str]) -> int:
    """Run the tests on the *arguments*, or on all versions; return the exit status."""
    try:
        majors = list(map(int, arguments)) or _not_tested_anyway()
        results = [_passes(major) for major in majors]
    except NotAvailable as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0 if all(results) else 1


def _not_tested_anyway() -> list[int]:
    """Return all but those on which `.ci/run` runs all tests there are."""
    tested = [find_binaries(choice) for choice in (os.environ.get(SWITCH, ""), EMBEDDED)]
    for each in tested:
        sys.stdout.write(f"\n--- {each.describe()}: `make test` runs on it\n")
    return [major for major in SUPPORTED if major not in {each.major for each in tested}]


def _passes(major: int) -> bool:
    # Copied once, and not by each test, where the server's account cannot reach the cache.
    with reachable(server_programs(major), server_account()) as programs:
        version = find_binaries(str(programs)).version
        sys.stdout.write(f"\n--- PostgreSQL {version}\n")
        sys.stdout.flush()
        began = time.monotonic()
        ignored = [f"--ignore=tests/integration/{name}.py" for name in _OF_NO_VERSION]
        command = [sys.executable, "-m", "pytest", "-q", "-n", "4", *_TESTS, *ignored]
        environment = {**os.environ, SWITCH: str(programs)}
        status = subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode
    told = "passed" if status == 0 else f"FAILED ({status})"
    sys.stdout.write(f"--- PostgreSQL {version}: {told} in {time.monotonic() - began:.0f} s\n")
    return status == 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
