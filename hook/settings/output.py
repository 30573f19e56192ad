"""Where the outcome goes, and how it looks."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from hook.errors import ConfigError

DEFAULT_TERMINATION_LOG = "/dev/termination-log"
S3_SCHEME = "s3://"
_S3_HINT = (
    "Name an object, as s3://bucket/path/report.json, or with a slash at the end a folder that"
    " each report gets a name in."
)


class OutputFormat(Enum):
    """How results and log lines are written."""

    TEXT = "text"
    JSON = "json"


class Actor(NamedTuple):
    """Who runs: names that the downward API of Kubernetes provides, none elsewhere."""

    pod: str | None = None
    namespace: str | None = None
    job: str | None = None
    job_uid: str | None = None


class OutputSettings(NamedTuple):
    """Where the outcome goes.

    Attributes:
        format: Of results on stdout; none is text on a terminal, else JSON.
        log_format: Of the log on stderr, likewise.
        report: Path of the report file or ``s3://`` URL of an object, none for no report.
        termination_log: Path that Kubernetes reads the termination message from.
    """

    format: OutputFormat | None = None
    log_format: OutputFormat | None = None
    report: str | None = None
    termination_log: str = DEFAULT_TERMINATION_LOG
    actor: Actor = Actor()
    s3_endpoint: str | None = None


def parse_report_path(text: str) -> str:
    """Return the path of the report file, or the ``s3://`` URL of an object.

    Raises:
        ValueError: It is another URL.
        ConfigError: It is one of S3 and names no object, or a folder of none.
    """
    if text.startswith(S3_SCHEME):
        from hook.settings.backup_source import parse_s3_location  # noqa: PLC0415 - often unset

        place = parse_s3_location(text, "PRESYNC_REPORT", _S3_HINT)
        if not place.prefix:
            raise ConfigError(("PRESYNC_REPORT: there is no key behind the bucket",), _S3_HINT)
    elif "://" in text:
        raise ValueError(f"{text!r} is neither a path nor s3://bucket/key")
    return text
