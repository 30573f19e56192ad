"""Turns what botocore raises into one line with a reason and the next step.

Import this only where S3 is really used: it loads botocore.

Error codes: "Error responses" of the Amazon S3 API reference. For an answer without XML
botocore makes the HTTP status the code; a 301 or 404 of that kind is no answer of S3.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from enum import Enum

from botocore import exceptions as aws
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from hook.core.text import clip, one_line
from hook.errors import BackupSourceMissing, BackupUnknown, HookError

# ValueError: botocore's way to refuse an endpoint. HTTPError and OSError: what a body that
# breaks off can let through.
S3_ERRORS = (
    aws.BotoCoreError,
    aws.ClientError,
    ResponseParserError,
    HTTPError,
    OSError,
    ValueError,
)
_SERVER_ERROR = 500
# Nobody but a proxy says so.
_PROXY_REFUSES = 407
_REDIRECTS = frozenset({301, 302, 307, 308})
_SKEW_LIMIT = timedelta(minutes=5)
_DETAIL_LENGTH = 200
_REGION_LENGTH = 40


class Fault(Enum):
    """Why S3 gave no answer that can be used; the value is the next step."""

    NO_OBJECT = ""
    NO_BUCKET = "Correct the bucket in PRESYNC_BACKUP_SOURCE, or PRESYNC_S3_ENDPOINT."
    DENIED = (
        "Allow it; `presync config --iam-policy` prints all that is needed (but kms:Decrypt)."
        " Without s3:ListBucket, S3 says denied of what does not exist."
    )
    CREDENTIALS = (
        "Check the credentials of this pod: AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the"
        " role of its service account."
    )
    CLOCK = "Synchronise the clock of this node; S3 refuses requests that are minutes off."
    REGION = "Set AWS_REGION to the region of the bucket."
    TLS = (
        "Set AWS_CA_BUNDLE to the certificate authority of the endpoint, and see that its"
        " certificate names the host."
    )
    UNREACHABLE = (
        "Check PRESYNC_S3_ENDPOINT (scheme, host, port), network policies and HTTPS_PROXY/NO_PROXY."
    )
    BUSY = "Try again later; the storage is overloaded or failing."
    ARCHIVED = "Restore the object from its archive storage class, or take a new backup."
    NOT_S3 = (
        "Check PRESYNC_S3_ENDPOINT: scheme, port, that an S3 service listens there, and that no"
        " proxy answers for it (HTTPS_PROXY/NO_PROXY)."
    )


_FAULT_BY_CODE = {
    "NoSuchKey": Fault.NO_OBJECT,
    "NoSuchBucket": Fault.NO_BUCKET,
    "AccessDenied": Fault.DENIED,
    "AllAccessDisabled": Fault.DENIED,
    "AccountProblem": Fault.DENIED,
    "403": Fault.DENIED,
    "ExpiredToken": Fault.CREDENTIALS,
    "ExpiredTokenException": Fault.CREDENTIALS,
    "InvalidAccessKeyId": Fault.CREDENTIALS,
    "InvalidClientTokenId": Fault.CREDENTIALS,
    "InvalidIdentityToken": Fault.CREDENTIALS,
    "InvalidToken": Fault.CREDENTIALS,
    "SignatureDoesNotMatch": Fault.CREDENTIALS,
    "TokenRefreshRequired": Fault.CREDENTIALS,
    "MissingAuthenticationToken": Fault.CREDENTIALS,
    "UnrecognizedClientException": Fault.CREDENTIALS,
    "401": Fault.CREDENTIALS,
    "RequestTimeTooSkewed": Fault.CLOCK,
    "RequestExpired": Fault.CLOCK,
    "AuthorizationHeaderMalformed": Fault.REGION,
    "IllegalLocationConstraintException": Fault.REGION,
    "PermanentRedirect": Fault.REGION,
    "TemporaryRedirect": Fault.REGION,
    "InvalidObjectState": Fault.ARCHIVED,
    "RequestTimeout": Fault.BUSY,
    "RequestLimitExceeded": Fault.BUSY,
    "SlowDown": Fault.BUSY,
    "Throttling": Fault.BUSY,
    "ThrottlingException": Fault.BUSY,
}
_ACTIONS = {
    "GetObject": "s3:GetObject",
    "HeadObject": "s3:GetObject",
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
}
# The first match counts: some of these are subclasses of a later one.
_FAULT_BY_TYPE: tuple[tuple[type[BaseException], Fault], ...] = (
    (aws.NoCredentialsError, Fault.CREDENTIALS),
    (aws.PartialCredentialsError, Fault.CREDENTIALS),
    (aws.CredentialRetrievalError, Fault.CREDENTIALS),
    (aws.TokenRetrievalError, Fault.CREDENTIALS),
    (aws.MetadataRetrievalError, Fault.CREDENTIALS),
    (aws.SSOError, Fault.CREDENTIALS),
    (aws.ProfileNotFound, Fault.CREDENTIALS),
    (aws.ConfigParseError, Fault.CREDENTIALS),
    (aws.InvalidConfigError, Fault.CREDENTIALS),
    (FileNotFoundError, Fault.CREDENTIALS),
    (PermissionError, Fault.CREDENTIALS),
    (aws.InvalidRegionError, Fault.REGION),
    (aws.NoRegionError, Fault.REGION),
    (aws.SSLError, Fault.TLS),
    (aws.ConnectionError, Fault.UNREACHABLE),
    (aws.HTTPClientError, Fault.UNREACHABLE),
    (aws.IncompleteReadError, Fault.UNREACHABLE),
    (aws.ResponseStreamingError, Fault.UNREACHABLE),
    (HTTPError, Fault.UNREACHABLE),
    (OSError, Fault.UNREACHABLE),
)
# No field of the answer names the right that is missing, and it need not be the one to what was
# asked: reading an object that a key of KMS encrypts takes kms:Decrypt, a tag one of its own.
_MISSING_RIGHT = re.compile(r"not authorized to perform:? ([a-z0-9-]+:[A-Za-z]+)")
# What botocore says of these can hold the output of a program that printed credentials.
_UNTOLD = (aws.CredentialRetrievalError, aws.TokenRetrievalError, aws.ConfigParseError)


def classify(error: BaseException, now: datetime) -> Fault:
    """Return why *error* happened.

    Some services refuse a signature from a wrong clock as a plain denial, so a refusal is
    the clock's fault when the answer's own ``Date`` is minutes away from *now*.
    """
    if not isinstance(error, aws.ClientError):
        kinds = (fault for kind, fault in _FAULT_BY_TYPE if isinstance(error, kind))
        return next(kinds, Fault.NOT_S3)
    fault = _FAULT_BY_CODE.get(code_of(error))
    if error.operation_name.startswith("AssumeRole"):
        fault = Fault.CREDENTIALS
    if fault is None:
        fault = _fault_by_status(error)
    if fault in {Fault.DENIED, Fault.CREDENTIALS}:
        sent_at = parse_date(error.response)
        if sent_at is not None and abs(now - sent_at) > _SKEW_LIMIT:
            return Fault.CLOCK
    return fault


def _fault_by_status(error: aws.ClientError) -> Fault:
    if _status(error) >= _SERVER_ERROR:
        return Fault.BUSY
    if _status(error) == _PROXY_REFUSES:
        return Fault.UNREACHABLE
    # A redirect without a body, as it answers some requests, still names the region.
    is_redirect = _status(error) in _REDIRECTS
    return Fault.REGION if is_redirect and _region(error) else Fault.NOT_S3


def explain(error: BaseException, fault: Fault, name: str, endpoint: str) -> HookError:
    """Return *error* as what it means for the object or place called *name*."""
    detail = detail_of(error)
    if fault is Fault.NO_BUCKET:
        bucket = name.removeprefix("s3://").partition("/")[0]
        return BackupSourceMissing(f"there is no bucket {bucket} at {endpoint}", fault.value)
    message = {
        Fault.DENIED: f"{_denied(error, name)} is denied ({detail})",
        Fault.CREDENTIALS: f"no valid credentials for {name} ({detail})",
        Fault.CLOCK: f"{endpoint} refuses {name} because the clocks differ ({detail})",
        Fault.REGION: f"{name} belongs to another region{_told_region(error)} ({detail})",
        Fault.TLS: f"no TLS session with {endpoint}: {detail}",
        Fault.UNREACHABLE: f"{endpoint} does not answer: {detail}",
        Fault.BUSY: f"{endpoint} fails on {name} ({detail})",
        Fault.ARCHIVED: f"{name} lies in an archive storage class ({detail})",
    }.get(fault, f"{endpoint} does not answer like S3 on {name}: {detail}")
    return BackupUnknown(message, fault.value)


def _denied(error: BaseException, name: str) -> str:
    """Return which right on what is missing, as a policy would say it."""
    operation = error.operation_name if isinstance(error, aws.ClientError) else ""
    place, right = name.removeprefix("s3://"), _ACTIONS.get(operation, "s3:PutObject")
    if operation.startswith("ListObjects"):
        right = "s3:ListBucket"
        place = f"{place.partition('/')[0]} for {name}"
    told = missing_right(error) or right
    return f"{right} on arn:aws:s3:::{place}" if told == right else f"{told} for {name}"


def missing_right(error: BaseException) -> str | None:
    """Return the right that AWS calls missing, none where it names none."""
    found = _MISSING_RIGHT.search(str(error)) if isinstance(error, aws.ClientError) else None
    return found and found[1]


def is_upload_gone(error: BaseException) -> bool:
    """Tell whether *error* says that there is no such multipart upload (any more)."""
    return isinstance(error, aws.ClientError) and code_of(error) == "NoSuchUpload"


def parse_date(response: object) -> datetime | None:
    """Return the server's own time from the ``Date`` header of a parsed response."""
    metadata = response.get("ResponseMetadata") if isinstance(response, dict) else None
    headers = metadata.get("HTTPHeaders") if isinstance(metadata, dict) else None
    text = headers.get("date") if isinstance(headers, dict) else None
    try:
        moment = parsedate_to_datetime(text or "")
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _region(error: BaseException) -> str:
    """Return the region that the storage names as the right one, empty when it does not."""
    if not isinstance(error, aws.ClientError):
        return ""
    headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    told = headers.get("x-amz-bucket-region") or error.response.get("Error", {}).get("Region")
    return clip(one_line(str(told or "")), _REGION_LENGTH)


def _told_region(error: BaseException) -> str:
    region = _region(error)
    return f", {region}" if region else ""


def code_of(error: aws.ClientError) -> str:
    """Return what the service calls *error*, empty when its answer does not say."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _status(error: aws.ClientError) -> int:
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def detail_of(error: BaseException) -> str:
    """Return what is safe to tell of *error*, on one line."""
    if isinstance(error, _UNTOLD):
        return type(error).__name__
    if isinstance(error, aws.ClientError):
        code = code_of(error) or f"HTTP {_status(error)}"
        told = error.response.get("Error", {}).get("Message")
        text = f"{code}: {told}" if told else code
    else:
        # The text of urllib3's errors is that of a tuple, with the cause spelled out twice.
        text = str(error.args[0] if isinstance(error, HTTPError) and error.args else error)
    return clip(one_line(text), _DETAIL_LENGTH)
