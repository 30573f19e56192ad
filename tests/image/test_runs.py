"""Whole runs of the image against PostgreSQL, as the Job's pod would do them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hook.errors import ExitCode
from tests.testbed.database import Database, Role
from tests.testbed.pod import CANARY, Pod, secret_of
from tests.testbed.process import ROOT, Completed

_WITHOUT_BACKUP = {"PRESYNC_BACKUP_SOURCE": "none"}

RunPod = Callable[[Pod], Completed]


@pytest.fixture(scope="session")
def release(image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return an image with the example migrations, made as the documentation says."""
    name = f"{image}-shop"
    dockerfile = tmp_path_factory.mktemp("release") / "Dockerfile"
    dockerfile.write_text(f"FROM {image}\nCOPY migrations/ /migrations/\n")
    command = ["buildah", "bud", "--quiet", "--pull-never", "--isolation=chroot"]
    command += [f"--file={dockerfile}", "--ignorefile=/dev/null", f"--tag={name}", str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    yield name
    subprocess.run(["buildah", "rmi", name], check=True, capture_output=True)


def test_release_migrates_and_then_has_nothing_to_do(
    release: str, database: Database, run_pod: RunPod, termination_log: Path
) -> None:
    """The first run applies everything, the second one says that it is there already."""
    pod = Pod(release, secret_of(database), _WITHOUT_BACKUP)
    first, message = run_pod(pod), termination_log.read_text()
    assert (first.exit_code, first.report["verdict"]) == (0, message.splitlines()[0])
    assert message.startswith("PASSED 0 OK: 8 applied")
    history = "SELECT count(*) FROM flyway_schema_history WHERE success"
    assert database.query(history) == [(8,)]
    second = run_pod(pod)
    assert (second.exit_code, second.report["migrations"]) == (0, [])
    assert database.query(history) == [(8,)]


def test_run_tells_its_pod_and_job(release: str, database: Database, run_pod: RunPod) -> None:
    """What the downward API says is in the log, next to the run's id."""
    ended = run_pod(Pod(release, secret_of(database), _WITHOUT_BACKUP))
    (told,) = ended.events_named("settings.read")
    assert {
        "pod": "db-migration-x7k2p",
        "namespace": "shop",
        "job": "db-migration",
        "job_uid": "0a1b2c3d",
    }.items() <= told.items()


def test_flyways_folder_is_found(
    image: str, database: Database, run_pod: RunPod, migrations: Path
) -> None:
    """A volume at the place that Flyway's image uses needs no further setting."""
    pod = Pod(image, secret_of(database), _WITHOUT_BACKUP, {"/flyway/sql": migrations})
    assert run_pod(pod).exit_code == 0


def test_forgotten_migrations_are_refused(
    image: str, database: Database, run_pod: RunPod, termination_log: Path
) -> None:
    """An image that nothing was put into does not pass for up to date."""
    ended = run_pod(Pod(image, secret_of(database), _WITHOUT_BACKUP))
    assert ended.exit_code == ExitCode.BAD_SET
    assert "/migrations" in termination_log.read_text().splitlines()[0]


def test_stale_backup_is_refused(
    release: str, database: Database, run_pod: RunPod, termination_log: Path
) -> None:
    """A repository on a volume is read, judged, and stops the run before it starts."""
    repository = ROOT / "tests" / "samples" / "pgbackrest" / "small-repo"
    env = {"PRESYNC_BACKUP_SOURCE": "pgbackrest:/backups", "PRESYNC_BACKUP_STANZA": "app"}
    ended = run_pod(Pod(release, secret_of(database), env, {"/backups": repository}))
    assert ended.exit_code == ExitCode.NO_WAY_BACK
    assert termination_log.read_text().startswith("REFUSED 18 NO_WAY_BACK")
    assert database.query("SELECT to_regclass('flyway_schema_history')") == [(None,)]


@dataclass(frozen=True, slots=True)
class Case:
    """A run that fails: what it gets on top of the manifest and the Secret, and how it ends."""

    expected: ExitCode
    env: dict[str, str] = field(default_factory=lambda: dict(_WITHOUT_BACKUP))
    scripts: tuple[tuple[str, str], ...] = (("V1__a.sql", "SELECT 1;"),)


_CASES = {
    "no backup source": Case(ExitCode.CONFIG, {}),
    "unexpanded": Case(ExitCode.CONFIG, {**_WITHOUT_BACKUP, "POSTGRES_HOST": "$(POSTGRES_HOST)"}),
    "unreachable": Case(
        ExitCode.UNREACHABLE,
        {**_WITHOUT_BACKUP, "POSTGRES_PORT": "1", "PRESYNC_WAIT_TIMEOUT": "1s"},
    ),
    "duplicate": Case(
        ExitCode.BAD_SET, scripts=(("V1__a.sql", "SELECT 1;"), ("V01__b.sql", "SELECT 1;"))
    ),
    "SQL": Case(ExitCode.SQL_FAILED, scripts=(("V1__a.sql", "SELECT 1/0;"),)),
}


@pytest.mark.parametrize("case", _CASES.values(), ids=_CASES)
def test_exit_code_is_presyncs_own(
    case: Case, image: str, database: Database, run_pod: RunPod, tmp_path: Path
) -> None:
    """Whatever the container runtime does, the Job sees the code that presync chose."""
    folder = tmp_path / "sql"
    folder.mkdir()
    for name, text in case.scripts:
        (folder / name).write_text(text)
    ended = run_pod(Pod(image, secret_of(database), case.env, {"/migrations": folder}))
    assert ended.exit_code == case.expected
    assert "Traceback" not in ended.stderr


def test_bad_flags_are_a_usage_error(image: str, run_pod: RunPod) -> None:
    """A misspelt flag in the manifest is refused before anything else."""
    assert run_pod(Pod(image, arguments=["run", "--no-such-flag"])).exit_code == ExitCode.USAGE


def test_password_is_nowhere_to_be_seen(
    release: str,
    database: Database,
    make_role: Callable[..., Role],
    run_pod: RunPod,
    termination_log: Path,
) -> None:
    """A refused password appears neither in the output nor in the message."""
    role = make_role(password="another")
    ended = run_pod(Pod(release, secret_of(database, role), _WITHOUT_BACKUP))
    assert ended.exit_code == ExitCode.AUTH
    for text in (ended.stdout, ended.stderr, termination_log.read_text()):
        assert text
        assert CANARY not in text
