"""A run that is given something bad, and everything that is promised of its end."""

from __future__ import annotations

import contextlib
import json
import re
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from hook.errors import ExitCode
from tests.testbed.database import Role
from tests.testbed.deployment import Deployment
from tests.testbed.process import ROOT, Completed, RunningPresync, command_lines
from tests.testbed.run_context import eventually
from tests.testbed.s3_server import SECRET_KEY

CANARY = "c4nary-p4ssword"
S3_CANARY = "c4nary-s3cret"
_PEAK = re.compile(r"VmHWM:\s+(\d+) kB")
UNTOUCHED = "; database untouched"
_FINGERPRINT = """
SELECT 'relation', n.nspname || '.' || c.relname, c.relfilenode::text || ' ' || c.xmin::text
FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname !~ '^pg_(toast|temp)' AND n.nspname NOT IN ('pg_catalog', 'information_schema')
UNION ALL SELECT 'schema', nspname, xmin::text FROM pg_namespace
UNION ALL SELECT 'function', proname, xmin::text FROM pg_proc WHERE oid >= 16384
UNION ALL SELECT 'row', script, xmin::text FROM flyway_schema_history
ORDER BY 1, 2, 3
"""


def memory_of_the_pod() -> int:
    """Return how many MiB the manifest gives a run."""
    manifest = (ROOT / "manifests" / "base" / "job.yaml").read_text()
    (limit,) = re.findall(r"limits: {memory: ([0-9]+)Mi", manifest)
    return int(limit)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The end that is expected.

    Attributes:
        named: What the verdict names.
        state: How the verdict ends.
        hint: What the next step speaks of.
    """

    code: ExitCode
    named: str
    state: str = UNTOUCHED
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Runs presync on *deployment* as *role*, whose password is the canary."""

    deployment: Deployment
    role: Role
    start: Callable[..., RunningPresync]

    def env(self, **more: str) -> dict[str, str]:
        """Return the environment of a run that would pass, and *more* of it."""
        database = self.deployment.database
        return self.deployment.env(**{"PRESYNC_URL": database.url_for(self.role), **more})

    def run(self, command: str = "run", **more: str) -> Completed:
        """Return how *command* ended, with *more* environment."""
        return self.start([command], self.env(**more)).wait()

    def assert_refused(self, expected: Refusal, environment: Mapping[str, str]) -> int:
        """Run with *environment* and check everything that is promised of a refusal.

        Returns the memory that the process took at its peak, in MiB.
        """
        database = self.deployment.database
        before = database.query(_FINGERPRINT)
        running = self.start(["run"], self.env(**environment))
        shown, peak = _watch(running)
        done = running.wait()
        assert done.exit_code == expected.code, done.stderr
        verdict = done.report["verdict"]
        assert len(verdict) <= 160
        assert verdict.isprintable()
        assert expected.named in verdict
        assert verdict.endswith(expected.state)
        self._assert_told_everywhere(done, verdict, expected.hint)
        self._assert_secret(done, shown)
        assert database.query(_FINGERPRINT) == before
        # A backend outlives its client by a moment.
        eventually(lambda: not self.deployment.has_sessions())
        return peak

    def _assert_told_everywhere(self, done: Completed, verdict: str, hint: str) -> None:
        last = done.events[-1]
        assert last["event"] == "run.finished"
        assert last["message"] == last["verdict"] == verdict
        assert json.loads(self.deployment.report.read_text()) == done.report
        message = self.deployment.termination_log.read_bytes()
        assert len(message) <= 4096
        assert message.decode().splitlines()[0] == verdict
        findings = [item for stage in done.report["stages"] for item in stage["findings"]]
        deciding = [item for item in findings if item["code"] == done.report["code"]]
        assert any(item["hint"] and hint in item["hint"] for item in deciding), deciding
        assert "Traceback" not in done.stdout + done.stderr

    def _assert_secret(self, done: Completed, shown: str) -> None:
        written = done.stdout + done.stderr + self.deployment.report.read_text()
        written += self.deployment.termination_log.read_text()
        for canary in (CANARY, S3_CANARY):
            assert canary not in written + shown
        # The S3 server itself is given its key on its command line.
        assert SECRET_KEY not in written


def _watch(running: RunningPresync) -> tuple[str, int]:
    """Return every command line of the machine while the process runs, and its peak in MiB."""
    seen: set[str] = set()
    peak = 0
    status = Path(f"/proc/{running.process.pid}/status")
    while running.process.poll() is None:
        with contextlib.suppress(OSError):
            # A process that has ended has no memory any more.
            peak = max(peak, *map(int, _PEAK.findall(status.read_text())), 0)
        seen.update(command_lines().values())
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.process.wait(0.05)
    return "\n".join(seen), peak // 1024
