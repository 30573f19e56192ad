"""Storage that misbehaves, in front of a whole run with something to migrate.

What the catalogs make of each fault at each moment is told by `tests/contract/test_bad_storage.py`;
here it is the process: its exit code, its one line, its memory, and no secret anywhere.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest
import trustme

from hook.errors import ExitCode
from tests.testbed.canned_http import Answer, CannedServer, answering
from tests.testbed.crowded_bucket import CROWDS, PREFIX, crowded_bucket, page
from tests.testbed.database import Database
from tests.testbed.directory_s3 import DirectoryS3, is_listing
from tests.testbed.own_backups import OWN_BACKUPS, OwnBackups, receive_early
from tests.testbed.refusal import S3_CANARY, Attempt, Refusal, memory_of_the_pod
from tests.testbed.s3_server import running_tls_s3

HOUR = timedelta(hours=1)
GIB = 2**30
OBJECTS = 100_000
UNKNOWN = ExitCode.UNKNOWN_BACKUP

Answers = Callable[[str], Answer]


@dataclass(frozen=True, slots=True)
class Storage:
    """Good backups of the database under test, and whatever stands in front of them.

    Attributes:
        root: Of the bucket; the backups lie in ``repo``.
    """

    attempt: Attempt
    root: Path

    @property
    def repo(self) -> Path:
        """Return where the backups lie."""
        return self.root / "repo"

    @property
    def database(self) -> Database:
        """Return what they are of."""
        return self.attempt.deployment.database

    def settings(self, system: OwnBackups, endpoint: str, **more: str) -> dict[str, str]:
        """Return what a run is told of the bucket at *endpoint*."""
        return {
            **system.settings("s3://shop/repo", self.database),
            "PRESYNC_S3_ENDPOINT": endpoint,
            "AWS_ACCESS_KEY_ID": "AKIATEST",
            "AWS_SECRET_ACCESS_KEY": S3_CANARY,
            "AWS_SESSION_TOKEN": S3_CANARY,
            "AWS_REGION": "us-east-1",
            **more,
        }

    def refuse(
        self, system: OwnBackups, answer: Answers, code: ExitCode, told: str, **more: str
    ) -> CannedServer:
        """Run in front of a bucket that gives *answer*, and see that nothing comes of it."""
        with answering(answer) as server:
            self.refuse_at(self.settings(system, server.endpoint, **more), code, told)
        return server

    def refuse_at(self, environment: Mapping[str, str], code: ExitCode, told: str) -> None:
        """Run with *environment*: refused with *code* in the pod's memory, and told why."""
        peak = self.attempt.assert_refused(Refusal(code, ""), environment)
        assert 0 < peak < memory_of_the_pod()
        assert told in self.attempt.deployment.report.read_text()


def systems(*names: str) -> pytest.MarkDecorator:
    """Let a test run for the systems *names*: the contract suite has all of them."""
    return pytest.mark.parametrize("system", [OWN_BACKUPS[name] for name in names], ids=names)


@pytest.fixture
def storage(attempt: Attempt, tmp_path: Path) -> Storage:
    """Return an empty bucket; something is pending."""
    attempt.deployment.release({"V2__x.sql": "CREATE TABLE x ()"})
    return Storage(attempt, tmp_path / "bucket")


@pytest.fixture
def filled(storage: Storage, system: OwnBackups) -> Storage:
    """Return a bucket with good backups of *system*."""
    system.fill(storage.repo, storage.database)
    return storage


@systems(*OWN_BACKUPS)
def test_good_storage_lets_the_release_pass(system: OwnBackups, filled: Storage) -> None:
    """What is refused here is the fault and nothing else."""
    with answering(DirectoryS3(filled.root)) as server:
        done = filled.attempt.run(**filled.settings(system, server.endpoint))
    assert done.exit_code == ExitCode.OK, done.stderr


def _error(status: int, code: str, **headers: str) -> Answer:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>"
    return Answer(status, body.encode(), {"Content-Type": "application/xml", **headers})


def _huge() -> Answer:
    return Answer(200, length=5 * GIB, more=iter(lambda: b"x" * 2**16, b""))


