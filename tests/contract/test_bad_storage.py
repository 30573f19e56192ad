"""Storage that goes bad at any moment of the reading, in front of every system that reads it.

The gates refuse or cannot tell, in one line; so `test_bad_rds.py` and `test_bad_commands.py`.
"""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import trustme

from hook.catalogs.opening import Access, Catalogs, open_catalogs
from hook.core.backups.origin import ServerIdentity
from hook.core.backups.wal import Recovery, Segment
from hook.core.outcome import Finding, Status, deciding_finding, failed, from_error
from hook.demo.repository import STANZA
from hook.errors import ExitCode, HookError
from hook.settings.backup_source import S3Settings, parse_backup_source
from hook.stages.backup import BackupStage
from tests.contract.conftest import CANARY, Place
from tests.testbed import barman_server, pgbackrest_repository, walg_repository
from tests.testbed.backup_gate import fresh_repository, ignore, running_context
from tests.testbed.canned_http import Answer, CannedServer, answering
from tests.testbed.directory_s3 import DirectoryS3, is_listing
from tests.testbed.dump_place import DumpPlace
from tests.testbed.s3_server import SECRET_KEY

SIZE = 2**24
GIB = 2**30
CODES = {ExitCode.NO_WAY_BACK, ExitCode.UNKNOWN_BACKUP}
BUCKET = "s3://shop/repo"


@dataclass(frozen=True, slots=True)
class System:
    """A system with a good backup at a place.

    Attributes:
        source: Before the place, as ``PRESYNC_BACKUP_SOURCE`` has it.
        folder: Below the place.
        stanza: As the settings name it.
        fill: Puts the backup and its WAL below a folder.
        identifier: Of the cluster that it is of.
        recovery: Over WAL that is there, none where there is none.
    """

    source: str
    stanza: str | None
    fill: Callable[[Path], object]
    identifier: str
    recovery: Recovery | None
    folder: str = ""


def across(first: int, last: int) -> Recovery:
    """Return what reads the segments from *first* to *last*."""
    return Recovery(Segment(1, first), first * SIZE + 256, Segment(1, last), SIZE)


def _fill_cloudnativepg(root: Path) -> None:
    folder = root / "clusters"
    server = barman_server.fresh_server(folder)
    server.edit(barman_server.NEWEST, server_name="cloud", backup_name="backup-20261129030000")
    server.folder.rename(folder / "shop-db")


_BARMAN_WAL = across(barman_server.FIRST, barman_server.LAST - 1)
SYSTEMS = {
    "pgbackrest": System(
        "pgbackrest",
        STANZA,
        fresh_repository,
        pgbackrest_repository.SYSTEM_IDENTIFIER,
        across(0x25, 0x3C),
    ),
    "walg": System(
        "walg",
        None,
        walg_repository.fresh_prefix,
        walg_repository.SYSTEM_IDENTIFIER,
        across(8, 0xB),
    ),
    "barman": System(
        "barman",
        barman_server.SERVER,
        barman_server.fresh_server,
        barman_server.SYSTEM_IDENTIFIER,
        _BARMAN_WAL,
    ),
    "cloudnativepg": System(
        "barman",
        "shop-db",
        _fill_cloudnativepg,
        barman_server.SYSTEM_IDENTIFIER,
        _BARMAN_WAL,
        "/clusters",
    ),
    "dump": System(
        "dump", None, lambda root: DumpPlace(root).add("shop-{}.dump", "custom.dump"), "7", None
    ),
}
EVERY_SYSTEM = pytest.mark.parametrize("system", SYSTEMS.values(), ids=SYSTEMS)


def _open(system: System, settings: S3Settings, place: str) -> Catalogs:
    source = parse_backup_source(f"{system.source}:{place}{system.folder}")
    return open_catalogs(source, Access(settings, system.stanza))


def judge(
    system: System,
    settings: S3Settings,
    place: str = BUCKET,
    timeout: timedelta = timedelta(seconds=60),
    meanwhile: Callable[[], object] = tuple,
) -> Finding | None:
    """Return what stands against the backups and the WAL of *system*, none if nothing does."""
    catalogs = _open(system, settings, place)
    stage = BackupStage(catalogs.backups, timedelta(hours=24), timeout, catalogs.progress)
    with running_context() as ctx:
        identity = ServerIdentity(system.identifier, database="shop")
        finish = stage.start(ctx, identity, ignore)
        meanwhile()
        against = deciding_finding(finish())
    return against or _judge_wal(system, catalogs)


def _judge_wal(system: System, catalogs: Catalogs) -> Finding | None:
    if system.recovery is None or catalogs.wal is None:
        return None
    recovery = system.recovery
    try:
        found = catalogs.wal.read_archive(recovery)
        is_there = catalogs.wal.has_segment(recovery.start.name(SIZE))
    except HookError as error:
        return from_error(error)
    wanted = recovery.start.number, recovery.end.number
    if is_there and [tuple(run) for item in found.covered for run in item.present] == [wanted]:
        return None
    return failed(ExitCode.NO_WAY_BACK, "wal-hole", "WAL is missing", "Take a backup.")


def assert_told(finding: Finding | None) -> None:
    """Fail unless *finding* refuses or cannot tell, on one line, with a next step."""
    assert finding is not None
    assert finding.code in CODES, finding
    assert finding.status is not Status.PASSED
    assert finding.message
    assert "\n" not in finding.message
    assert finding.hint.endswith("."), finding
    assert SECRET_KEY not in repr(finding)
    assert CANARY not in repr(finding)


def _error(status: int, code: str, **headers: str) -> Answer:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>"
    return Answer(status, body.encode(), {"Content-Type": "application/xml", **headers})


