"""The backups that a command lists, and a Job of Kubernetes that is to make one."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from tests.faults.holds import Arrive, Ground
from tests.testbed.in_pod import FOLDER_VARIABLE
from tests.testbed.kubernetes_api import running_api
from tests.testbed.process import RunningPresync

_CRONJOB = "/apis/batch/v1/namespaces/ops/cronjobs/backup"
FRESH, STALE = timedelta(minutes=10), timedelta(hours=31)


def write_listing(folder: Path, database: str, age: timedelta) -> None:
    """Write what lists a backup of *age*, behind the pipe at which it may be kept."""
    ended = datetime.now(UTC) - age
    began = ended - timedelta(minutes=10)
    times = {"started_at": began.isoformat(), "stopped_at": ended.isoformat()}
    backup = {"label": "b", "type": "dump", **times, "error": False}
    listed = json.dumps({"databases": [database], "backups": [backup]})
    wait = f"if [ -p {folder}/gate ]; then touch {folder}/reached; cat {folder}/gate; fi"
    command = folder / "backups"
    command.write_text(f"#!/bin/sh\n{wait}\necho '{listed}'\n")
    command.chmod(0o755)


@contextlib.contextmanager
def job_at_work(ground: Ground) -> Iterator[Arrive]:
    """Let the backup be too old, and the Job that makes another one take its time."""
    account = ground.folder / "account"
    account.mkdir()
    write_listing(ground.folder, ground.database.name, STALE)
    with running_api(account) as api:
        template: dict[str, Any] = {"spec": {"template": {"spec": {"containers": []}}}}
        api.put(_CRONJOB, spec={"jobTemplate": template})
        ground.env.update(
            {
                "PRESYNC_BACKUP_TRIGGER": "job:ops/backup",
                "KUBERNETES_SERVICE_HOST": "127.0.0.1",
                "KUBERNETES_SERVICE_PORT": str(api.port),
                FOLDER_VARIABLE: str(account),
            }
        )
        yield _wait_for_job
    write_listing(ground.folder, ground.database.name, FRESH)


def _wait_for_job(running: RunningPresync) -> None:
    running.wait_for_event("backup.started")
