"""Puts a report into a bucket. Import this only where that is asked for: it loads boto3."""

from __future__ import annotations

from datetime import UTC, datetime

from hook.catalogs.aws import Service, open_client
from hook.catalogs.s3_errors import S3_ERRORS, Fault, classify, explain
from hook.errors import HookError, ReportFailed
from hook.settings.backup_source import S3Settings, parse_s3_location
from hook.settings.output import S3_SCHEME

_FALLBACK_REGION = "us-east-1"
# Where the reason is one that a report has and a backup has not.
_HINTS = {
    Fault.NO_BUCKET: "Correct the bucket in PRESYNC_REPORT, or PRESYNC_S3_ENDPOINT.",
    Fault.DENIED: "Allow s3:PutObject on it; `presync config --iam-policy` prints the policy.",
}


def upload_report(url: str, text: str, run_id: str, endpoint: str | None) -> None:
    """Put *text* at *url*; below one that ends in a slash it gets the name of the run.

    Raises:
        ReportFailed: It could not be put there.
    """
    place = parse_s3_location(url, "PRESYNC_REPORT", "")
    key = f"{place.prefix}/{run_id}.json" if url.endswith("/") else place.prefix
    name = f"{S3_SCHEME}{place.bucket}/{key}"
    try:
        _put(place.bucket, key, text, S3Settings(endpoint=endpoint))
    except HookError as error:
        raise ReportFailed(f"PRESYNC_REPORT: {error.message}", error.hint) from error
    except S3_ERRORS as error:
        fault = classify(error, datetime.now(UTC))
        told = explain(error, fault, name, endpoint or "S3")
        hint = _HINTS.get(fault, told.hint)
        raise ReportFailed(f"PRESYNC_REPORT: {told.message}", hint) from error


def _put(bucket: str, key: str, text: str, settings: S3Settings) -> None:
    client = open_client(Service("s3", "the report", _FALLBACK_REGION), settings)
    body = text.encode()
    client.put_object(Bucket=bucket, Key=key, Body=body, ContentType="application/json")
