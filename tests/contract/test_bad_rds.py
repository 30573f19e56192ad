"""An API of RDS that goes bad at any moment, in front of both gates that ask it."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial

import pytest
import trustme
from botocore.loaders import create_loader

from hook.catalogs.opening import Access, open_catalogs
from hook.core.backups.origin import ServerIdentity
from hook.core.outcome import Finding, deciding_finding
from hook.errors import ExitCode
from hook.settings.backup_source import RdsKind, S3Settings, parse_backup_source
from hook.stages.backup import BackupStage
from hook.stages.restore_window import RestoreWindowStage
from tests.contract.conftest import CANARY, Place
from tests.contract.test_bad_storage import GIB, assert_told
from tests.testbed.backup_gate import ignore, running_context
from tests.testbed.canned_http import Answer, answering
from tests.testbed.canned_rds import HOST, CannedRds, action, rds_answer, rds_error

MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
SOURCES = {RdsKind.INSTANCE: "rds:shop", RdsKind.CLUSTER: "rds:cluster/shop"}
EVERY_KIND = pytest.mark.parametrize("kind", RdsKind)

pytestmark = pytest.mark.usefixtures("credentials")


@pytest.fixture(scope="module", autouse=True)
def _read_model() -> Iterator[None]:
    """Read what RDS can do once for all clients, which takes most of the time of each."""
    loader = create_loader()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("botocore.session.create_loader", lambda _: loader)
        yield


@pytest.fixture(autouse=True)
def region(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say where the server is, without which nobody is asked."""
    monkeypatch.setenv("AWS_REGION", "eu-central-1")


@pytest.fixture
def ask(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Finding | None]:
    """Return ``ask(kind, endpoint, ...) -> Finding | None``: what stands against a server."""

    def ask(
        kind: RdsKind,
        endpoint: str,
        settings: S3Settings | None = None,
        timeout: timedelta = MINUTE,
        meanwhile: Callable[[], object] = tuple,
    ) -> Finding | None:
        monkeypatch.setenv("AWS_ENDPOINT_URL_RDS", endpoint)
        reached = settings or S3Settings(connect_timeout=2 * SECOND, read_timeout=30 * SECOND)
        catalogs = open_catalogs(parse_backup_source(SOURCES[kind]), Access(reached))
        server = ServerIdentity(None, host=HOST)
        backups = BackupStage(catalogs.backups, timedelta(hours=24), timeout, catalogs.progress)
        window = RestoreWindowStage(catalogs.backups, timedelta(minutes=15), timeout)
        with running_context() as ctx:
            started = (
                backups.start(ctx, server, ignore),
                window.start(ctx, None, server, ignore),
            )
            meanwhile()
            found = [deciding_finding(finish()) for finish in started]
        # Either gate stops a run; neither may say that all is well when nobody could be asked.
        assert len([finding for finding in found if finding]) in {0, len(found)}, found
        for finding in filter(None, found):
            assert_told(finding)
        return found[0]

    return ask


# All that is asked of an instance; of a cluster the same is asked in other words.
MOMENTS = {RdsKind.INSTANCE: (0, 1, 2), RdsKind.CLUSTER: (1,)}
# What the API does from some moment on, and what is told of it.
FAULTS: dict[str, tuple[Callable[[], Callable[[str], Answer]], str]] = {
    "credentials that expired": (lambda: lambda _: rds_error(403, "ExpiredToken"), "ExpiredToken"),
    "rights that were taken": (lambda: lambda _: rds_error(403, "AccessDenied"), "is denied"),
    "another region": (
        lambda: lambda _: rds_error(403, "SignatureDoesNotMatch"),
        "SignatureDoesNotMatch",
    ),
    "a redirect": (
        lambda: lambda _: Answer(301, b"", {"Location": "http://127.0.0.1:1/"}),
        "RDS refuses",
    ),
    "a clock that is off": (lambda: lambda _: rds_error(400, "RequestExpired"), "clocks differ"),
    "too many requests": (lambda: lambda _: rds_error(400, "Throttling"), "Throttling"),
    "an answer about nothing": (lambda: lambda path: rds_answer(action(path), ""), "nothing of"),
    "a page of a proxy": (lambda: lambda _: Answer(200, b"<html>sign in</html>"), "nothing of"),
    "a page that refuses": (lambda: lambda _: Answer(403, b"<html>no</html>"), "403"),
    "a proxy that refuses": (lambda: lambda _: Answer(407, b"no"), "RDS refuses"),
    "no answer at all": (lambda: lambda _: Answer(200, b"", length=100), ""),
    "an answer of five gigabytes": (
        lambda: lambda _: Answer(200, length=5 * GIB, more=iter(lambda: b"x" * 2**16, b"")),
        "more than 2 MiB",
    ),
}


