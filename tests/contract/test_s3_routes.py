"""What lies between the gate and its bucket: proxies, other regions, keys that expire, drips."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from hook.core.outcome import Status
from hook.errors import ExitCode
from tests.contract.conftest import CANARY, INFO, Place, unknown_finding
from tests.testbed.backup_gate import fresh_repository, run_gate
from tests.testbed.canned_http import Answer, CannedServer, answering

SHORT = timedelta(seconds=2)
GIB = 2**30
_XML = {"Content-Type": "application/xml"}


def _error(status: int, code: str, **headers: str) -> Answer:
    body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>no</Message></Error>"
    return Answer(status, body.encode(), {**_XML, **headers})


@pytest.fixture
def released() -> Iterator[threading.Event]:
    """Return what ends the drips of a test with it."""
    event = threading.Event()
    yield event
    event.set()


def _drip(released: threading.Event) -> Iterator[bytes]:
    """Yield a byte a second."""
    while not released.wait(1):
        yield b"x"


def test_answer_that_drips_ends_with_the_gates_own_timeout(
    unreachable: Callable[[str], Place], released: threading.Event
) -> None:
    """Every byte starts the wait for the next one anew, so no timeout of a read ever ends it."""
    with answering(lambda _: Answer(200, b"", length=2**20, more=_drip(released))) as server:
        place = unreachable(server.endpoint)
        settings = place.settings._replace(read_timeout=timedelta(seconds=30))
        finding = unknown_finding(replace(place, settings=settings), SHORT)
        assert finding.message.endswith(f"in {place.url} did not answer within 2s")
        assert "network policies and proxies" in finding.hint
        released.set()


def test_listing_that_drips_ends_with_the_gates_own_timeout(
    s3_place: Place, unreachable: Callable[[str], Place], released: threading.Event
) -> None:
    """So it is once the evidence is there and what is left of it is looked for."""
    info, reached = fresh_repository(s3_place.root).infos[0].read_bytes(), threading.Event()

    def answer(path: str) -> Answer:
        if "list-type" not in path:
            return Answer(200, info)
        reached.set()
        return Answer(200, b"<?xml version='1.0'?>", length=2**20, more=_drip(released))

    with answering(answer) as server:
        finding = unknown_finding(unreachable(server.endpoint), SHORT, reached.wait)
        assert "was not read to its end within 2s: 1 answer came, the last one" in finding.message
        assert "PRESYNC_BACKUP_TIMEOUT" in finding.hint
        released.set()


def test_huge_info_file_is_not_read(unreachable: Callable[[str], Place]) -> None:
    """Five gigabytes are announced, and refused before one of them has come."""
    endless = iter(lambda: b"x" * 2**16, b"")
    with answering(lambda _: Answer(200, length=5 * GIB, more=endless)) as server:
        place = unreachable(server.endpoint)
        finding = unknown_finding(place)
    assert finding.message == f"{place.url}/{INFO} is longer than 16 MiB"
    assert len(server.paths) == 1
    # What the kernel has taken in advance.
    assert sum(server.sent) < 64 * 2**20


def test_huge_info_file_of_a_directory_is_not_read(directory_place: Place) -> None:
    """A file of five gigabytes costs what the limit allows."""
    repository = fresh_repository(directory_place.root)
    for path in repository.infos:
        with path.open("r+b") as file:
            file.truncate(5 * GIB)
    (finding,) = run_gate(directory_place.url, directory_place.settings)
    assert (finding.status, finding.code) == (Status.UNKNOWN, ExitCode.UNKNOWN_BACKUP)
    assert "backup.info is longer than 16 MiB" in finding.message


@pytest.mark.parametrize("code", ["ExpiredToken", "InvalidToken", "ExpiredTokenException"])
def test_credentials_that_expire_in_between_are_told(
    s3_place: Place, unreachable: Callable[[str], Place], code: str
) -> None:
    """The info file still came; that its manifests do not is no sign of their absence."""
    info = fresh_repository(s3_place.root).infos[0].read_bytes()
    expired = _error(400, code)
    with answering(lambda path: expired if "list-type" in path else Answer(200, info)) as server:
        finding = unknown_finding(unreachable(server.endpoint))
    assert finding.message.startswith("no valid credentials for s3://")
    assert code in finding.message
    assert "credentials of this pod" in finding.hint
    # The info file, and one look for each backup of the newest chain: nothing is tried again.
    assert len(server.paths) in {2, 3}


@pytest.mark.parametrize(
    "answer",
    [
        _error(301, "PermanentRedirect", **{"x-amz-bucket-region": "eu-central-1"}),
        _error(307, "TemporaryRedirect", Location="http://127.0.0.1:1/"),
        _error(400, "AuthorizationHeaderMalformed", **{"x-amz-bucket-region": "eu-central-1"}),
        _error(400, "IllegalLocationConstraintException"),
        Answer(301, b"", {"x-amz-bucket-region": "eu-central-1"}),
    ],
)
def test_bucket_of_another_region_is_told(
    unreachable: Callable[[str], Place], answer: Answer
) -> None:
    """A redirect that leads back to the same endpoint is followed a bounded number of times."""
    with answering(lambda _: answer) as server:
        finding = unknown_finding(unreachable(server.endpoint))
    region = ", eu-central-1" * ("x-amz-bucket-region" in answer.headers)
    assert f"belongs to another region{region} (" in finding.message
    assert "AWS_REGION" in finding.hint
    assert len(server.paths) <= 12


@pytest.fixture
def proxied(monkeypatch: pytest.MonkeyPatch) -> Callable[[CannedServer | str], None]:
    """Return ``set(proxy)``: all requests go through it, whose password is the canary."""

    def set_proxy(proxy: CannedServer | str) -> None:
        address = proxy if isinstance(proxy, str) else proxy.endpoint.partition("//")[2]
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        for name in ("HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://somebody:{CANARY}@{address}")

    return set_proxy


ProxySetter = Callable[[CannedServer | str], None]


@pytest.mark.parametrize("status", [403, 407, 502])
def test_proxy_that_lets_no_tunnel_through_is_told(
    tls_place: Place, proxied: ProxySetter, status: int
) -> None:
    """It is asked, it refuses, and its password is in no message."""
    with answering(lambda _: Answer(status, b"no")) as proxy:
        proxied(proxy)
        finding = unknown_finding(tls_place)
    assert "does not answer" in finding.message
    assert "proxy" in finding.message.lower()
    assert "HTTPS_PROXY/NO_PROXY" in finding.hint
    assert proxy.paths
    assert all(path.startswith("localhost:") for path in proxy.paths)


@pytest.mark.parametrize(
    ("status", "message"),
    [(403, "like S3"), (407, "does not answer: HTTP 407"), (502, "fails on s3://")],
)
def test_proxy_that_answers_itself_is_told(
    s3_place: Place, proxied: ProxySetter, status: int, message: str
) -> None:
    """Without TLS its answer is one in the storage's place."""
    with answering(lambda _: Answer(status, b"<html>no</html>")) as proxy:
        proxied(proxy)
        finding = unknown_finding(s3_place)
    assert message in finding.message
    assert "NO_PROXY" in finding.hint or status == 502
    assert proxy.paths
    assert all(path.startswith("http://127.0.0.1:") for path in proxy.paths)


@pytest.mark.parametrize("kind", ["s3_place", "tls_place"])
def test_proxy_that_is_not_there_is_told(
    request: pytest.FixtureRequest, proxied: ProxySetter, kind: str
) -> None:
    """Nobody listens where the proxy should be."""
    place: Place = request.getfixturevalue(kind)
    proxied("127.0.0.1:1")
    finding = unknown_finding(place)
    assert "proxy" in finding.message.lower()
    assert "HTTPS_PROXY/NO_PROXY" in finding.hint


@pytest.mark.parametrize("kind", ["s3_place", "tls_place"])
def test_no_proxy_leads_past_the_proxy(
    request: pytest.FixtureRequest,
    proxied: ProxySetter,
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
) -> None:
    """The endpoint inside the cluster is reached directly."""
    place: Place = request.getfixturevalue(kind)
    fresh_repository(place.root)
    with answering(lambda _: Answer(407)) as proxy:
        proxied(proxy)
        monkeypatch.setenv("NO_PROXY", "localhost,127.0.0.1")
        (finding,) = run_gate(place.url, place.settings)
    assert finding.status is Status.PASSED, finding
    assert proxy.paths == []
