"""What the gate says when S3 itself is the problem: codes, reasons, time and secrets."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import trustme
from botocore.loaders import JSONFileLoader

from hook.catalogs.aws import Service, open_client
from hook.core.outcome import Status
from hook.settings.backup_source import S3Settings
from tests.contract.conftest import CANARY, INFO, Place, unknown_finding
from tests.testbed.backup_gate import fresh_repository, run_gate


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    """Return a socket that accepts connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


def test_a_wrong_secret_is_told_as_credentials(
    s3_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A signature that does not match names the variables to check, not their values."""
    fresh_repository(s3_place.root)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", CANARY)
    finding = unknown_finding(s3_place)
    assert finding.message.startswith(f"no valid credentials for {s3_place.url}/{INFO}")
    assert "SignatureDoesNotMatch" in finding.message
    assert "AWS_SECRET_ACCESS_KEY" in finding.hint


def test_a_wrong_access_key_is_told_as_credentials(
    s3_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A key that the server does not know is the same kind of mistake."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "SOMEBODY")
    assert "no valid credentials" in unknown_finding(s3_place).message


@pytest.mark.parametrize("variable", [None, "AWS_ENDPOINT_URL_S3"])
def test_no_credentials_are_told_without_asking_for_an_instance_role(
    s3_place: Place,
    monkeypatch: pytest.MonkeyPatch,
    listening: socket.socket,
    variable: str | None,
) -> None:
    """Instance metadata is never asked on behalf of a service that is not AWS.

    Wherever the endpoint is told.
    """
    if variable is not None:
        monkeypatch.setenv(variable, str(s3_place.settings.endpoint))
        s3_place = replace(s3_place, settings=s3_place.settings._replace(endpoint=None))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    host, port = listening.getsockname()
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://{host}:{port}/")
    finding = unknown_finding(s3_place)
    assert "no valid credentials" in finding.message
    assert "Unable to locate credentials" in finding.message
    listening.settimeout(0)
    with pytest.raises(BlockingIOError):
        listening.accept()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("AWS_PROFILE", "no-such-profile"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", "/no/such/token"),
    ],
)
def test_a_broken_credential_source_is_told_as_credentials(
    s3_place: Place, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    """A profile or token file that does not exist leads to the credentials, not the network."""
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/presync")
    monkeypatch.setenv(variable, value)
    assert "no valid credentials" in unknown_finding(s3_place).message


def test_the_output_of_a_credential_program_is_not_told(
    s3_place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A program that fails while it prints a key must not put the key into the log."""
    config = tmp_path / "config"
    config.write_text(f"[default]\ncredential_process = sh -c 'echo {CANARY} >&2; exit 1'\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(config))
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert "no valid credentials" in unknown_finding(s3_place).message


def test_an_unknown_authority_is_told_as_tls(tls_place: Place) -> None:
    """Without its CA the certificate cannot be trusted, and the setting for it is named."""
    place = replace(tls_place, settings=tls_place.settings._replace(ca_file=None))
    finding = unknown_finding(place)
    assert finding.message.startswith(f"no TLS session with {place.settings.endpoint}")
    assert "CERTIFICATE_VERIFY_FAILED" in finding.message
    assert "AWS_CA_BUNDLE" in finding.hint


def test_another_authority_is_told_as_tls(tls_place: Place, tmp_path: Path) -> None:
    """The CA of something else does not help either."""
    other = tmp_path / "other.crt"
    trustme.CA().cert_pem.write_to_path(str(other))
    place = replace(tls_place, settings=tls_place.settings._replace(ca_file=str(other)))
    assert "CERTIFICATE_VERIFY_FAILED" in unknown_finding(place).message


def test_a_missing_ca_file_is_told_by_its_name(tls_place: Place) -> None:
    """A path without a file is not taken for a network fault."""
    place = replace(tls_place, settings=tls_place.settings._replace(ca_file="/no/such/ca.crt"))
    finding = unknown_finding(place)
    assert "there are no CA certificates at /no/such/ca.crt" in finding.message
    assert "AWS_CA_BUNDLE" in finding.hint


def test_the_ca_comes_from_the_environment_too(
    tls_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """AWS_CA_BUNDLE counts when no setting names a CA."""
    fresh_repository(tls_place.root)
    assert tls_place.settings.ca_file is not None
    monkeypatch.setenv("AWS_CA_BUNDLE", tls_place.settings.ca_file)
    settings = tls_place.settings._replace(ca_file=None)
    (finding,) = run_gate(tls_place.url, settings)
    assert finding.status is Status.PASSED


def test_the_endpoint_comes_from_boto3s_configuration_too(
    s3_place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An endpoint that only boto3 knows of is used, and in path style."""
    fresh_repository(s3_place.root)
    assert s3_place.settings.endpoint is not None
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3_place.settings.endpoint)
    (finding,) = run_gate(s3_place.url, s3_place.settings._replace(endpoint=None))
    assert finding.status is Status.PASSED


def test_what_the_service_can_do_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where the client has to be built twice: reading it takes most of the time."""
    read: list[str] = []
    load = JSONFileLoader.load_file

    def count(loader: JSONFileLoader, path: str) -> object:
        read.append(path)
        return load(loader, path)

    monkeypatch.setattr(JSONFileLoader, "load_file", count)
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", "http://storage.example")
    client = open_client(Service("s3", "the backups", "us-east-1"), S3Settings())
    assert client.meta.endpoint_url == "http://storage.example"
    assert len([path for path in read if path.endswith("service-2")]) == 1


def test_plain_http_to_a_tls_port_is_told(
    tls_place: Place, unreachable: Callable[[str], Place]
) -> None:
    """The wrong scheme does not end in a riddle."""
    assert tls_place.settings.endpoint is not None
    place = unreachable(tls_place.settings.endpoint.replace("https", "http"))
    finding = unknown_finding(place)
    assert f"{place.settings.endpoint} does not answer" in finding.message
    assert "scheme" in finding.hint


def test_tls_to_a_plain_http_port_is_told(
    s3_place: Place, unreachable: Callable[[str], Place]
) -> None:
    """Nor does the other one."""
    assert s3_place.settings.endpoint is not None
    place = unreachable(s3_place.settings.endpoint.replace("http", "https"))
    assert "no TLS session" in unknown_finding(place).message


def test_a_refused_port_is_told_as_unreachable(unreachable: Callable[[str], Place]) -> None:
    """Nobody listens: endpoint, network policy and proxy are what to check."""
    with socket.socket() as taken:  # so that nobody else can listen there meanwhile
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        finding = unknown_finding(unreachable(f"http://127.0.0.1:{port}"))
    assert f"http://127.0.0.1:{port} does not answer" in finding.message
    assert "PRESYNC_S3_ENDPOINT" in finding.hint


def test_an_unknown_host_is_told_as_unreachable(unreachable: Callable[[str], Place]) -> None:
    """A name that resolves to nothing is the same to the operator."""
    assert "does not answer" in unknown_finding(unreachable("http://s3.invalid:9000")).message


def test_a_black_hole_ends_with_the_gates_own_timeout(
    unreachable: Callable[[str], Place], listening: socket.socket
) -> None:
    """An endpoint that accepts and never answers costs the timeout, not botocore's sum."""
    place = unreachable(f"http://127.0.0.1:{listening.getsockname()[1]}")
    started = time.monotonic()
    finding = unknown_finding(place, timeout=timedelta(seconds=1))
    assert time.monotonic() - started < 10
    assert finding.message == f"pgBackRest stanza app in {place.url} did not answer within 1s"


def test_a_silent_endpoint_is_told_before_a_long_timeout(
    unreachable: Callable[[str], Place], listening: socket.socket
) -> None:
    """With time enough it is botocore's bounded attempts that end the wait."""
    place = unreachable(f"http://127.0.0.1:{listening.getsockname()[1]}")
    assert "Read timeout" in unknown_finding(place).message


def test_tls_really_verifies_the_hosts_name(tls_place: Place) -> None:
    """The test bed's certificate is for localhost, so its address is refused."""
    assert tls_place.settings.endpoint is not None
    endpoint = tls_place.settings.endpoint.replace("localhost", "127.0.0.1")
    place = replace(tls_place, settings=tls_place.settings._replace(endpoint=endpoint))
    assert "no TLS session" in unknown_finding(place).message
