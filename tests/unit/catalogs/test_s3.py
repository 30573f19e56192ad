"""How the S3 client is built, and what its errors are taken for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore import exceptions as aws
from botocore.parsers import ResponseParserError

from hook.catalogs.s3 import S3Store
from hook.catalogs.s3_errors import S3_ERRORS, Fault, classify, explain, parse_date
from hook.errors import BackupSourceMissing, BackupUnknown
from hook.settings.backup_source import S3Location, S3Settings

NOW = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)
NAME = "s3://shop/pg/backup/app/backup.info"


@pytest.fixture(autouse=True)
def _no_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")


def _client(**settings: Any) -> Any:
    return S3Store(S3Location("shop", "pg"), S3Settings(**settings))._client


def _refusal(code: str, status: int = 400, operation: str = "GetObject") -> aws.ClientError:
    response = {
        "Error": {"Code": code, "Message": "no"},
        "ResponseMetadata": {"HTTPStatusCode": status, "HTTPHeaders": {}},
    }
    return aws.ClientError(response, operation)


def test_client_bounds_every_request() -> None:
    """The defaults would wait minutes; and the new checksums break compatible services."""
    config = _client(endpoint="http://minio:9000").meta.config
    assert (config.connect_timeout, config.read_timeout) == (3, 10)
    assert config.retries == {"total_max_attempts": 3, "mode": "standard"}
    assert config.request_checksum_calculation == "when_required"
    assert config.response_checksum_validation == "when_required"


@pytest.mark.parametrize(
    ("variables", "settings", "region"),
    [
        ({}, {}, "us-east-1"),
        ({"AWS_DEFAULT_REGION": "eu-west-1"}, {}, "eu-west-1"),
        ({"AWS_REGION": "eu-central-1", "AWS_DEFAULT_REGION": "eu-west-1"}, {}, "eu-central-1"),
        ({"AWS_REGION": "eu-central-1"}, {"region": "eu-north-1"}, "eu-north-1"),
    ],
)
def test_client_signs_for_the_region_that_is_named(
    variables: dict[str, str],
    settings: dict[str, str],
    region: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Alone, boto3 would not read the variable that AWS itself sets in a pod."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert _client(**settings).meta.region_name == region


@pytest.mark.parametrize(
    ("endpoint", "style"),
    [
        (None, "auto"),
        ("https://s3.eu-central-1.amazonaws.com", "auto"),
        ("https://s3.cn-north-1.amazonaws.com.cn", "auto"),
        ("https://s3.dualstack.eu-central-1.api.aws", "auto"),
        ("http://minio:9000", "path"),
        ("https://s3.amazonaws.com.example.org", "path"),
    ],
)
def test_client_uses_path_style_for_anything_but_aws(endpoint: str | None, style: str) -> None:
    """A bucket as part of the host name needs a DNS that only AWS promises."""
    assert _client(endpoint=endpoint).meta.config.s3["addressing_style"] == style


def test_client_always_has_a_region(monkeypatch: pytest.MonkeyPatch) -> None:
    """Setting before environment before a fallback: without any, botocore would fail."""
    assert _client().meta.region_name == "us-east-1"
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    assert _client().meta.region_name == "eu-west-1"
    assert _client(region="eu-central-1").meta.region_name == "eu-central-1"


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (_refusal("NoSuchKey", 404), Fault.NO_OBJECT),
        (_refusal("404", 404), Fault.NOT_S3),
        (_refusal("NoSuchBucket", 404), Fault.NO_BUCKET),
        (_refusal("AccessDenied", 403), Fault.DENIED),
        (_refusal("403", 403), Fault.DENIED),
        (_refusal("AccessDenied", 403, "AssumeRoleWithWebIdentity"), Fault.CREDENTIALS),
        (_refusal("ExpiredToken"), Fault.CREDENTIALS),
        (_refusal("InvalidAccessKeyId", 403), Fault.CREDENTIALS),
        (_refusal("SignatureDoesNotMatch", 403), Fault.CREDENTIALS),
        (_refusal("RequestTimeTooSkewed", 403), Fault.CLOCK),
        (_refusal("AuthorizationHeaderMalformed"), Fault.REGION),
        (_refusal("InvalidObjectState", 403), Fault.ARCHIVED),
        (_refusal("SlowDown", 503), Fault.BUSY),
        (_refusal("ServiceUnavailable", 503), Fault.BUSY),
        (_refusal("NeverHeardOf", 400), Fault.NOT_S3),
        (aws.NoCredentialsError(), Fault.CREDENTIALS),
        (aws.PartialCredentialsError(provider="env", cred_var="x"), Fault.CREDENTIALS),
        (aws.ProfileNotFound(profile="x"), Fault.CREDENTIALS),
        (FileNotFoundError(2, "no such file"), Fault.CREDENTIALS),
        (aws.SSLError(endpoint_url="https://x", error="bad"), Fault.TLS),
        (aws.EndpointConnectionError(endpoint_url="https://x"), Fault.UNREACHABLE),
        (aws.ReadTimeoutError(endpoint_url="https://x"), Fault.UNREACHABLE),
        (aws.ProxyConnectionError(proxy_url="http://x"), Fault.UNREACHABLE),
        (aws.IncompleteReadError(actual_bytes=1, expected_bytes=2), Fault.UNREACHABLE),
        (ConnectionResetError(104, "reset"), Fault.UNREACHABLE),
        (aws.InvalidRegionError(region_name="x y"), Fault.REGION),
        (ResponseParserError("not XML"), Fault.NOT_S3),
        (ValueError("Invalid endpoint: x"), Fault.NOT_S3),
    ],
)
def test_classify_tells_every_fault_apart(error: Exception, fault: Fault) -> None:
    """Each error of botocore leads to the next step that fits it."""
    assert isinstance(error, S3_ERRORS)
    assert classify(error, NOW) is fault


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.NO_OBJECT])
def test_explain_has_a_reason_and_a_next_step_for_every_fault(fault: Fault) -> None:
    """Only a bucket that does not exist is a refusal; all else could not be found out."""
    error = explain(_refusal("Code"), fault, NAME, "https://s3.example.com")
    kind = BackupSourceMissing if fault is Fault.NO_BUCKET else BackupUnknown
    assert type(error) is kind
    assert error.hint.endswith(".")
    assert not error.message.endswith(".")
    named = ("s3.example.com", NAME, NAME.replace("s3://", "arn:aws:s3:::"))
    assert any(name in error.message for name in named)


def test_explain_keeps_a_long_answer_short() -> None:
    """What a server says is cut and stays on one line."""
    error = aws.EndpointConnectionError(endpoint_url="https://x/" + "y" * 5000 + "\n")
    message = explain(error, Fault.UNREACHABLE, NAME, "https://x").message
    assert len(message) < 250
    assert "\n" not in message


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("Sat, 21 Nov 2026 20:00:00 GMT", NOW),
        ("Sat, 21 Nov 2026 22:00:00 +0200", NOW),
        ("Sat, 21 Nov 2026 20:00:00 -0000", NOW),
        ("yesterday", None),
        ("", None),
        (None, None),
    ],
)
def test_parse_date_reads_the_header_or_nothing(text: str | None, moment: datetime | None) -> None:
    """A server without a usable date has no clock; nothing is invented for it."""
    headers = {} if text is None else {"date": text}
    assert parse_date({"ResponseMetadata": {"HTTPHeaders": headers}}) == moment
    assert parse_date({}) is None
    assert parse_date(None) is None


def test_classify_blames_the_clock_only_when_it_is_far_off() -> None:
    """Five minutes are no reason to refuse a signature."""
    error = _refusal("AccessDenied", 403)
    error.response["ResponseMetadata"]["HTTPHeaders"] = {"date": "Sat, 21 Nov 2026 20:00:00 GMT"}
    assert classify(error, NOW + timedelta(minutes=5)) is Fault.DENIED
    assert classify(error, NOW + timedelta(minutes=6)) is Fault.CLOCK
