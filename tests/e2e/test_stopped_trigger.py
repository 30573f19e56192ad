"""A run that ends while others make its backup: what goes on is named, and taken up later.

They are a Kubernetes API with the Job of a CronJob and with CloudNativePG, and Amazon RDS.
What is stopped with the run, a dump, is told by ``test_stopped_backup.py``.
"""

from __future__ import annotations

import re
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from hook.clock import ABANDON_SECONDS
from hook.core.backups.cnpg import PLUGIN
from hook.demo.repository import STANZA
from hook.errors import ExitCode
from hook.settings.migrations import DEFAULT_LEDGER
from tests.testbed import in_pod
from tests.testbed.deployment import Deployment
from tests.testbed.gate_answer import told
from tests.testbed.kubernetes_api import FakeCluster, running_api
from tests.testbed.pgbackrest_repository import Repository
from tests.testbed.process import Completed, RunningPresync
from tests.testbed.rds_server import REGION, running_rds
from tests.testbed.run_context import eventually

CRONJOB = "/apis/batch/v1/namespaces/ops/cronjobs/backup"
CLUSTER = "/apis/postgresql.cnpg.io/v1/namespaces/ops/clusters/db"
JOB_ENDED = {"conditions": [{"type": "Complete", "status": "True"}]}
BACKUP_ENDED = {"phase": "completed"}
# Each is tried on a machine that was too slow for the one before.
DEADLINES = (5, 20, 60)


@dataclass(frozen=True, slots=True)
class Maker:
    """Who makes backups besides presync.

    Attributes:
        env: Of a run that has one made there, by the program *module*.
        made: Returns the names of those that were asked for, as presync tells them.
        finish: Lets them have ended well, and be in the storage, when somebody looks next.
    """

    env: Mapping[str, str]
    made: Callable[[], list[str]]
    finish: Callable[[], None]
    module: str = "hook"


@contextmanager
def in_kubernetes(
    trigger: str, status: Mapping[str, Any], deployment: Deployment, folder: Path
) -> Iterator[Maker]:
    """Have an API server, in front of a repository whose newest backup is old.

    Args:
        trigger: The setting.
        status: Of what was made there, once it has ended well.
        deployment: Whose database the repository is of.
        folder: For repository and service account.
    """
    repository = Repository.copy_to(folder / "repository")
    query = "SELECT system_identifier FROM pg_control_system()"
    ((identifier,),) = deployment.database.query(query)
    repository.belong_to(identifier)
    repository.stop_newest_at(datetime.now(UTC) - timedelta(hours=31))
    account = folder / "account"
    account.mkdir()
    with running_api(account) as api:
        template: dict[str, Any] = {"spec": {"template": {"spec": {"containers": []}}}}
        api.put(CRONJOB, spec={"jobTemplate": template})
        api.put(CLUSTER, spec={"plugins": [{"name": PLUGIN}]})

        def answer(method: str, path: str) -> None:
            if method == "GET" and path in api.objects and path not in {CRONJOB, CLUSTER}:
                repository.stop_newest_at(datetime.now(UTC))
                api.objects[path]["status"] = status

        def finish() -> None:
            api.answer = answer

        env = {
            "PRESYNC_BACKUP_SOURCE": f"pgbackrest:{repository.root}",
            "PRESYNC_BACKUP_STANZA": STANZA,
            "PRESYNC_ARCHIVE_POLICY": "off",
            "PRESYNC_MARKER_POLICY": "off",
            "PRESYNC_BACKUP_TRIGGER": trigger,
            "KUBERNETES_SERVICE_HOST": "127.0.0.1",
            "KUBERNETES_SERVICE_PORT": str(api.port),
            in_pod.FOLDER_VARIABLE: str(account),
        }
        yield Maker(env, lambda: _names_in(api), finish, in_pod.__name__)


def _names_in(api: FakeCluster) -> list[str]:
    paths = (path.split("/") for path in api.objects if path.split("/")[-2] in {"jobs", "backups"})
    return [f"{path[-2].removesuffix('s').title()} ops/{path[-1]}" for path in paths]