def _broken_from(
    moment: int, good: Callable[[str], Answer], bad: Callable[[str], Answer]
) -> Callable[[str], Answer]:
    numbers = itertools.count()
    return lambda path: bad(path) if next(numbers) >= moment else good(path)


@EVERY_KIND
def test_good_account_stands_against_nothing(
    kind: RdsKind, ask: Callable[..., Finding | None]
) -> None:
    """Of what follows here nothing would be seen otherwise."""
    with answering(CannedRds(kind)) as server:
        assert ask(kind, server.endpoint) is None
    assert len(server.paths) == 3


@pytest.mark.parametrize("fault", FAULTS)
@EVERY_KIND
def test_api_that_goes_bad_at_any_moment_is_told(
    kind: RdsKind, fault: str, ask: Callable[..., Finding | None]
) -> None:
    """The beginning was good, and no good beginning makes up for what could not be asked."""
    make, told = FAULTS[fault]
    for moment in MOMENTS[kind]:
        with answering(_broken_from(moment, CannedRds(kind), make())) as server:
            finding = ask(kind, server.endpoint)
        assert finding is not None, (moment, server.paths)
        assert told in finding.message
        assert len(server.paths) <= 3 + 3
        assert sum(server.sent) < 64 * 2**20


@EVERY_KIND
def test_list_of_snapshots_that_lies_is_told(
    kind: RdsKind, ask: Callable[..., Finding | None]
) -> None:
    """Without an end, or one page for ever."""
    account = CannedRds(kind)
    for markers in (map(str, itertools.count()), itertools.repeat("again")):

        def lie(path: str, markers: Iterator[str] = markers) -> Answer:
            return account.snapshots(action(path), "", next(markers))

        with answering(_broken_from(1, account, lie)) as server:
            finding = ask(kind, server.endpoint)
        assert finding is not None
        assert "does not end" in finding.message
        assert len(server.paths) <= 2 + 20


@EVERY_KIND
def test_api_that_falls_silent_is_told_in_time(
    kind: RdsKind, ask: Callable[..., Finding | None]
) -> None:
    """A byte a second keeps every timeout of a read away, whichever answer it is."""
    for moment in (0, 2):
        reached, released = threading.Event(), threading.Event()

        def drip(
            _: str, reached: threading.Event = reached, released: threading.Event = released
        ) -> Answer:
            reached.set()
            pieces: Iterator[bytes] = itertools.takewhile(
                lambda _: not released.wait(1), itertools.repeat(b"x")
            )
            return Answer(200, length=2**20, more=pieces)

        with answering(_broken_from(moment, CannedRds(kind), drip)) as server:
            finding = ask(
                kind, server.endpoint, timeout=SECOND, meanwhile=partial(reached.wait, 60)
            )
            released.set()
        assert finding is not None
        assert "within 1s" in finding.message
        assert finding.code is ExitCode.UNKNOWN_BACKUP


@EVERY_KIND
def test_another_authority_is_told(
    kind: RdsKind,
    tls_place: Place,
    ask: Callable[..., Finding | None],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The certificate is not one that the CA file vouches for."""
    other = tmp_path_factory.mktemp("other") / "other.crt"
    trustme.CA().cert_pem.write_to_path(str(other))
    settings = tls_place.settings._replace(ca_file=str(other))
    finding = ask(kind, str(tls_place.settings.endpoint), settings)
    assert "CERTIFICATE_VERIFY_FAILED" in str(finding)


@EVERY_KIND
def test_proxy_that_lets_no_tunnel_through_is_told(
    kind: RdsKind, ask: Callable[..., Finding | None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is asked, it refuses, and its password is in no message."""
    with answering(lambda _: Answer(407, b"no")) as proxy:
        address = proxy.endpoint.partition("//")[2]
        monkeypatch.delenv("NO_PROXY")
        monkeypatch.setenv("HTTPS_PROXY", f"http://somebody:{CANARY}@{address}")
        finding = ask(kind, "https://rds.example.invalid")
    assert "HTTPS_PROXY/NO_PROXY" in str(finding)
    assert proxy.paths
