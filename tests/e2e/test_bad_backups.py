"""Repositories that are no way back, on a directory and on S3: refused, nothing written."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hook.demo.repository import STANZA
from hook.errors import ExitCode
from tests.testbed.pgbackrest_repository import ERRORED, Repository
from tests.testbed.refusal import S3_CANARY, Attempt, Refusal
from tests.testbed.s3_server import ACCESS_KEY, SECRET_KEY, running_s3

BUCKET = "backups"


@dataclass(frozen=True)
class Case:
    """A repository that is no way back, or one that cannot be read."""

    expected: Refusal
    damage: Callable[[Repository], object] = lambda _: None
    env: Mapping[str, str] = field(default_factory=dict)


def _no_way_back(named: str, damage: Callable[[Repository], object]) -> Case:
    return Case(Refusal(ExitCode.NO_WAY_BACK, named), damage)


def _damaged(named: str, change: Callable[[bytes], bytes]) -> Case:
    def damage(repository: Repository) -> None:
        for path in repository.infos:
            path.write_bytes(change(path.read_bytes()))

    return Case(Refusal(ExitCode.UNKNOWN_BACKUP, named), damage)


def _misconfigured(code: ExitCode, named: str, **env: str) -> Case:
    return Case(Refusal(code, named), env=env)


def _empty(repository: Repository) -> None:
    for folder in repository.root.iterdir():
        shutil.rmtree(folder)


def _keep_errored(repository: Repository) -> None:
    sections = repository.sections()
    sections["backup:current"] = {ERRORED: sections["backup:current"][ERRORED]}
    repository.save(sections)


def _stop(ago: timedelta) -> Callable[[Repository], None]:
    return lambda repository: repository.stop_newest_at(datetime.now(UTC) - ago)


EVERYWHERE = {
    "empty": _no_way_back(f"stanza {STANZA}", _empty),
    "wrong stanza": _misconfigured(
        ExitCode.NO_WAY_BACK, "stanza shop", PRESYNC_BACKUP_STANZA="shop"
    ),
    "no stanza": _misconfigured(
        ExitCode.CONFIG, "PRESYNC_BACKUP_STANZA is not set", PRESYNC_BACKUP_STANZA=""
    ),
    "stanza that is a path": _misconfigured(
        ExitCode.CONFIG, "PRESYNC_BACKUP_STANZA", PRESYNC_BACKUP_STANZA="../app"
    ),
    "truncated": _damaged(
        "backup.info.copy: line 6: the value is not JSON", lambda data: data[:700]
    ),
    "tampered": _damaged(
        "backup.info and backup.info.copy: its checksum does not match (truncated or edited); ",
        lambda data: data.replace(b'"backup-error":true', b'"backup-error":false'),
    ),
    "future": Case(
        Refusal(ExitCode.NO_WAY_BACK, " stopped in the future, ", hint="Synchronise the clocks"),
        _stop(timedelta(days=-400)),
    ),
    "only errored": _no_way_back(
        f"the only backup is not usable: {ERRORED} contains damaged pages; looked in ",
        _keep_errored,
    ),
    "stale": _no_way_back("(limit 24h)", _stop(timedelta(hours=31))),
}
ON_S3 = {
    "wrong secret": _misconfigured(
        ExitCode.UNKNOWN_BACKUP, f"s3://{BUCKET}", AWS_SECRET_ACCESS_KEY=S3_CANARY
    ),
    "unreachable endpoint": _misconfigured(
        ExitCode.UNKNOWN_BACKUP, "127.0.0.1:1", PRESYNC_S3_ENDPOINT="http://127.0.0.1:1"
    ),
    "no such bucket": _misconfigured(
        ExitCode.NO_WAY_BACK, "no-bucket", PRESYNC_BACKUP_SOURCE="pgbackrest:s3://no-bucket"
    ),
}


@pytest.fixture
def repository(tmp_path: Path, attempt: Attempt) -> Repository:
    """Return a good and fresh repository of the cluster under test."""
    query = "SELECT system_identifier FROM pg_control_system()"
    ((identifier,),) = attempt.deployment.database.query(query)
    repository = Repository.copy_to(tmp_path / "storage" / BUCKET)
    sections = repository.sections()
    for cluster in (sections["db"], *sections["db:history"].values()):
        cluster["db-system-id"] = identifier
    repository.save(sections)
    repository.stop_newest_at(datetime.now(UTC) - timedelta(minutes=19))
    return repository


@pytest.fixture
def storage(request: pytest.FixtureRequest, repository: Repository) -> Iterator[dict[str, str]]:
    """Yield the settings that name the repository, as the directory or the bucket it is.

    The server under test archives nothing; what looks at that has tests with one that does.
    """
    stanza = {
        "PRESYNC_BACKUP_STANZA": STANZA,
        "PRESYNC_ARCHIVE_POLICY": "off",
        "PRESYNC_MARKER_POLICY": "off",
    }
    if request.param == "directory":
        yield stanza | {"PRESYNC_BACKUP_SOURCE": f"pgbackrest:{repository.root}"}
        return
    with running_s3(repository.root.parent) as endpoint:
        yield stanza | {
            "PRESYNC_BACKUP_SOURCE": f"pgbackrest:s3://{BUCKET}",
            "PRESYNC_S3_ENDPOINT": endpoint,
            "AWS_ACCESS_KEY_ID": ACCESS_KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET_KEY,
            "AWS_REGION": "us-east-1",
        }


CASES = [
    *((name, place) for name in EVERYWHERE for place in ("directory", "s3")),
    *((name, "s3") for name in ON_S3),
]


@pytest.mark.parametrize(("name", "storage"), CASES, indirect=["storage"])
def test_bad_repository_is_told_in_one_line(
    name: str, storage: Mapping[str, str], repository: Repository, attempt: Attempt
) -> None:
    """Nothing is migrated without a backup that would do, nor when nobody can tell."""
    case = (EVERYWHERE | ON_S3)[name]
    attempt.deployment.release({"V2__x.sql": "CREATE TABLE x ()"})
    case.damage(repository)
    attempt.assert_refused(case.expected, {**storage, **case.env})


@pytest.mark.parametrize("storage", ["directory", "s3"], indirect=True)
def test_good_repository_lets_the_release_pass(
    storage: Mapping[str, str], attempt: Attempt
) -> None:
    """What the refusals refuse is the damage and nothing else."""
    attempt.deployment.release({"V2__x.sql": "CREATE TABLE x ()"})
    done = attempt.run(**storage)
    assert done.exit_code == ExitCode.OK, done.stderr
    assert "1 applied (V2), at 2" in done.report["verdict"]


@pytest.mark.parametrize("storage", ["directory"], indirect=True)
def test_stale_backup_stops_no_release_without_migrations(
    storage: Mapping[str, str], repository: Repository, attempt: Attempt
) -> None:
    """A hotfix of the application goes out whatever the backups are like; check tells."""
    repository.stop_newest_at(datetime.now(UTC) - timedelta(days=31))
    assert attempt.run(**storage).exit_code == ExitCode.OK
    assert attempt.run("check", **storage).exit_code == ExitCode.NO_WAY_BACK


def test_storage_is_not_asked_for_a_release_without_migrations(attempt: Attempt) -> None:
    """Whoever asked would get no answer."""
    nowhere = {
        "PRESYNC_BACKUP_SOURCE": "pgbackrest:s3://backups/repo",
        "PRESYNC_BACKUP_STANZA": "app",
        "PRESYNC_S3_ENDPOINT": "http://127.0.0.1:1",
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "key",
        "PRESYNC_ARCHIVE_POLICY": "off",
        "PRESYNC_MARKER_POLICY": "off",
    }
    assert attempt.run(**nowhere).exit_code == ExitCode.OK
    assert attempt.run("check", **nowhere).exit_code == ExitCode.UNKNOWN_BACKUP


@pytest.mark.parametrize("policy", ["enforce", "warn", "off"])
@pytest.mark.parametrize("storage", ["directory"], indirect=True)
def test_policy_decides_what_damaged_evidence_does(
    policy: str, storage: Mapping[str, str], repository: Repository, attempt: Attempt
) -> None:
    """What could not be found out counts as bad, unless the policy says otherwise."""
    attempt.deployment.release({"V2__x.sql": "CREATE TABLE x ()"})
    EVERYWHERE["truncated"].damage(repository)
    done = attempt.run(**storage, PRESYNC_BACKUP_POLICY=policy)
    status = {stage["name"]: stage["status"] for stage in done.report["stages"]}
    expected = {
        "enforce": (ExitCode.UNKNOWN_BACKUP, "unknown"),
        "warn": (ExitCode.OK, "warned"),
        "off": (ExitCode.OK, "skipped"),
    }
    assert (done.exit_code, status["backup"]) == expected[policy]


@pytest.mark.parametrize("storage", ["directory"], indirect=True)
def test_override_lets_one_run_pass_and_is_told(
    storage: Mapping[str, str], repository: Repository, attempt: Attempt
) -> None:
    """With a reason only, which stands in log and report."""
    attempt.deployment.release({"V2__x.sql": "CREATE TABLE x ()"})
    repository.stop_newest_at(datetime.now(UTC) - timedelta(hours=31))
    override = {**storage, "PRESYNC_OVERRIDE": "backup"}
    refused = attempt.run(**override)
    assert refused.exit_code == ExitCode.CONFIG
    assert "PRESYNC_OVERRIDE_REASON" in refused.report["verdict"]
    done = attempt.run(**override, PRESYNC_OVERRIDE_REASON="incident 7")
    assert done.exit_code == ExitCode.OK
    (event,) = done.events_named("gate.overridden")
    assert "incident 7" in event["message"]
    told = {"gate": "backup", "reason": "incident 7", "until": None}
    assert done.report["overrides"] == [told]