def _same_token() -> Answer:
    body = (
        b"<ListBucketResult><IsTruncated>true</IsTruncated>"
        b"<NextContinuationToken>t</NextContinuationToken></ListBucketResult>"
    )
    return Answer(200, body)


# What the storage does from some moment on, and to which requests.
FAULTS: dict[str, tuple[Callable[[], Answer], Callable[[str], bool]]] = {
    "credentials that expired": (lambda: _error(400, "ExpiredToken"), bool),
    "rights that were taken": (lambda: _error(403, "AccessDenied"), bool),
    "another region": (
        lambda: _error(301, "PermanentRedirect", **{"x-amz-bucket-region": "eu-central-1"}),
        bool,
    ),
    "no bucket any more": (lambda: _error(404, "NoSuchBucket"), bool),
    "a page of a proxy": (lambda: Answer(200, b"<html>sign in</html>"), bool),
    "a proxy that refuses": (lambda: Answer(407, b"no"), bool),
    "a listing that lies": (_same_token, is_listing),
    "objects of five gigabytes": (
        lambda: Answer(200, length=5 * GIB, more=itertools.repeat(b"x" * 2**16)),
        lambda path: not is_listing(path),
    ),
}


@pytest.fixture
def settings(credentials: None) -> S3Settings:  # noqa: ARG001 - sets them
    """Return how a storage is reached, but for where it is."""
    second = timedelta(seconds=1)
    return S3Settings(connect_timeout=2 * second, read_timeout=30 * second)


def _at(server: CannedServer, settings: S3Settings) -> S3Settings:
    return settings._replace(endpoint=server.endpoint)


def _moments(requests: list[str], concerns: Callable[[str], bool]) -> list[int]:
    """Return when a fault may begin: first, second, in the middle and last of what it concerns."""
    found = [number for number, path in enumerate(requests) if concerns(path)]
    return sorted({found[index] for index in (0, min(1, len(found) - 1), len(found) // 2, -1)})


@pytest.mark.parametrize("fault", FAULTS)
@EVERY_SYSTEM
def test_storage_that_goes_bad_at_any_moment_is_told(
    system: System, fault: str, settings: S3Settings, tmp_path: Path
) -> None:
    """The beginning was good, and no good beginning makes up for what could not be read."""
    system.fill(tmp_path / "repo")
    bucket = DirectoryS3(tmp_path)
    with answering(bucket) as server:
        assert judge(system, _at(server, settings)) is None
        requests = list(server.paths)
    broken, concerns = FAULTS[fault]
    for moment in _moments(requests, concerns):
        numbers = itertools.count()

        def answer(path: str, moment: int = moment, numbers: Iterator[int] = numbers) -> Answer:
            is_late = next(numbers) >= moment
            return broken() if is_late and concerns(path) else bucket(path)

        with answering(answer) as server:
            assert_told(judge(system, _at(server, settings)))
        assert len(server.paths) <= 2 * len(requests) + 12
        # What the kernel takes in advance of a body that nobody reads.
        assert sum(server.sent) < 64 * 2**20


@EVERY_SYSTEM
def test_storage_that_falls_silent_is_told_in_time(
    system: System, settings: S3Settings, tmp_path: Path
) -> None:
    """A byte a second keeps every timeout of a read away, whichever answer it is."""
    system.fill(tmp_path / "repo")
    bucket = DirectoryS3(tmp_path)
    with answering(bucket) as server:
        # The WAL is left out: its gate has the same bound.
        assert judge(replace(system, recovery=None), _at(server, settings)) is None
        count = len(server.paths)
    for moment in {0, count - 1}:
        numbers, reached, released = itertools.count(), threading.Event(), threading.Event()

        def answer(
            path: str,
            moment: int = moment,
            numbers: Iterator[int] = numbers,
            reached: threading.Event = reached,
            released: threading.Event = released,
        ) -> Answer:
            if next(numbers) < moment:
                return bucket(path)
            reached.set()
            drip = itertools.takewhile(lambda _: not released.wait(1), itertools.repeat(b"x"))
            good = bucket(path)
            return replace(good, body=b"", length=len(good.body), more=drip)

        with answering(answer) as server:
            second = timedelta(seconds=1)
            finding = judge(
                system, _at(server, settings), timeout=second, meanwhile=partial(reached.wait, 60)
            )
            released.set()
        assert_told(finding)
        assert finding is not None
        assert "within 1s" in finding.message
        assert finding.code is ExitCode.UNKNOWN_BACKUP


@EVERY_SYSTEM
def test_another_authority_is_told(tls_place: Place, system: System, tmp_path: Path) -> None:
    """The certificate is not one that the CA file vouches for."""
    other = tmp_path / "other.crt"
    trustme.CA().cert_pem.write_to_path(str(other))
    settings = tls_place.settings._replace(ca_file=str(other))
    finding = judge(system, settings, tls_place.url)
    assert_told(finding)
    assert "CERTIFICATE_VERIFY_FAILED" in str(finding)


@EVERY_SYSTEM
def test_proxy_that_lets_no_tunnel_through_is_told(
    tls_place: Place, system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked, it refuses, and its password is in no message."""
    with answering(lambda _: Answer(407, b"no")) as proxy:
        address = proxy.endpoint.partition("//")[2]
        monkeypatch.delenv("NO_PROXY")
        monkeypatch.setenv("HTTPS_PROXY", f"http://somebody:{CANARY}@{address}")
        finding = judge(system, tls_place.settings, tls_place.url)
    assert_told(finding)
    assert "HTTPS_PROXY/NO_PROXY" in str(finding)
    assert proxy.paths