# What the storage says from its second answer on, to which requests, and what is told of it.
FAULTS: Mapping[str, tuple[Callable[[], Answer], Callable[[str], bool], str]] = {
    "listing that lies": (lambda: page("", truncated="true", token="t"), is_listing, "listing of"),
    "five gigabytes": (_huge, lambda path: not is_listing(path), "is longer than "),
    "credentials that expired": (lambda: _error(400, "ExpiredToken"), bool, "ExpiredToken"),
    "another region": (
        lambda: _error(301, "PermanentRedirect", **{"x-amz-bucket-region": "eu-central-1"}),
        bool,
        "eu-central-1",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
@systems("pgbackrest", "walg")
def test_storage_that_goes_bad_is_refused(system: OwnBackups, fault: str, filled: Storage) -> None:
    """Also when its first answer was good; and little is fetched."""
    broken, concerns, told = FAULTS[fault]
    good, concerned = DirectoryS3(filled.root), itertools.count()
    # Only one object is read of a dump, and one of a stanza.
    skipped = 1 if concerns is bool else 0

    def answer(path: str) -> Answer:
        is_bad = concerns(path) and next(concerned) >= skipped
        return broken() if is_bad else good(path)

    server = filled.refuse(system, answer, UNKNOWN, told)
    assert sum(server.sent) < 64 * 2**20


@systems("walg")
def test_storage_that_drips_is_refused_in_time(system: OwnBackups, filled: Storage) -> None:
    """A byte a second keeps a thread busy for days; gate and process do not wait for it."""
    released = threading.Event()

    def drip(_: str) -> Answer:
        pieces = itertools.takewhile(lambda _: not released.wait(1), itertools.repeat(b"x"))
        return Answer(200, length=2**20, more=pieces)

    try:
        filled.refuse(system, drip, UNKNOWN, "within 1s", PRESYNC_BACKUP_TIMEOUT="1s")
    finally:
        released.set()


@pytest.mark.parametrize("name", ["pgbackrest", "walg"])
def test_hundred_thousand_objects_are_refused(name: str, storage: Storage) -> None:
    """In the memory of the pod, however full the place is; dumps: `test_hostile_storage.py`."""
    crowd = CROWDS[name]
    environment = {
        "PRESYNC_BACKUP_SOURCE": f"{name}:s3://shop/{PREFIX}",
        "PRESYNC_BACKUP_STANZA": "app",
        "PRESYNC_BACKUP_TIMEOUT": "4m",
    }
    answer = crowded_bucket(crowd, OBJECTS)
    server = storage.refuse(OWN_BACKUPS[name], answer, crowd.code, "", **environment)
    assert len(server.paths) <= OBJECTS // 1000 + crowd.looks


@pytest.mark.parametrize(
    ("name", "ahead", "code"),
    [
        ("pgbackrest", HOUR, UNKNOWN),
        ("walg", -HOUR, ExitCode.NO_WAY_BACK),
        ("dump", HOUR, ExitCode.NO_WAY_BACK),
    ],
)
def test_clock_of_the_storage_an_hour_off_is_refused(
    name: str, ahead: timedelta, code: ExitCode, storage: Storage
) -> None:
    """One of two clocks is wrong; what ended in the future or is too old by the other is, too."""
    system = OWN_BACKUPS[name]
    system.fill(storage.repo, storage.database)
    storage.refuse(system, DirectoryS3(storage.root, ahead), code, "and the storage's (")


def _set_server_clock(database: Database, ahead: str) -> None:
    """Let the clock of the server be wrong for all who ask in *database*."""
    database.execute(
        "SET allow_system_table_mods = on;"
        "CREATE OR REPLACE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz LANGUAGE sql"
        f" AS 'SELECT timeofday()::timestamptz + interval ''{ahead}'''"
    )


@pytest.mark.parametrize(
    ("name", "ahead"),
    [("pgbackrest", "1 hour"), ("walg", "-1 hour"), ("barman", "-1 hour"), ("dump", "1 hour")],
)
def test_clock_of_the_server_an_hour_off_is_refused(
    name: str, ahead: str, storage: Storage
) -> None:
    """Whatever dates the backups, and although the storage's clock is right."""
    system = OWN_BACKUPS[name]
    system.fill(storage.repo, storage.database)
    _set_server_clock(storage.database, ahead)
    storage.refuse(system, DirectoryS3(storage.root), UNKNOWN, "and the database server's (")


@systems("walg")
def test_clock_of_the_node_an_hour_behind_is_refused(system: OwnBackups, filled: Storage) -> None:
    """Storage and server agree with each other, and not with it."""
    _set_server_clock(filled.database, "1 hour")
    told = "this node, which the other two contradict"
    filled.refuse(system, DirectoryS3(filled.root, HOUR), UNKNOWN, told)


EARLY = " after the storage had it, so that a clock was wrong"


@systems("pgbackrest", "walg", "dump")
def test_clock_of_the_backup_host_an_hour_ahead_is_refused(
    system: OwnBackups, filled: Storage
) -> None:
    """The storage had the backup an hour before it ended, or began, by that clock."""
    receive_early(filled.repo, HOUR)
    filled.refuse(system, DirectoryS3(filled.root), ExitCode.NO_WAY_BACK, EARLY)


@pytest.fixture(scope="module")
def tls_endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Return a real S3 server behind TLS."""
    root, folder = tmp_path_factory.mktemp("s3"), tmp_path_factory.mktemp("tls")
    with running_tls_s3(root, folder) as server:
        yield server.endpoint


@systems("pgbackrest", "walg")
def test_another_authority_is_refused(
    system: OwnBackups, tls_endpoint: str, storage: Storage, tmp_path: Path
) -> None:
    """The certificate is not one that the CA file vouches for."""
    other = tmp_path / "other.crt"
    trustme.CA().cert_pem.write_to_path(str(other))
    environment = storage.settings(system, tls_endpoint, AWS_CA_BUNDLE=str(other))
    storage.refuse_at(environment, UNKNOWN, "CERTIFICATE_VERIFY_FAILED")


@systems("pgbackrest", "walg")
def test_proxy_in_the_way_is_refused(
    system: OwnBackups, tls_endpoint: str, storage: Storage
) -> None:
    """It lets no tunnel through, and its password is in no output."""
    with answering(lambda _: Answer(407, b"no")) as proxy:
        address = proxy.endpoint.partition("//")[2]
        through = {"HTTPS_PROXY": f"http://somebody:{S3_CANARY}@{address}"}
        environment = storage.settings(system, tls_endpoint, **through)
        storage.refuse_at(environment, UNKNOWN, "HTTPS_PROXY/NO_PROXY")
    assert proxy.paths
