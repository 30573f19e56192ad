"""How the Job ends, and what the API server then tells Argo CD."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hook.demo.repository import STANZA, BackedUp, Repository
from hook.errors import ExitCode
from tests.cluster.forwarder import Address, forwarded
from tests.cluster.node import ADDRESS
from tests.cluster.rollout import MakeRelease, Rollout
from tests.testbed.database import Database
from tests.testbed.pgbackrest_repository import SAMPLES
from tests.testbed.process import ROOT
from tests.testbed.s3_server import ACCESS_KEY, SECRET_KEY, running_s3

_BACK_OFF_LIMIT = "Job has reached the specified backoff limit"
_S3 = Address(ADDRESS, 9000)


@pytest.fixture
def backups(database: Database, tmp_path: Path) -> Iterator[Callable[[timedelta], dict[str, str]]]:
    """Return ``backups(age) -> settings``: a repository on S3 whose newest backup is that old."""
    root = tmp_path / "s3"
    root.mkdir()

    def lay(age: timedelta) -> dict[str, str]:
        ((identifier, major),) = database.query(
            "SELECT system_identifier, current_setting('server_version_num')::int / 10000"
            " FROM pg_control_system()"
        )
        cluster = BackedUp(str(identifier), str(major), "000000010000000000000001", "0/1000060")
        repository = Repository(SAMPLES / "small-repo", root / "backups", cluster)
        now = datetime.now(UTC)
        repository.copy_all(now - age - timedelta(days=1))
        repository.add_full_backup(now - age)
        return {
            "PRESYNC_BACKUP_SOURCE": "pgbackrest:s3://backups",
            "PRESYNC_BACKUP_STANZA": STANZA,
            # The server of these tests archives nothing.
            "PRESYNC_ARCHIVE_POLICY": "off",
            "PRESYNC_MARKER_POLICY": "off",
            "AWS_ENDPOINT_URL_S3": f"http://{_S3.host}:{_S3.port}",
            "AWS_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
        }

    with running_s3(root) as url, forwarded(_S3, Address("127.0.0.1", int(url.rpartition(":")[2]))):
        yield lay


def _history(database: Database) -> list[tuple[object, ...]]:
    query = "SELECT script, success FROM flyway_schema_history ORDER BY installed_rank"
    return database.query(query)


def test_release_is_applied_and_the_job_complete(
    rollout: Rollout,
    release: MakeRelease,
    database: Database,
    backups: Callable[[timedelta], dict[str, str]],
) -> None:
    """One pod migrates behind a fresh backup; its last word is the verdict of its log."""
    rollout.sync(release(env=backups(timedelta(hours=2))))
    assert rollout.outcome().condition == "Complete"
    attempt = rollout.attempt()
    assert attempt.exit_code == ExitCode.OK
    assert attempt.message.startswith("PASSED 0 OK: 8 applied")
    last = rollout.log(attempt.name)[-1]
    assert (last["event"], last["verdict"]) == ("run.finished", attempt.message.splitlines()[0])
    scripts = sorted(path.name for path in (ROOT / "migrations").iterdir())
    # Versioned ones in order, repeatable ones after them.
    assert _history(database) == [(name, True) for name in sorted(scripts, key=_order)]


def _order(script: str) -> tuple[bool, str]:
    return script.startswith("R"), script


def test_log_tells_pod_and_job(rollout: Rollout, release: MakeRelease) -> None:
    """The downward API gives the names and the identity under which the cluster knows the run."""
    rollout.sync(release())
    assert rollout.outcome().condition == "Complete"
    job, pod = rollout.job(), rollout.attempt().name
    (told,) = [event for event in rollout.log(pod) if event["event"] == "settings.read"]
    expected = {
        "pod": pod,
        "namespace": rollout.namespace,
        "job": job["metadata"]["name"],
        "job_uid": job["metadata"]["uid"],
    }
    assert expected.items() <= told.items()


def test_next_sync_has_nothing_to_do(
    rollout: Rollout, release: MakeRelease, database: Database
) -> None:
    """The hook of the next sync takes the place of the old one and changes nothing."""
    rollout.sync(release())
    assert rollout.outcome().condition == "Complete"
    first, history = rollout.attempt().name, _history(database)
    rollout.sync(release())
    assert rollout.outcome().condition == "Complete"
    attempt = rollout.attempt()
    assert attempt.name != first
    assert attempt.message.startswith("PASSED 0 OK: up to date")
    assert _history(database) == history


def test_stale_backup_is_told_as_the_readme_says(
    rollout: Rollout,
    release: MakeRelease,
    database: Database,
    backups: Callable[[timedelta], dict[str, str]],
) -> None:
    """The two lines of the README, word for word but for names and times."""
    rollout.sync(release(env=backups(timedelta(hours=31, minutes=12))))
    outcome, attempt = rollout.outcome(), rollout.attempt()
    shown, reason = _readme_lines()
    pod = f"{rollout.namespace}/{attempt.name}"
    assert outcome.condition == "Failed"
    assert outcome.message == shown.replace("shop/db-migration-x7k2p", pod)
    assert _without_times(attempt.message.splitlines()[0]) == _without_times(reason)
    assert database.query("SELECT to_regclass('flyway_schema_history')") == [(None,)]


def _readme_lines() -> tuple[str, str]:
    """Return what Argo CD shows and what the pod says, from the README."""
    section = (ROOT / "README.md").read_text().partition("## What it looks like")[2]
    shown, reason, *_ = re.findall(r"^    (\S.*)$", section, re.MULTILINE)
    return shown, reason


def _without_times(verdict: str) -> str:
    verdict = re.sub(r"\d{8}-\d{6}F", "LABEL", verdict)
    return re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z", "TIME", verdict)


@dataclass(frozen=True, slots=True)
class Case:
    """A release that fails at once: how, and by which rule of the policy."""

    code: int
    rule: int
    scripts: dict[str, str] = field(default_factory=dict)
    command: tuple[str, ...] = ()


_CASES = {
    "malformed set": Case(ExitCode.BAD_SET, 1, {"V1__a.sql": "SELECT 1", "V01__b.sql": "SELECT 1"}),
    "statement that fails": Case(ExitCode.SQL_FAILED, 2, {"V1__a.sql": "SELECT 1 / 0"}),
    "script that stops half-way": Case(
        ExitCode.PARTIAL,
        3,
        {
            "V1__t.sql": "CREATE TABLE t (a int)",
            "V2__i.sql": "CREATE INDEX CONCURRENTLY i ON t (a);\nVACUUM missing",
        },
    ),
    "program that is not there": Case(128, 3, command=("/no/such/program",)),
}


@pytest.mark.parametrize("case", _CASES.values(), ids=_CASES)
def test_failure_that_stays_ends_the_job_after_one_pod(
    case: Case, rollout: Rollout, release: MakeRelease
) -> None:
    """The index of the rule is the severity, and nothing is tried again."""
    rollout.sync(release(scripts=case.scripts, command=case.command))
    outcome, attempt = rollout.outcome(), rollout.attempt()
    assert attempt.exit_code == case.code
    assert (outcome.condition, rollout.job()["status"]["failed"]) == ("Failed", 1)
    assert outcome.message == (
        f"Container migrate for pod {rollout.namespace}/{attempt.name} failed with exit code"
        f" {case.code} matching FailJob rule at index {case.rule}"
    )


def test_database_that_is_down_is_tried_three_times(
    unreachable: Rollout, release: MakeRelease
) -> None:
    """Trying again may help, but not without end; each pod stays and says what it saw."""
    unreachable.sync(release(env={"PRESYNC_WAIT_TIMEOUT": "1s"}))
    outcome, attempts = unreachable.outcome(), unreachable.attempts()
    assert (outcome.condition, outcome.message) == ("Failed", _BACK_OFF_LIMIT)
    assert [attempt.exit_code for attempt in attempts] == [ExitCode.UNREACHABLE] * 3
    assert all(attempt.message.startswith("FAILED 30 UNREACHABLE") for attempt in attempts)


def test_database_that_comes_back_is_migrated(
    unreachable: Rollout,
    release: MakeRelease,
    database: Database,
    open_door: Callable[[], contextlib.AbstractContextManager[None]],
) -> None:
    """The second pod finds what the first one missed; nobody has to sync again."""
    unreachable.sync(release(env={"PRESYNC_WAIT_TIMEOUT": "1s"}))
    unreachable.wait_for(lambda: unreachable.job()["status"].get("failed"), "failed pod")
    with open_door():
        assert unreachable.outcome().condition == "Complete"
    codes = [attempt.exit_code for attempt in unreachable.attempts()]
    assert codes == [ExitCode.UNREACHABLE, ExitCode.OK]
    assert len(_history(database)) == 8