@contextmanager
def in_rds(deployment: Deployment) -> Iterator[Maker]:
    """Have an account in which the database is the instance ``shop``."""
    with running_rds() as rds:
        place = deployment.database.url.replace("127.0.0.1", rds.address, 1)
        env = {
            "PRESYNC_URL": f"{place}{'&' if '?' in place else '?'}hostaddr=127.0.0.1",
            "PRESYNC_BACKUP_SOURCE": "rds:shop",
            "PRESYNC_ARCHIVE_POLICY": "off",
            "PRESYNC_BACKUP_TRIGGER": "rds-snapshot",
            "AWS_ENDPOINT_URL_RDS": rds.endpoint,
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "AKIATEST",
            "AWS_SECRET_ACCESS_KEY": "canary",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            "NO_PROXY": "127.0.0.1",
        }
        yield Maker(env, lambda: [f"snapshot {name}" for name in rds.snapshots], rds.finish)


@pytest.fixture(params=["job", "backup", "snapshot"])
def maker(
    request: pytest.FixtureRequest, deployment: Deployment, tmp_path: Path
) -> Iterator[Maker]:
    """Return one of them; nothing is made there as yet."""
    makers = {
        "job": lambda: in_kubernetes("job:ops/backup", JOB_ENDED, deployment, tmp_path),
        "backup": lambda: in_kubernetes("cnpg:ops/db", BACKUP_ENDED, deployment, tmp_path),
        "snapshot": lambda: in_rds(deployment),
    }
    with makers[request.param]() as made:
        yield made


@dataclass(frozen=True, slots=True)
class Runs:
    """Runs of one release that have *maker* make their backup."""

    deployment: Deployment
    maker: Maker
    start_presync: Callable[..., RunningPresync]

    def start(self, **more: str) -> RunningPresync:
        """Start one with *more* environment."""
        env = self.deployment.env(**{**self.maker.env, **more})
        return self.start_presync(["run"], env, self.maker.module)

    def assert_ended(self, completed: Completed, code: ExitCode, reason: str) -> None:
        """See that *completed* tells what goes on, and has left nothing else behind."""
        (name,) = self.maker.made()
        assert completed.exit_code == code, completed.stderr
        report = completed.report
        verdict = report["verdict"]
        assert verdict.startswith(f"FAILED {int(code)} {code.name}: {reason} while {name} was made")
        assert verdict.endswith(", which is left to go on; database untouched")
        assert completed.events[-1]["verdict"] == verdict
        assert self.deployment.termination_log.read_text().splitlines()[0] == verdict
        (finding,) = report["stages"][-1]["findings"]
        assert finding["backup"] == name
        outlook = f"The next run takes up {name} as long as it is being made"
        assert outlook in finding["hint"]
        eventually(lambda: not self.deployment.has_sessions())
        names = f"SELECT to_regclass('t'), to_regclass('{DEFAULT_LEDGER}')"
        assert self.deployment.database.query(names) == [(None, None)]


@pytest.fixture
def runs(
    deployment: Deployment, maker: Maker, start_presync: Callable[..., RunningPresync]
) -> Runs:
    """Return runs of a release with a table in it."""
    deployment.release({"V1__t.sql": "CREATE TABLE t (id int)"})
    return Runs(deployment, maker, start_presync)


def test_stop_leaves_a_backup_that_the_next_run_takes_up(runs: Runs) -> None:
    """Nothing is begun twice, and the second run migrates behind the first one's backup."""
    running = runs.start()
    running.wait_for_event("backup.started")
    running.send_signal(signal.SIGTERM)
    runs.assert_ended(running.wait(ABANDON_SECONDS), ExitCode.INTERRUPTED, "SIGTERM received")
    names = runs.maker.made()
    runs.maker.finish()
    completed = runs.start().wait()
    assert completed.exit_code == ExitCode.OK, completed.stderr
    assert f"{names[0]} ran already, and ended" in told(completed, "trigger")
    assert runs.maker.made() == names
    assert [row[2] for row in runs.deployment.history()] == ["V1__t.sql"]


@pytest.mark.parametrize("maker", ["job"], indirect=True)
def test_deadline_leaves_the_backup_to_go_on(runs: Runs) -> None:
    """The time of the whole run is over first, and what was begun is no less named for that."""
    tried = (runs.start(PRESYNC_DEADLINE=f"{seconds}s").wait() for seconds in DEADLINES)
    completed = next(ended for ended in tried if ended.events_named("backup.started"))
    (used_up,) = re.findall(r"PRESYNC_DEADLINE \([ms0-9 ]+\) is used up", completed.stdout)[:1]
    runs.assert_ended(completed, ExitCode.BUDGET, used_up)
