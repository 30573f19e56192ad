"""The commands of the documentation, run as they are printed."""

from __future__ import annotations

import re
import subprocess

from tests.cluster.rollout import BY_HAND, MakeRelease, Rollout
from tests.testbed.database import Database
from tests.testbed.process import ROOT


def _commands(namespace: str) -> str:
    """Return the commands of the section "By hand", for *namespace*."""
    section = (ROOT / "manifests" / "README.md").read_text().partition("## By hand")[2]
    (commands,) = re.findall(r"^```sh\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    return str(commands).replace("-n shop", f"-n {namespace}")


def test_job_by_hand_is_run_as_documented(
    rollout: Rollout, release: MakeRelease, database: Database
) -> None:
    """Naming it, applying it, following its log and asking for the result all work."""
    rollout.render(release(), BY_HAND)
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", _commands(rollout.namespace)],
        capture_output=True, text=True, check=False, timeout=180,
        cwd=rollout.folder, env=rollout.kubectl.environment,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "PASSED 0 OK: 8 applied" in done.stdout
    (name,) = set(re.findall(r"db-migration-manual-\d{14}", done.stdout))
    assert rollout.outcome(name).condition == "Complete"
    assert database.query("SELECT count(*) FROM flyway_schema_history WHERE success") == [(8,)]


def test_job_by_hand_runs_beside_the_hook(rollout: Rollout, release: MakeRelease) -> None:
    """Both exist at the same time, each with an account and a network policy of its own."""
    rollout.sync(release())
    rollout.kubectl.apply(rollout.render(release(), BY_HAND).replace("manual-NAME", "manual-1"))
    names = ("db-migration", "db-migration-manual-1")
    assert [rollout.outcome(name).condition for name in names] == ["Complete"] * 2
    place = f"--namespace={rollout.namespace}"
    accounts = rollout.kubectl.get(place, "serviceaccounts")["items"]
    found = {account["metadata"]["name"] for account in accounts}
    assert {"db-migration", "db-migration-manual"} <= found
